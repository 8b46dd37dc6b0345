/* Log lines and error texts: see log.h. */
#include "base/log.h"

#include <stdio.h>

void emc__log_write(const struct emc__log *log, emc_log_level level, const char *format, ...)
{
    if (log->callback == NULL || level > log->level) {
        return;
    }
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->callback(log->context, level, line);
}

emc_status emc__error_set(emc_error *error, emc_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return status;
}
