/* How a connection speaks with its server. Two dialects stand behind this one interface: text (with meta), which every memcached speaks, and binary,
 * which a server that authenticates by SASL speaks and nothing else.
 *
 * A dialect turns operations into requests and replies into outcomes. What surrounds that is common: queues, the pipeline's entries, values received
 * into their homes, and a connection's end. Nothing outside of a dialect's own files asks which one it is. */
#ifndef EMC_NODE_DIALECT_H
#define EMC_NODE_DIALECT_H

#include "node/connection.h"

struct emc__dialect {
    /* ---- out */
    /* Puts the credentials into unsent. False: there is no memory (the attempt's deadline ends it). */
    bool (*write_credentials)(struct emc__connection *connection);
    /* The `version` of a probe; returns the number of bytes, at most 64. */
    size_t (*write_probe)(struct emc__connection *connection, struct emc__operation *probe, uint8_t *out);
    /* Moves operations from pending to the pipeline and writes their bytes to out, until out is full, a borrowed value is next (then connection->borrowed
     * is set), or nothing more can be written. Returns the number of bytes. */
    size_t (*fill)(struct emc__connection *connection, uint8_t *out, size_t capacity);
    /* What follows a value on the wire. */
    struct emc__slice value_end;

    /* ---- in */
    void (*reader_init)(struct emc__connection *connection);
    /* Takes every complete reply; *consumed_out tells how much. What is left is fed again with more behind it. */
    enum emc__read_result (*feed)(struct emc__connection *connection, const uint8_t *data, size_t length,
                                  size_t *consumed_out);
    /* Where the next bytes of a long value may be received straight into; data NULL: nowhere. And that so many came. */
    struct emc__span (*wanted)(const struct emc__connection *connection);
    void (*received)(struct emc__connection *connection, size_t length);
    /* The value under way is dropped: its destination is not touched again. */
    void (*discard)(struct emc__connection *connection);
    /* What was wrong, when feed returned EMC__READ_BROKEN. Static; NULL: nothing known. */
    const char *(*broken)(const struct emc__connection *connection);
};

extern const struct emc__dialect emc__dialect_text;   /* text_replies.c, coalesce.c */
extern const struct emc__dialect emc__dialect_binary; /* binary_replies.c, binary_requests.c */

#endif
