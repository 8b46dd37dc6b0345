/* Decimal numbers as the text protocol has them: no sign but a '-', no spaces, no overflow. Uses nothing. */
#include "protocol/number.h"

#include "protocol/protocol.h"

static const char two_digits[] = {"0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899"};

bool emc__parse_u64(struct emc__slice text, uint64_t *number_out)
{
    const uint8_t *cursor = text.data;
    uint64_t number;
    if (text.length == 0 || !emc__digits_take(&cursor, text.data + text.length, &number) ||
        cursor != text.data + text.length) {
        return false;
    }
    *number_out = number;
    return true;
}

bool emc__parse_i64(struct emc__slice text, int64_t *number_out)
{
    bool negative = text.length > 0 && text.data[0] == '-';
    uint64_t magnitude;
    if (negative) {
        text.data++;
        text.length--;
    }
    if (!emc__parse_u64(text, &magnitude) || magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    *number_out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static size_t digits_count(uint64_t number)
{
    size_t count = 1;
    while (number >= 10000) {
        number /= 10000;
        count += 4;
    }
    return count + (number >= 10) + (number >= 100) + (number >= 1000);
}

size_t emc__format_u64(uint8_t *out, uint64_t number)
{
    if (number < 10) {
        *out = (uint8_t)('0' + number);
        return 1;
    }
    if (number < 1000) { /* most lengths and labels */
        unsigned first = (unsigned)number / 100;
        size_t count = first > 0;
        *out = (uint8_t)('0' + first);
        memcpy(out + count, two_digits + 2 * (number - 100 * first), 2);
        return count + 2;
    }
    size_t count = digits_count(number);
    uint8_t *at = out + count;
    while (number >= 100) {
        at -= 2;
        memcpy(at, two_digits + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        memcpy(out, two_digits + 2 * number, 2);
    } else {
        *out = (uint8_t)('0' + number);
    }
    return count;
}
