/* Options: defaults, validation, and copies of their strings. */
#ifndef EMC_CLIENT_OPTIONS_H
#define EMC_CLIENT_OPTIONS_H

#include <emcache.h>

/* Copies `given` (NULL: defaults) into *options field by field as far as its size says, after checking every range. Strings still point to the caller's. */
emc_status emc__options_validate(const emc_options *given, emc_options *options, emc_error *error);
/* Structures of options begin with their size, as the program knows it. Fills the first `size` bytes at `options` with defaults, as far as they are known here. */
void emc__options_fill(void *options, size_t size, const void *defaults, size_t known);
/* Takes what the program knows over the defaults at `options`. Refuses a size below `least` (it was never filled) or beyond what is known here. */
emc_status emc__options_take(void *options, size_t known, const void *given, size_t least, emc_error *error);
/* A block of strings. */
struct emc__owned_strings {
    char *strings;
    size_t size;
};

/* Replaces the strings but the credentials by copies in one block, or forgets them where nobody looks at them again. EMC_OK or EMC_ERROR_MEMORY. */
emc_status emc__options_own_strings(emc_options *options, const emc_allocator *allocator, struct emc__owned_strings *owned_out);
/* The same for the credentials. */
emc_status emc__options_own_credentials(emc_options *options, const emc_allocator *allocator, struct emc__owned_strings *owned_out);
/* Wipes and releases a block; harmless when there is none. */
void emc__owned_strings_wipe(struct emc__owned_strings *owned, const emc_allocator *allocator);
/* Whether they can be a client's. The words never hold them. */
emc_status emc__options_check_credentials(const char *username, const char *password, bool sasl, emc_error *error);

#endif
