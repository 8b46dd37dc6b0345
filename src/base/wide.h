/* Products and quotients of 128 bits: the compiler's where it has such a type (64-bit machines), else in pieces of 32 bits, with the same answers. */
#ifndef EMC_BASE_WIDE_H
#define EMC_BASE_WIDE_H

#include <stdint.h>

/* The upper half of a * b. */
static inline uint64_t emc__multiply_high_by_halves(uint64_t a, uint64_t b)
{
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    uint64_t first = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    uint64_t second = (a & UINT32_MAX) * (b >> 32) + (first & UINT32_MAX);
    return (a >> 32) * (b >> 32) + (first >> 32) + (second >> 32);
}

/* (high * 2^64 + low) / divisor; high < divisor, so that the quotient fits. */
static inline uint64_t emc__divide_wide_by_bits(uint64_t high, uint64_t low, uint64_t divisor)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t carry = high >> 63;
        high = high << 1 | low >> 63;
        low <<= 1;
        if (carry != 0 || high >= divisor) {
            high -= divisor;
            low |= 1;
        }
    }
    return low;
}

#ifdef __SIZEOF_INT128__

__extension__ typedef unsigned __int128 emc__wide;

static inline uint64_t emc__multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((emc__wide)a * b >> 64);
}

static inline uint64_t emc__divide_wide(uint64_t high, uint64_t low, uint64_t divisor)
{
    return (uint64_t)(((emc__wide)high << 64 | low) / divisor);
}

#else

static inline uint64_t emc__multiply_high(uint64_t a, uint64_t b)
{
    return emc__multiply_high_by_halves(a, b);
}

static inline uint64_t emc__divide_wide(uint64_t high, uint64_t low, uint64_t divisor)
{
    return emc__divide_wide_by_bits(high, low, divisor);
}

#endif

#endif
