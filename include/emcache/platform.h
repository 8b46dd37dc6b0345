/* What the library asks of its surroundings: symbol visibility, memory, and a place to log to.
 *
 * Includes the C standard library and status.h alone. */
#ifndef EMCACHE_PLATFORM_H
#define EMCACHE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <emcache/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(EMC_STATIC)
#define EMC_API
#elif defined(__GNUC__)
#define EMC_API __attribute__((visibility("default")))
#else
#define EMC_API
#endif

/** Version of this header. emc_library_version() tells the version of the library that runs. */
#define EMC_VERSION_MAJOR 0
#define EMC_VERSION_MINOR 1
#define EMC_VERSION_PATCH 0

/** Version of the library, as "0.1.0". Static; any thread. Since 0.1. */
EMC_API const char *emc_library_version(void);

/** The name of a status, as "EMC_MISS"; "EMC_?" for a number that is none. Static; any thread. Since 0.1. */
EMC_API const char *emc_status_name(emc_status status);

/** What a status means, in a few English words. Static; any thread. Since 0.1. */
EMC_API const char *emc_status_text(emc_status status);

/** The class of a status (#EMC_CLASS_USAGE for a number that is none). Any thread. Since 0.1. */
EMC_API emc_status_class emc_status_classify(emc_status status);

/** Longest message in an #emc_error, with its terminating zero. */
#define EMC_ERROR_MESSAGE_SIZE 256

/** A status with words: which argument, which limit, what the server or the system said.
 *  Filled only when a call fails; `message` is always terminated. Never holds a credential. */
typedef struct emc_error {
    emc_status status;
    char message[EMC_ERROR_MESSAGE_SIZE];
} emc_error;

/** Where a client gets its memory. All three functions are needed, or none (then malloc and friends). Memory is aligned as malloc's.
 *  They are called on the thread that uses the client. `allocate` and `reallocate` may return NULL:
 *  the call that needed the memory then ends with EMC_ERROR_MEMORY and the client stays usable.
 *  libuv, c-ares and OpenSSL have process-wide allocators of their own, which this does not change. */
typedef struct emc_allocator {
    void *(*allocate)(void *context, size_t size);
    void *(*reallocate)(void *context, void *pointer, size_t size);
    void (*release)(void *context, void *pointer); /**< accepts NULL */
    void *context;                                 /**< handed to each function; must outlive the client */
} emc_allocator;

/** How much a log line matters. */
typedef enum emc_log_level {
    EMC_LOG_ERROR = 0, /**< somebody should look: a protocol contradiction, refused credentials */
    EMC_LOG_WARNING,   /**< a node became unhealthy, a connection was lost, autodiscovery failed */
    EMC_LOG_INFO,      /**< a node became healthy, membership changed */
    EMC_LOG_DEBUG      /**< each connection established or closed, each attempt that failed */
} emc_log_level;

/** Receives a client's log lines. `message` is borrowed until return, has no newline and never holds a
 *  key's value or a credential. Called on the thread that uses the client; must not call into it. */
typedef void emc_log_callback(void *context, emc_log_level level, const char *message);

#ifdef __cplusplus
}
#endif
#endif
