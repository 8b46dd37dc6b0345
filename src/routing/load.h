/* Little-endian words out of bytes at any address, and rotations: what every hash function here is made of. */
#ifndef EMC_ROUTING_LOAD_H
#define EMC_ROUTING_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t emc__load_le32(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static inline uint64_t emc__load_le64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The 0..8 bytes there are, zeros above them: without a loop or a copy whose length the compiler does not know. */
static inline uint64_t emc__load_le_upto8(const uint8_t *bytes, size_t count)
{
    if (count >= 8) {
        return emc__load_le64(bytes);
    }
    if (count >= 4) { /* the two words overlap where they are the same */
        return emc__load_le32(bytes) | (uint64_t)emc__load_le32(bytes + count - 4) << 8 * (count - 4);
    }
    if (count > 0) { /* likewise the first, the middle and the last byte */
        return bytes[0] | (uint64_t)bytes[count / 2] << 8 * (count / 2) | (uint64_t)bytes[count - 1] << 8 * (count - 1);
    }
    return 0;
}

/* 0 < by < 32. */
static inline uint32_t emc__rotate32(uint32_t word, unsigned by)
{
    return word << by | word >> (32 - by);
}

#endif
