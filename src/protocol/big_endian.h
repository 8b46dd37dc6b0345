/* Numbers of the binary dialect, most significant byte first. */
#ifndef EMC_PROTOCOL_BIG_ENDIAN_H
#define EMC_PROTOCOL_BIG_ENDIAN_H

#include <stdint.h>

static inline void emc__big_endian_put16(uint8_t *out, uint16_t number)
{
    out[0] = (uint8_t)(number >> 8);
    out[1] = (uint8_t)number;
}

static inline void emc__big_endian_put32(uint8_t *out, uint32_t number)
{
    emc__big_endian_put16(out, (uint16_t)(number >> 16));
    emc__big_endian_put16(out + 2, (uint16_t)number);
}

static inline void emc__big_endian_put64(uint8_t *out, uint64_t number)
{
    emc__big_endian_put32(out, (uint32_t)(number >> 32));
    emc__big_endian_put32(out + 4, (uint32_t)number);
}

static inline uint16_t emc__big_endian_get16(const uint8_t *bytes)
{
    return (uint16_t)((uint32_t)bytes[0] << 8 | bytes[1]);
}

static inline uint32_t emc__big_endian_get32(const uint8_t *bytes)
{
    return (uint32_t)emc__big_endian_get16(bytes) << 16 | emc__big_endian_get16(bytes + 2);
}

static inline uint64_t emc__big_endian_get64(const uint8_t *bytes)
{
    return (uint64_t)emc__big_endian_get32(bytes) << 32 | emc__big_endian_get32(bytes + 4);
}

#endif
