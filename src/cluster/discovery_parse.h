/* The configuration that ElastiCache and Memorystore tell: pure parsing of hostile bytes. */
#ifndef EMC_CLUSTER_DISCOVERY_PARSE_H
#define EMC_CLUSTER_DISCOVERY_PARSE_H

#include <emcache.h>

#include "base/slice.h"

/* Far above what any provider has (ElastiCache: 60); bounds what a hostile answer can cost. */
#define EMC__DISCOVERED_MAX 1024
/* Longest payload looked at. */
#define EMC__DISCOVERY_PAYLOAD_MAX (64 * 1024)

struct emc__discovered_node {
    char host[EMC_HOST_LENGTH_MAX + 1];
    uint16_t port;
};

/* `<version>\n<host>|<ip>|<port> <host>|<ip>|<port>…\n`, lines ending in \n or \r\n, white space around ignored. A node without a host is named by its ip, one without an ip by its
 * host; entries named twice count once. Fills nodes (room for EMC__DISCOVERED_MAX) and returns NULL, or what is wrong, static. */
const char *emc__discovery_parse(struct emc__slice payload, uint64_t *version_out, struct emc__discovered_node *nodes, size_t *count_out);

#endif
