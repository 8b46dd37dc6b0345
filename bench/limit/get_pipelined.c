/* Gets, one line each, all in one write. With one in flight: the bare send/recv pair that a blocking get is measured against. */
#include "limit/wire.h"

#include <stdio.h>

static void build(struct wire_batch *batch, const struct bench_arguments *arguments, unsigned first, unsigned count,
                  unsigned step)
{
    for (unsigned i = 0; i < count; i++) {
        char key[BENCH_KEY_LENGTH + 1];
        wire_key(key, arguments, first, i, step);
        wire_format(batch, "get %s\r\n", key);
        batch->reply_length += (size_t)snprintf(NULL, 0, "VALUE %s 0 %zu\r\n", key, arguments->value_length) +
                               arguments->value_length + 2 + 5;
    }
}

int main(int argc, char **argv)
{
    return wire_main(argc, argv, build);
}
