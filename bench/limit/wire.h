/* The limit of the wire: prebuilt request bytes go out, reply bytes are counted, and nothing else is done. No client can be faster
 * on the same sockets.
 *
 * A program of this folder gives one builder: the bytes that ask for some keys, and how many bytes the answer has. */
#ifndef EMC_BENCH_LIMIT_WIRE_H
#define EMC_BENCH_LIMIT_WIRE_H

#include "measure.h"

/* Request bytes that grow, and the length of the reply to them. */
struct wire_batch {
    char *request;
    size_t request_length, request_capacity;
    size_t reply_length;
};

/* Appends to the request. */
void wire_add(struct wire_batch *batch, const char *bytes, size_t length);
void wire_format(struct wire_batch *batch, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Asks for `count` keys, the first of number `first`, each next one `step` further (modulo the number of keys). */
typedef void wire_builder(struct wire_batch *batch, const struct bench_arguments *arguments, unsigned first,
                          unsigned count, unsigned step);

/* The key of number `first + i * step`. */
void wire_key(char key[BENCH_KEY_LENGTH + 1], const struct bench_arguments *arguments, unsigned first, unsigned i,
              unsigned step);

/* Connects to every node, builds every batch, sends and counts round by round, reports. Returns the program's exit code. */
int wire_main(int argc, char **argv, wire_builder *builder);

#endif
