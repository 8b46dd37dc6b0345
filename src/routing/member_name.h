/* What each client calls a node when it hashes it: the address as it was given, never one found by look-up. */
#ifndef EMC_ROUTING_MEMBER_NAME_H
#define EMC_ROUTING_MEMBER_NAME_H

#include "routing/routing.h"

enum emc__member_form {
    EMC__MEMBER_JOINED,       /* "host11211", no separator (emcache) */
    EMC__MEMBER_COLON,        /* "host:11211" */
    EMC__MEMBER_LIBMEMCACHED, /* "host" on port 11211, "host:port" else; a unix socket has port 0: "path:0" */
    EMC__MEMBER_TWEMPROXY     /* the same, but a unix socket is "path:" */
};

/* Room for any name and a point's number behind it ("-159", ":4294967295"). */
#define EMC__MEMBER_NAME_SIZE (EMC__ROUTING_ADDRESS_MAX + 24)

/* Writes the name, without a zero behind it, and returns its length. Where the form says nothing else a unix socket is its path. */
size_t emc__member_name(const struct emc__routing_member *member, enum emc__member_form form,
                        uint8_t name_out[static EMC__MEMBER_NAME_SIZE]);
/* Writes a number in decimal behind the first `length` bytes of a name and returns the new length. */
size_t emc__member_number(uint8_t name[static EMC__MEMBER_NAME_SIZE], size_t length, char separator, uint32_t number);

#endif
