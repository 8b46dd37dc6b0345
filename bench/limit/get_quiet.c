/* Gets as quiet meta gets that carry their key, fenced by one `mn`. */
#include "limit/wire.h"

#include <stdio.h>

static void build(struct wire_batch *batch, const struct bench_arguments *arguments, unsigned first, unsigned count,
                  unsigned step)
{
    for (unsigned i = 0; i < count; i++) {
        char key[BENCH_KEY_LENGTH + 1];
        wire_key(key, arguments, first, i, step);
        wire_format(batch, "mg %s k v q\r\n", key);
        batch->reply_length += (size_t)snprintf(NULL, 0, "VA %zu k%s\r\n", arguments->value_length, key) +
                               arguments->value_length + 2;
    }
    wire_format(batch, "mn\r\n");
    batch->reply_length += 4;
}

int main(int argc, char **argv)
{
    return wire_main(argc, argv, build);
}
