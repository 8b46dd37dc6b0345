/* What a status of the binary dialect means for a command: the result its text reply leads to. Uses nothing. */
#include "protocol/binary.h"

/* The item was not there. */
static emc_status not_found(enum emc__verb verb)
{
    bool conditional = verb == EMC__VERB_REPLACE || verb == EMC__VERB_APPEND || verb == EMC__VERB_PREPEND;
    return conditional ? EMC_NOT_STORED : EMC_MISS;
}

emc_status emc__binary_outcome(enum emc__verb verb, uint16_t status)
{
    switch (status) {
    case EMC__BINARY_OK:
        return EMC_OK;
    case EMC__BINARY_NOT_FOUND:
        return not_found(verb);
    case EMC__BINARY_EXISTS:
        return verb == EMC__VERB_ADD ? EMC_NOT_STORED : EMC_EXISTS;
    case EMC__BINARY_NOT_STORED:
        return EMC_NOT_STORED;
    case EMC__BINARY_TOO_LARGE:
        return EMC_ERROR_TOO_LARGE;
    case EMC__BINARY_INVALID:
    case EMC__BINARY_NOT_A_NUMBER:
        return EMC_ERROR_CLIENT;
    case EMC__BINARY_AUTHENTICATION:
    case EMC__BINARY_AUTHENTICATION_CONTINUES:
        return EMC_ERROR_AUTHENTICATION;
    case EMC__BINARY_UNKNOWN_COMMAND:
        return EMC_ERROR_COMMAND;
    case EMC__BINARY_OUT_OF_MEMORY:
        return EMC_ERROR_SERVER_MEMORY;
    default:
        return EMC_ERROR_SERVER;
    }
}
