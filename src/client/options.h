/* Options: defaults, validation, and copies of their strings. */
#ifndef EMC_CLIENT_OPTIONS_H
#define EMC_CLIENT_OPTIONS_H

#include <emcache.h>

/* Copies `given` (NULL: defaults) into *options field by field as far as its size says, after checking every range. Strings still point to the caller's. */
emc_status emc__options_validate(const emc_options *given, emc_options *options, emc_error *error);
/* Replaces the strings by copies in one block (*strings_out, of *size_out bytes, to be wiped and released). EMC_OK or EMC_ERROR_MEMORY. */
emc_status emc__options_own_strings(emc_options *options, const emc_allocator *allocator, char **strings_out, size_t *size_out);

#endif
