/* A logarithm in integers: u = m / 2^k with m in [1/2, 1), and -ln m = 2 artanh(s), s = (1 - m) / (1 + m) <= 1/3, by its series. */
#include "routing/negative_log.h"

#include "base/wide.h"

#define ONE   ((uint64_t)1 << 62)          /* the series is summed with 62 bits behind the point */
#define LN2   UINT64_C(0x2c5c85fdf473de6a) /* of ONE */
#define SHIFT (62 - EMC__NEGATIVE_LOG_BITS)
#define TERMS 16 /* the rest is below (1/9)^16 / 33 */

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return emc__multiply_high(a, b) << 2 | a * b >> 62;
}

uint64_t emc__negative_log(uint64_t hash)
{
    uint64_t least = emc__negative_log_at_least(hash);
    hash = hash == 0 ? 1 : hash;
    unsigned k = (unsigned)__builtin_clzll(hash);
    uint64_t m = hash << k;
    uint64_t s = emc__divide_wide((0 - m) >> 3, (0 - m) << 61, ((uint64_t)1 << 63) + (m >> 1));
    uint64_t square = multiply(s, s), sum = 0;
    for (unsigned term = TERMS; term-- > 0;) {
        sum = ONE / (2 * term + 1) + multiply(square, sum);
    }
    /* (LN2 * k + 2 * s * sum) >> SHIFT, where the first product would not fit: what is shifted out of LN2 goes with the second. */
    uint64_t log = (LN2 >> SHIFT) * k + ((LN2 % (1 << SHIFT) * k + 2 * multiply(s, sum)) >> SHIFT);
    return log < least ? least : log;
}
