/* A name server on the loopback interface, driven by the test: it answers from a table of records, or stays silent. */
#ifndef EMC_TESTS_NAME_SERVER_H
#define EMC_TESTS_NAME_SERVER_H

#include <stddef.h>
#include <stdint.h>

enum { RECORD_A = 1,
       RECORD_AAAA = 28,
       RECORD_SRV = 33 };

struct record {
    const char *name;
    int type;
    uint32_t ttl_s;
    const char *value; /* an address, or an SRV record's target */
    uint16_t priority, weight, port;
};

struct name_server {
    int descriptor;
    uint16_t port;
    const struct record *records;
    size_t record_count;
    bool silent;        /* takes questions and does not answer */
    bool refuses;       /* answers "server failure" */
    unsigned questions; /* received */
};

void name_server_start(struct name_server *server);
void name_server_stop(struct name_server *server);
/* Answers what has come; never waits. A name without any record does not exist; one without a record of the type asked for has no data. */
void name_server_pump(struct name_server *server);

#endif
