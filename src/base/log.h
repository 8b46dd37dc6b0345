/* The logging hook and error texts: formats into a bounded buffer, allocates nothing. */
#ifndef EMC_BASE_LOG_H
#define EMC_BASE_LOG_H

#include <stdarg.h>

#include <emcache/platform.h>

#include "base/rare.h"

#if defined(__GNUC__)
#define EMC__PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define EMC__PRINTF(format_index, first_index)
#endif

struct emc__log {
    emc_log_callback *callback; /* NULL: nothing is logged */
    void *context;
    emc_log_level level; /* the most talkative level that is passed on */
};

EMC__RARE void emc__log_write(const struct emc__log *log, emc_log_level level, const char *format, ...) EMC__PRINTF(3, 4);

/* Fills *error (when not NULL) and returns status. */
emc_status emc__error_set(emc_error *error, emc_status status, const char *format, ...) EMC__PRINTF(3, 4);

#endif
