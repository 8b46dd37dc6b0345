/* Any key that validation lets through, any numbers, any value: a server must find exactly one command in what was
 * written, and in it what was meant. */
#include "fuzz_input.h"
#include "protocol/binary.h"
#include "request_reader.h"

#define VALUE_MAX 4096

static uint8_t out[EMC__LINE_LENGTH_MAX + VALUE_MAX + 2];

/* One operation, as the input describes it. */
struct subject {
    struct emc__slice key, value;
    uint64_t flags, number;
    int64_t exptime;
    uint32_t opaque;
    bool noreply;
    uint8_t choice;
};

/* The same judgement as emc__key_validate, said differently. */
static bool key_is_fine(struct emc__slice key)
{
    for (size_t i = 0; i < key.length; i++) {
        if (key.data[i] < 33 || key.data[i] == 127) {
            return false;
        }
    }
    return key.length > 0 && key.length <= 250;
}

static struct emc__slice written(size_t length)
{
    return (struct emc__slice){out, length};
}

static size_t append_value(size_t length, struct emc__slice value, bool crlf)
{
    if (value.length > 0) {
        memcpy(out + length, value.data, value.length);
    }
    memcpy(out + length + value.length, "\r\n", 2);
    return length + value.length + (crlf ? 2 : 0);
}

/* Exactly one request, with that many words, of which the second is the key. */
static struct request one_request(size_t length, size_t words, struct emc__slice key)
{
    struct request request;
    FUZZ_CHECK(request_read(written(length), &request) == length);
    FUZZ_CHECK(request.word_count == words);
    FUZZ_CHECK(emc__slice_equal(request.words[1], key));
    return request;
}

static bool word_is(const struct request *request, size_t word, const char *text)
{
    return emc__slice_equal(request->words[word], emc__slice_of_string(text));
}

static bool word_is_number(const struct request *request, size_t word, uint64_t expected)
{
    uint64_t number;
    return request_number(request->words[word], &number) && number == expected;
}

static bool word_is_signed(const struct request *request, size_t word, int64_t expected)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)expected);
    return word_is(request, word, text);
}

static void check_storage(const struct subject *subject)
{
    static const char *const names[] = {"set", "add", "replace", "append", "prepend", "cas"};
    enum emc__verb verb = (enum emc__verb)(subject->choice % 6);
    size_t length = emc__write_storage_line(out, verb, subject->key, subject->flags, subject->exptime,
                                            subject->value.length, subject->number, subject->noreply);
    FUZZ_CHECK(length <= EMC__KEY_LENGTH_MAX + 128);
    size_t words = 5 + (size_t)(verb == EMC__VERB_CAS) + (size_t)subject->noreply;
    struct request request = one_request(append_value(length, subject->value, true), words, subject->key);
    FUZZ_CHECK(word_is(&request, 0, names[verb]));
    FUZZ_CHECK(word_is_number(&request, 2, subject->flags) && word_is_signed(&request, 3, subject->exptime));
    FUZZ_CHECK(verb != EMC__VERB_CAS || word_is_number(&request, 5, subject->number));
    FUZZ_CHECK(!subject->noreply || word_is(&request, words - 1, "noreply"));
    FUZZ_CHECK(emc__slice_equal(request.value, subject->value));
}

static void check_key_command(const struct subject *subject)
{
    static const char *const names[] = {"delete", "incr", "decr", "touch"};
    enum emc__verb verb = (enum emc__verb)(EMC__VERB_DELETE + subject->choice % 4);
    size_t length = emc__write_key_command(out, verb, subject->key, subject->exptime, subject->number,
                                           subject->noreply);
    FUZZ_CHECK(length <= EMC__KEY_LENGTH_MAX + 64);
    size_t words = 2 + (size_t)(verb != EMC__VERB_DELETE) + (size_t)subject->noreply;
    struct request request = one_request(length, words, subject->key);
    FUZZ_CHECK(word_is(&request, 0, names[verb - EMC__VERB_DELETE]));
    FUZZ_CHECK(verb == EMC__VERB_DELETE || (verb == EMC__VERB_TOUCH ? word_is_signed(&request, 2, subject->exptime)
                                                                    : word_is_number(&request, 2, subject->number)));
    FUZZ_CHECK(!subject->noreply || word_is(&request, words - 1, "noreply"));
}

static void check_retrieval(const struct subject *subject)
{
    static const char *const names[] = {"get", "gets", "gat", "gats"};
    enum emc__verb verb = (enum emc__verb)(EMC__VERB_GET + subject->choice % 4);
    bool touch = verb == EMC__VERB_GAT || verb == EMC__VERB_GATS;
    size_t keys = 1 + subject->opaque % 3, length = emc__write_retrieval_begin(out, verb, subject->exptime);
    FUZZ_CHECK(length <= 32);
    for (size_t i = 0; i < keys; i++) {
        size_t added = emc__write_retrieval_key(out + length, subject->key);
        FUZZ_CHECK(added == subject->key.length + 1);
        length += added;
    }
    memcpy(out + length, "\r\n", 2);
    struct request request;
    FUZZ_CHECK(request_read(written(length + 2), &request) == length + 2);
    FUZZ_CHECK(word_is(&request, 0, names[verb - EMC__VERB_GET]) && request.word_count == keys + (touch ? 2 : 1));
    FUZZ_CHECK(!touch || word_is_signed(&request, 1, subject->exptime));
    for (size_t i = touch ? 2 : 1; i < request.word_count; i++) {
        FUZZ_CHECK(emc__slice_equal(request.words[i], subject->key));
    }
}

