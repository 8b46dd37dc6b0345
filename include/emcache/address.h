/* Where a node is: a host and port, or the path of a unix socket. */
#ifndef EMCACHE_ADDRESS_H
#define EMCACHE_ADDRESS_H

#include <emcache/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest host name or literal address, in bytes without the terminating zero (RFC 1035 allows 253; a scope needs a few). */
#define EMC_HOST_LENGTH_MAX 255
/** Longest path of a unix socket, in bytes without the terminating zero (sun_path on Linux). */
#define EMC_UNIX_PATH_LENGTH_MAX 107
/** Room for any address as emc_address_format() writes it, with its terminating zero. */
#define EMC_ADDRESS_TEXT_SIZE 272

/** What an #emc_address names. */
typedef enum emc_address_kind {
    EMC_ADDRESS_TCP = 0, /**< a host (name, IPv4, IPv6 without brackets) and a port */
    EMC_ADDRESS_UNIX     /**< the path of a unix socket */
} emc_address_kind;

/** A node's address, as its user gave it: routing uses exactly these words, never an address found by look-up.
 *  The strings are borrowed until the call they are given to returns; the client keeps copies. */
typedef struct emc_address {
    emc_address_kind kind;
    const char *host; /**< TCP: 1..255 bytes; NULL for unix */
    uint32_t port;    /**< TCP: 1..65535 (wider than a port, so that 70000 can be refused rather than wrapped) */
    const char *path; /**< unix: 1..107 bytes; NULL for TCP */
} emc_address;

/** A TCP address. `host` is borrowed. Any thread. Since 0.1. */
static inline emc_address emc_address_tcp(const char *host, uint32_t port)
{
    emc_address address = {EMC_ADDRESS_TCP, host, port, NULL};
    return address;
}

/** A unix socket's address. `path` is borrowed. Any thread. Since 0.1. */
static inline emc_address emc_address_unix(const char *path)
{
    emc_address address = {EMC_ADDRESS_UNIX, NULL, 0, path};
    return address;
}

/** An address that owns its strings, for what is parsed from text. */
typedef struct emc_address_storage {
    emc_address address; /**< points into `text` */
    char text[EMC_ADDRESS_TEXT_SIZE];
} emc_address_storage;

/** Reads "host", "host:port", "[ipv6]:port", a bare IPv6 address, or "/path" (also "unix:/path"). `default_port` (1..65535) is used where
 *  there is none. Returns EMC_OK or EMC_ERROR_ARGUMENT with words in *error (may be NULL); *storage_out must not be moved or
 *  copied while its address is in use. Any thread. Since 0.1. */
EMC_API emc_status emc_address_parse(const char *text, uint32_t default_port, emc_address_storage *storage_out,
                                     emc_error *error);

/** Writes "host:port", "[ipv6]:port" or the path, terminated, into `text` of `size` bytes (EMC_ADDRESS_TEXT_SIZE is always enough) and
 *  returns the length it needs without the zero. Any thread. Since 0.1. */
EMC_API size_t emc_address_format(const emc_address *address, char *text, size_t size);

/** Whether two addresses are the same words (kind, host byte for byte, port, path). Any thread. Since 0.1. */
EMC_API bool emc_address_equal(const emc_address *a, const emc_address *b);

#ifdef __cplusplus
}
#endif
#endif
