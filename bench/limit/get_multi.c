/* Gets as multi-key lines of at most 1,000 keys (one line of 100,000 keys is half as fast at the server). */
#include "limit/wire.h"

#include <stdio.h>

#define LINE_KEYS_MAX 1000

static void build(struct wire_batch *batch, const struct bench_arguments *arguments, unsigned first, unsigned count,
                  unsigned step)
{
    for (unsigned i = 0; i < count; i++) {
        char key[BENCH_KEY_LENGTH + 1];
        wire_key(key, arguments, first, i, step);
        wire_format(batch, "%s %s", i % LINE_KEYS_MAX == 0 ? "get" : "", key);
        batch->reply_length += (size_t)snprintf(NULL, 0, "VALUE %s 0 %zu\r\n", key, arguments->value_length) +
                               arguments->value_length + 2;
        if (i % LINE_KEYS_MAX == LINE_KEYS_MAX - 1 || i + 1 == count) {
            wire_format(batch, "\r\n");
            batch->reply_length += 5;
        }
    }
}

int main(int argc, char **argv)
{
    return wire_main(argc, argv, build);
}
