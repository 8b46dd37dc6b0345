/* What a key may be. The server takes bytes it can't give back whole (control bytes are stored, spaces end the key), so
 * the client refuses them. Uses base/log.h for the words. */
#include "base/log.h"
#include "protocol/protocol.h"

static bool forbidden(uint8_t byte)
{
    return byte <= ' ' || byte == 0x7f;
}

bool emc__key_forbidden_byte(struct emc__slice key)
{
    if (key.length < 8) {
        bool found = false;
        for (size_t i = 0; i < key.length; i++) {
            found |= forbidden(key.data[i]);
        }
        return found;
    }
    uint64_t found = emc__key_forbidden_in_word(key.data + key.length - 8);
    for (size_t i = 0; i + 8 < key.length; i += 8) {
        found |= emc__key_forbidden_in_word(key.data + i);
    }
    return found != 0;
}

static emc_status refuse_byte(struct emc__slice key, emc_error *error)
{
    size_t at = 0;
    while (!forbidden(key.data[at])) {
        at++;
    }
    return emc__error_set(error, EMC_ERROR_KEY,
                          "key: byte 0x%02x at position %zu: no spaces or control characters are allowed",
                          (unsigned)key.data[at], at);
}

emc_status emc__key_validate(struct emc__slice key, emc_error *error)
{
    if (emc__key_valid(key)) {
        return EMC_OK;
    }
    if (key.length == 0) {
        return emc__error_set(error, EMC_ERROR_KEY, "key: is empty; 1 to %d bytes are allowed", EMC__KEY_LENGTH_MAX);
    }
    if (key.length > EMC__KEY_LENGTH_MAX) {
        return emc__error_set(error, EMC_ERROR_KEY, "key: has %zu bytes; 1 to %d are allowed", key.length,
                              EMC__KEY_LENGTH_MAX);
    }
    return refuse_byte(key, error);
}
