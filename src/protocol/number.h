/* Decimal digits inside a line: the inline half of number.c, for the readers. */
#ifndef EMC_PROTOCOL_NUMBER_H
#define EMC_PROTOCOL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* This many digits fit into 64 bits whatever they are. */
#define EMC__DIGITS_SAFE 19

/* Eight bytes, the first in the lowest place. */
static inline uint64_t emc__load_le64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline bool emc__digit_is(uint8_t byte)
{
    return (uint8_t)(byte - '0') <= 9;
}

/* Reads the digits at *cursor and moves it behind them. False, and *cursor as it was: none there, or more than 64 bits.
 */
static inline bool emc__digits_take(const uint8_t **cursor, const uint8_t *end, uint64_t *number_out)
{
    const uint8_t *at = *cursor;
    const uint8_t *safe_end = end - at > EMC__DIGITS_SAFE ? at + EMC__DIGITS_SAFE : end;
    uint64_t number = 0;
    while (at < safe_end && emc__digit_is(*at)) {
        number = number * 10 + (uint64_t)(*at++ - '0');
    }
    if (at == *cursor) {
        return false;
    }
    for (; at < end && emc__digit_is(*at); at++) {
        if (__builtin_mul_overflow(number, (uint64_t)10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number)) {
            return false;
        }
    }
    *cursor = at;
    *number_out = number;
    return true;
}

#endif
