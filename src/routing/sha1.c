/* SHA-1, by OpenSSL. Only rings are made of it, never a key's hash, so that its cost is that of building. */
#include "routing/sha1.h"

#include <openssl/evp.h>

bool emc__sha1_first(struct emc__slice text, uint32_t *word_out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(text.data, text.length, digest, NULL, EVP_sha1(), NULL) != 1) {
        return false;
    }
    *word_out = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
    return true;
}
