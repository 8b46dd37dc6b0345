/* Numbers and sizes, read from words and written for people. */
#ifndef EMCACHE_CLI_NUMBERS_H
#define EMCACHE_CLI_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any text of this file, with its zero. */
#define NUMBER_TEXT_SIZE 32

/* Reads a decimal number and nothing else; false leaves *number_out untouched. */
bool number_read_unsigned(const char *text, uint64_t min, uint64_t max, uint64_t *number_out);
bool number_read_signed(const char *text, int64_t min, int64_t max, int64_t *number_out);
bool number_read_decimal(const char *text, double min, double max, double *number_out);

/* The number with its thousands set apart: 1,234,567. Returns `text`. */
const char *number_text(uint64_t number, char text[static NUMBER_TEXT_SIZE]);
/* Seconds as milliseconds with as many digits as matter: 0.083, 1.27, 154; "-" below 0 (nothing measured). Returns `text`. */
const char *number_ms_text(double seconds, char text[static NUMBER_TEXT_SIZE]);
/* Bytes with a binary unit: 512 B, 1.4 MiB. Returns `text`. */
const char *number_bytes_text(double bytes, char text[static NUMBER_TEXT_SIZE]);

#endif