static void check_quiet(const struct subject *subject)
{
    bool set = subject->choice % 2 == 0;
    char expected[32];
    uint32_t label = subject->opaque % (EMC__LABEL_MAX + 1), read = label + 1;
    size_t length = set ? emc__write_quiet_set_line(out, subject->key, subject->flags, subject->exptime,
                                                    subject->value.length, label)
                        : emc__write_quiet_delete(out, subject->key, label);
    FUZZ_CHECK(length <= EMC__KEY_LENGTH_MAX + 96);
    size_t words = set ? 5 + (size_t)(subject->exptime != 0) + (size_t)(subject->flags != 0) : 4;
    struct request request = one_request(set ? append_value(length, subject->value, true) : length, words,
                                         subject->key);
    FUZZ_CHECK(word_is(&request, 0, set ? "ms" : "md") && word_is(&request, words - 2, "q") &&
               request.words[words - 1].length == 3 && request.words[words - 1].data[0] == 'O');
    FUZZ_CHECK(emc__label_read(emc__slice_of(request.words[words - 1].data + 1, 2), &read) && read == label);
    if (set && subject->exptime != 0) {
        snprintf(expected, sizeof expected, "T%lld", (long long)subject->exptime);
        FUZZ_CHECK(word_is(&request, 3, expected));
    }
    if (set && subject->flags != 0) {
        snprintf(expected, sizeof expected, "F%llu", (unsigned long long)subject->flags);
        FUZZ_CHECK(word_is(&request, words - 3, expected));
    }
    FUZZ_CHECK(!set || emc__slice_equal(request.value, subject->value));
}

static void check_meta(const struct subject *subject)
{
    const char command = "gsdae"[subject->choice % 5];
    const char name[] = {'m', command, '\0'};
    struct emc__meta_request meta = {command, subject->key, emc__slice_of_string(" b O12"), subject->value.length};
    size_t length = emc__write_meta(out, &meta);
    FUZZ_CHECK(length <= EMC__LINE_LENGTH_MAX);
    bool set = command == 's';
    struct request request = one_request(set ? append_value(length, subject->value, true) : length, set ? 5 : 4,
                                         subject->key);
    FUZZ_CHECK(word_is(&request, 0, name));
    FUZZ_CHECK(!set || emc__slice_equal(request.value, subject->value));
}

/* Exactly one binary request with that key. */
static struct binary_request one_binary_request(size_t length, const struct subject *subject)
{
    struct binary_request request;
    FUZZ_CHECK(binary_request_read(written(length), &request) == length);
    FUZZ_CHECK(request.opaque == subject->opaque && emc__slice_equal(request.key, subject->key));
    return request;
}

static void check_binary_storage(const struct subject *subject)
{
    static const uint8_t opcodes[] = {0x01, 0x02, 0x03, 0x0e, 0x0f, 0x01};
    enum emc__verb verb = (enum emc__verb)(subject->choice % 6);
    size_t length = emc__binary_write_storage(out, verb, subject->key, subject->flags, subject->exptime,
                                              subject->value.length, subject->number, subject->opaque);
    FUZZ_CHECK(length <= EMC__BINARY_REQUEST_MAX);
    struct binary_request request = one_binary_request(append_value(length, subject->value, false), subject);
    FUZZ_CHECK(request.opcode == opcodes[verb] && emc__slice_equal(request.value, subject->value));
    FUZZ_CHECK((verb == EMC__VERB_CAS) == (request.cas != 0));
    FUZZ_CHECK(request.extras.length == (verb == EMC__VERB_APPEND || verb == EMC__VERB_PREPEND ? 0 : 8));
}

static void check_binary(const struct subject *subject)
{
    enum emc__verb verb = (enum emc__verb)(EMC__VERB_GET + subject->choice % 8);
    bool retrieval = verb <= EMC__VERB_GATS;
    size_t length = retrieval ? emc__binary_write_retrieval(out, verb, subject->key, subject->exptime, subject->noreply,
                                                            subject->opaque)
                              : emc__binary_write_key_command(out, verb, subject->key, subject->exptime,
                                                              subject->number, subject->opaque);
    FUZZ_CHECK(length <= EMC__BINARY_REQUEST_MAX);
    FUZZ_CHECK(one_binary_request(length, subject).value.length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(const struct subject *) = {
        check_storage, check_key_command, check_retrieval, check_quiet, check_meta, check_binary_storage, check_binary};
    struct emc__slice input = {data, size};
    struct subject subject = {0};
    uint8_t check = fuzz_take_byte(&input);
    subject.choice = fuzz_take_byte(&input);
    subject.noreply = (fuzz_take_byte(&input) & 1) != 0;
    subject.flags = fuzz_take_number(&input);
    subject.number = fuzz_take_number(&input);
    subject.exptime = (int64_t)fuzz_take_number(&input);
    subject.opaque = (uint32_t)fuzz_take_number(&input);
    subject.key = fuzz_take_slice(&input, fuzz_take_byte(&input));
    subject.value = fuzz_take_slice(&input, VALUE_MAX);
    bool fine = key_is_fine(subject.key);
    FUZZ_CHECK((emc__key_validate(subject.key, NULL) == EMC_OK) == fine);
    if (fine) {
        checks[check % (sizeof checks / sizeof checks[0])](&subject);
    }
    return 0;
}
