/* MD5 of our own against OpenSSL's, at every length around the block borders; and of several texts side by side against that of each. */
#include "mapping.h"

#include <openssl/evp.h>
#include <stdlib.h>

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

/* Texts in blocks of memory of just their length, so that valgrind and the sanitizers see a byte too much read. */
static void fill_texts(struct emc__random *random, struct emc__slice *texts, const size_t *lengths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *bytes = malloc(lengths[i] + (lengths[i] == 0)); /* malloc(0) may give NULL */
        assert_non_null(bytes);
        for (size_t j = 0; j < lengths[i]; j++) {
            bytes[j] = (uint8_t)emc__random_next(random);
        }
        texts[i] = emc__slice_of(bytes, lengths[i]);
    }
}

#define MOST 40

static void each_as_if_alone(struct emc__random *random, const size_t *lengths, size_t count)
{
    struct emc__slice texts[MOST] = {{NULL, 0}};
    uint32_t words[MOST + 1];
    fill_texts(random, texts, lengths, count);
    words[count] = 77;
    emc__md5_first_many(texts, count, words);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(words[i], emc__md5_first(texts[i]));
        free((void *)(uintptr_t)texts[i].data);
    }
    assert_int_equal(words[count], 77);
}

static void texts_of_every_length_are_hashed_side_by_side_as_each_alone(void **state)
{
    (void)state;
    struct emc__random random = {8};
    for (size_t length = 0; length <= 250; length++) {
        size_t lengths[MOST];
        for (size_t i = 0; i < MOST; i++) {
            lengths[i] = length;
        }
        for (size_t count = 0; count <= 17; count++) { /* two groups and one alone */
            each_as_if_alone(&random, lengths, count);
        }
    }
}

static void texts_of_mixed_lengths_are_hashed_side_by_side_as_each_alone(void **state)
{
    (void)state;
    struct emc__random random = {9};
    for (unsigned round = 0; round < 3000; round++) {
        size_t lengths[MOST], count = emc__random_below(&random, MOST + 1);
        size_t span = round % 3 == 0 ? 251 : round % 3 == 1 ? 70 : 56; /* many of two blocks, some, none */
        for (size_t i = 0; i < count; i++) {
            lengths[i] = emc__random_below(&random, span);
        }
        each_as_if_alone(&random, lengths, count);
    }
}

static void an_empty_text_without_memory_has_its_place_among_others(void **state)
{
    (void)state;
    struct emc__slice texts[9];
    uint32_t words[9];
    for (size_t i = 0; i < 9; i++) {
        texts[i] = i % 2 == 0 ? emc__slice_of(NULL, 0) : emc__slice_of_string("foo");
    }
    emc__md5_first_many(texts, 9, words);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(words[i], i % 2 == 0 ? 0xd98c1dd4 : 0xdb18bdac);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_has_the_digest_that_openssl_has),
        cmocka_unit_test(known_values),
        cmocka_unit_test(texts_of_every_length_are_hashed_side_by_side_as_each_alone),
        cmocka_unit_test(texts_of_mixed_lengths_are_hashed_side_by_side_as_each_alone),
        cmocka_unit_test(an_empty_text_without_memory_has_its_place_among_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
