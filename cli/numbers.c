/* Numbers and sizes, read from words and written for people. */
#include "numbers.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool number_read_unsigned(const char *text, uint64_t min, uint64_t max, uint64_t *number_out)
{
    if (!isdigit((unsigned char)text[0])) {
        return false; /* strtoull would take blanks and signs */
    }
    char *end = NULL;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < min || number > max) {
        return false;
    }
    *number_out = number;
    return true;
}

bool number_read_signed(const char *text, int64_t min, int64_t max, int64_t *number_out)
{
    if (!isdigit((unsigned char)text[text[0] == '-' ? 1 : 0])) {
        return false;
    }
    char *end = NULL;
    errno = 0;
    int64_t number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < min || number > max) {
        return false;
    }
    *number_out = number;
    return true;
}

bool number_read_decimal(const char *text, double min, double max, double *number_out)
{
    if (!isdigit((unsigned char)text[0]) || text[strspn(text, "0123456789.")] != '\0') {
        return false; /* strtod would take "0x1p3", "inf" and "nan" */
    }
    char *end = NULL;
    double number = strtod(text, &end);
    if (*end != '\0' || number < min || number > max) {
        return false;
    }
    *number_out = number;
    return true;
}

const char *number_text(uint64_t number, char text[static NUMBER_TEXT_SIZE])
{
    char digits[NUMBER_TEXT_SIZE];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    char *at = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *at++ = ',';
        }
        *at++ = digits[i];
    }
    *at = '\0';
    return text;
}

const char *number_ms_text(double seconds, char text[static NUMBER_TEXT_SIZE])
{
    double ms = seconds * 1000;
    if (!(seconds >= 0)) {
        snprintf(text, NUMBER_TEXT_SIZE, "-");
    } else if (ms < 10) {
        snprintf(text, NUMBER_TEXT_SIZE, ms < 1 ? "%.3f" : "%.2f", ms);
    } else {
        snprintf(text, NUMBER_TEXT_SIZE, ms < 100 ? "%.1f" : "%.0f", ms);
    }
    return text;
}

const char *number_bytes_text(double bytes, char text[static NUMBER_TEXT_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    while (bytes >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, NUMBER_TEXT_SIZE, unit > 0 && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}
