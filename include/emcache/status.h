/* The one list of outcomes: what an operation can end with, and its class.
 *
 * Stands alone: includes nothing, knows nothing of memcached's wire. */
#ifndef EMCACHE_STATUS_H
#define EMCACHE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, code, class, text)
 *
 * Results are >= 0: the server answered and this is its answer. A miss is not an error.
 * Errors are < 0, in four classes:
 *   USAGE      the call itself can't be carried out; nothing was sent
 *   TRANSIENT  a node, the network or a limit; the same call may succeed later
 *   PROTOCOL   the server said something that contradicts the protocol, or refused the command
 *   MEMORY     this process is out of memory; the client stays usable */
#define EMC_STATUS_LIST(X)                                                                                         \
    X(EMC_OK, 0, RESULT, "ok")                                                                                     \
    X(EMC_MISS, 1, RESULT, "the key is not there")                                                                 \
    X(EMC_NOT_STORED, 2, RESULT, "not stored: the command's condition does not hold")                              \
    X(EMC_EXISTS, 3, RESULT, "the item was changed since its cas value was read")                                  \
    X(EMC_ERROR_ARGUMENT, -1, USAGE, "an argument is out of its range")                                            \
    X(EMC_ERROR_KEY, -2, USAGE, "the key is empty, too long, or has a space or control character")                 \
    X(EMC_ERROR_CLOSED, -3, USAGE, "the client is closed")                                                         \
    X(EMC_ERROR_STATE, -4, USAGE, "the call is not possible here")                                                 \
    X(EMC_ERROR_DUPLICATE, -5, USAGE, "the node is already there")                                                 \
    X(EMC_ERROR_UNKNOWN_NODE, -6, USAGE, "there is no such node")                                                  \
    X(EMC_ERROR_UNSUPPORTED, -7, USAGE, "the server does not have this command or flag")                           \
    X(EMC_ERROR_TIMEOUT, -20, TRANSIENT, "no answer within the operation's timeout")                               \
    X(EMC_ERROR_CANCELLED, -21, TRANSIENT, "the operation was cancelled")                                          \
    X(EMC_ERROR_NODE_DOWN, -22, TRANSIENT, "the node is known to be down")                                         \
    X(EMC_ERROR_NO_NODES, -23, TRANSIENT, "the cluster has no node available")                                     \
    X(EMC_ERROR_CONNECT, -24, TRANSIENT, "no connection to the node could be established")                         \
    X(EMC_ERROR_RESOLVE, -25, TRANSIENT, "the node's name could not be looked up")                                 \
    X(EMC_ERROR_CONNECTION_LOST, -26, TRANSIENT, "the connection broke before the answer was complete")            \
    X(EMC_ERROR_FULL, -27, TRANSIENT, "a limit on queued or running operations is reached")                        \
    X(EMC_ERROR_SERVER, -28, TRANSIENT, "the server answered SERVER_ERROR")                                        \
    X(EMC_ERROR_TOO_LARGE, -29, TRANSIENT, "the item is larger than the server stores")                            \
    X(EMC_ERROR_SERVER_MEMORY, -30, TRANSIENT, "the server is out of memory")                                      \
    X(EMC_ERROR_OUTCOME_UNKNOWN, -31, TRANSIENT, "the server reported an error without saying of which operation") \
    X(EMC_ERROR_AUTHENTICATION, -32, TRANSIENT, "the server refused the credentials")                              \
    X(EMC_ERROR_TLS, -33, TRANSIENT, "the TLS handshake or connection failed")                                     \
    X(EMC_ERROR_BUSY, -34, TRANSIENT, "the server is busy with another such command")                              \
    X(EMC_ERROR_PROTOCOL, -40, PROTOCOL, "the server's answer contradicts the protocol")                           \
    X(EMC_ERROR_CLIENT, -41, PROTOCOL, "the server answered CLIENT_ERROR")                                         \
    X(EMC_ERROR_COMMAND, -42, PROTOCOL, "the server does not know the command")                                    \
    X(EMC_ERROR_MEMORY, -60, MEMORY, "out of memory")

#define EMC_STATUS_ENUM_ENTRY(name, code, class_, text) name = (code),
/** How an operation ended. `status < 0` is an error, anything else an answer of the server. */
typedef enum emc_status { EMC_STATUS_LIST(EMC_STATUS_ENUM_ENTRY) } emc_status;
#undef EMC_STATUS_ENUM_ENTRY

/** The classes of #EMC_STATUS_LIST. */
typedef enum emc_status_class {
    EMC_CLASS_RESULT,    /**< an answer of the server */
    EMC_CLASS_USAGE,     /**< the call can't be carried out; nothing was sent */
    EMC_CLASS_TRANSIENT, /**< may succeed later */
    EMC_CLASS_PROTOCOL,  /**< the server refused or contradicted itself */
    EMC_CLASS_MEMORY     /**< out of memory */
} emc_status_class;

#ifdef __cplusplus
}
#endif
#endif
