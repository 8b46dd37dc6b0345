/* Taking a fuzzer's bytes apart, and what a target does when a promise is broken. */
#ifndef EMC_TESTS_FUZZ_INPUT_H
#define EMC_TESTS_FUZZ_INPUT_H

#include <stdio.h>
#include <stdlib.h>

#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run where the condition does not hold; works without NDEBUG and with it. */
#define FUZZ_CHECK(condition)                                                              \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

/* The next byte; 0 when there is none left. */
static inline uint8_t fuzz_take_byte(struct emc__slice *input)
{
    if (input->length == 0) {
        return 0;
    }
    input->length--;
    return *input->data++;
}

/* A number of 0 to 8 bytes, as its first byte says: small ones are as likely as large ones. */
static inline uint64_t fuzz_take_number(struct emc__slice *input)
{
    uint64_t number = 0;
    for (uint8_t size = fuzz_take_byte(input) % 9; size > 0; size--) {
        number = number << 8 | fuzz_take_byte(input);
    }
    return number;
}

/* Up to `length` bytes. */
static inline struct emc__slice fuzz_take_slice(struct emc__slice *input, size_t length)
{
    struct emc__slice slice = {input->data, length < input->length ? length : input->length};
    input->data += slice.length;
    input->length -= slice.length;
    return slice;
}

#endif
