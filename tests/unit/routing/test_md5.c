/* MD5 of our own against OpenSSL's, at every length around the block borders. */
#include "mapping.h"

#include <openssl/evp.h>

#include "base/random.h"
#include "routing/load.h"
#include "routing/md5.h"

static void every_length_has_the_digest_that_openssl_has(void **state)
{
    (void)state;
    struct emc__random random = {7};
    uint8_t text[400], digest[EVP_MAX_MD_SIZE];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)emc__random_next(&random);
    }
    for (size_t length = 0; length <= sizeof text; length++) {
        uint32_t words[4];
        assert_int_equal(EVP_Digest(text, length, digest, NULL, EVP_md5(), NULL), 1);
        emc__md5(emc__slice_of(text, length), words);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(words[i], emc__load_le32(digest + 4 * i));
        }
        assert_int_equal(emc__md5_first(emc__slice_of(text, length)), words[0]);
    }
}

static void known_values(void **state)
{
    (void)state;
    assert_int_equal(emc__md5_first(emc__slice_of_string("foo")), 0xdb18bdac);
    assert_int_equal(emc__md5_first(emc__slice_of(NULL, 0)), 0xd98c1dd4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_length_has_the_digest_that_openssl_has),
                                       cmocka_unit_test(known_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
