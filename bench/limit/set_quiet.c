/* Sets as quiet meta sets, fenced by one `mn`. */
#include "limit/wire.h"

static void build(struct wire_batch *batch, const struct bench_arguments *arguments, unsigned first, unsigned count,
                  unsigned step)
{
    const char *value = bench_value(arguments);
    for (unsigned i = 0; i < count; i++) {
        char key[BENCH_KEY_LENGTH + 1];
        wire_key(key, arguments, first, i, step);
        wire_format(batch, "ms %s %zu q\r\n", key, arguments->value_length);
        wire_add(batch, value, arguments->value_length);
        wire_format(batch, "\r\n");
    }
    wire_format(batch, "mn\r\n");
    batch->reply_length += 4;
}

int main(int argc, char **argv)
{
    return wire_main(argc, argv, build);
}
