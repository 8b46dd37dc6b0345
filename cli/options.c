/* The options' names, and taking a command line apart. getopt is not used: it takes `touch KEY -1` for an option, and its words on errors
 * name the program and not the command. */
#include "options.h"

#include <string.h>

#include "numbers.h"
#include "report.h"

static const struct option_words table[OPTION_ID_COUNT] = {
    [OPTION_SERVERS] = {"servers", 's', "LIST", "the nodes: host:port,[ipv6]:port,/unix/path (else EMCACHE_SERVERS)"},
    [OPTION_DISCOVER] = {"discover", 'd', "KIND", "ask where the nodes are: cluster (its endpoint), dns or srv"},
    [OPTION_TIMEOUT] = {"timeout", 't', "MS", "how long an operation may take, in milliseconds (1000)"},
    [OPTION_ROUTING] = {"routing", 'r', "KIND", "how a key finds its node (emcache); --routing help lists the kinds"},
    [OPTION_HASH_TAG] = {"hash-tag", 0, "{}", "route only by what stands in a key between these two characters"},
    [OPTION_WEIGHTS] = {"weights", 0, "LIST", "the servers' weights, separated by commas, as in 1,1,3"},
    [OPTION_KEY_PREFIX] = {"key-prefix", 0, "TEXT", "put before every key sent; routing does not look at it"},
    [OPTION_USER] = {"user", 'u', "NAME", "user name for servers that want one"},
    [OPTION_PASSWORD_FILE] = {"password-file", 0, "FILE", "file whose first line is the password"},
    [OPTION_SASL] = {"sasl", 0, NULL, "authenticate by SASL (memcached -S) instead of ASCII (-Y)"},
    [OPTION_TLS] = {"tls", 0, NULL, "connect with TLS; the other TLS options imply it"},
    [OPTION_TLS_CA] = {"tls-ca", 0, "FILE", "PEM authorities trusted beside the system's"},
    [OPTION_TLS_TRUST] = {"tls-trust", 0, "FILE", "PEM authorities trusted instead of the system's"},
    [OPTION_TLS_CERTIFICATE] = {"tls-certificate", 0, "FILE", "the client's certificate chain, PEM"},
    [OPTION_TLS_KEY] = {"tls-key", 0, "FILE", "the client's private key, PEM"},
    [OPTION_TLS_NO_VERIFY] = {"tls-no-verify", 0, NULL, "do not check the servers' certificates"},
    [OPTION_VERBOSE] = {"verbose", 'v', NULL, "tell on stderr what happens to the connections"},
    [OPTION_HELP] = {"help", 'h', NULL, "this help; behind a command: the help of that command"},
    [OPTION_VERSION] = {"version", 'V', NULL, "the version of the program"},
    [OPTION_JSON] = {"json", 'j', NULL, "write JSON"},
    [OPTION_WATCH] = {"watch", 'w', NULL, "refresh until Ctrl-C"},
    [OPTION_INTERVAL] = {"interval", 'i', "SECONDS", "time between two rounds (1)"},
    [OPTION_COUNT] = {"count", 'n', "N", "end after so many rounds"},
    [OPTION_LONG] = {"long", 'l', NULL, "tell flags, cas value and length of each item as well"},
    [OPTION_EXPTIME] = {"exptime", 'e', "SECONDS",
                        "expiry: 0 never (default), up to 2592000 from now, above a Unix time"},
    [OPTION_FLAGS] = {"flags", 'f', "NUMBER", "number kept beside the value (0)"},
    [OPTION_ADD] = {"add", 0, NULL, "store only if the key has no value"},
    [OPTION_REPLACE] = {"replace", 0, NULL, "store only if the key has a value"},
    [OPTION_APPEND] = {"append", 0, NULL, "put the words behind the value that is there"},
    [OPTION_PREPEND] = {"prepend", 0, NULL, "put the words before the value that is there"},
    [OPTION_CAS] = {"cas", 0, "NUMBER", "store only if the item's cas value is still this (see get --long)"},
    [OPTION_DELAY] = {"delay", 0, "SECONDS", "let everything expire in so many seconds (0)"},
    [OPTION_SPREAD] = {"spread", 0, "N", "spread N keys over the nodes and show the shares"},
    [OPTION_ALL_KINDS] = {"all-kinds", 'a', NULL, "under every kind of routing, to compare them"},
    [OPTION_FAST] = {"fast", 0, NULL, "take half the time"},
};

const struct option_words *option_words(enum option_id id)
{
    return &table[id];
}

/* Where a command line is being read. */
struct reader {
    int argc;
    char **argv;
    int next;
    bool options_ended;
    struct invocation *invocation;
};

static int find_name(const char *name, size_t length)
{
    for (int id = 0; id < OPTION_ID_COUNT; id++) {
        if (strncmp(table[id].name, name, length) == 0 && table[id].name[length] == '\0') {
            return id;
        }
    }
    return -1;
}

static int find_letter(char letter)
{
    for (int id = 0; id < OPTION_ID_COUNT; id++) {
        if (table[id].letter == letter) {
            return id;
        }
    }
    return -1;
}

/* `value`: what followed a "=" or a letter; NULL: the next argument is it. */
static bool take_option(struct reader *reader, int id, const char *value)
{
    const struct option_words *words = &table[id];
    if (words->value == NULL) {
        if (value != NULL) {
            complain("--%s takes no value", words->name);
            return false;
        }
        value = "";
    } else if (value == NULL) {
        if (reader->next >= reader->argc) {
            complain("--%s needs a value: --%s %s", words->name, words->name, words->value);
            return false;
        }
        value = reader->argv[reader->next++];
    }
    reader->invocation->options[id] = value;
    return true;
}

static bool read_long_option(struct reader *reader, const char *argument)
{
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    int id = find_name(name, length);
    if (id < 0) {
        complain("there is no option --%.*s (try emcache --help)", (int)length, name);
        return false;
    }
    return take_option(reader, id, name[length] == '=' ? name + length + 1 : NULL);
}

/* -w, -s LIST, -sLIST; letters without values may stand together. */
static bool read_short_options(struct reader *reader, const char *argument)
{
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        int id = find_letter(*letter);
        if (id < 0) {
            complain("there is no option -%c (try emcache --help)", *letter);
            return false;
        }
        if (table[id].value != NULL) {
            return take_option(reader, id, letter[1] != '\0' ? letter + 1 : NULL);
        }
        if (!take_option(reader, id, NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0' && (argument[1] < '0' || argument[1] > '9');
}

static bool read_word(struct reader *reader, const char *word)
{
    struct invocation *invocation = reader->invocation;
    if (invocation->command != NULL) {
        invocation->words[invocation->word_count++] = word;
        return true;
    }
    invocation->command = commands_find(word);
    if (invocation->command == NULL) {
        complain("there is no command '%s' (emcache --help lists them)", word);
        return false;
    }
    return true;
}

/* Each option that was given must be the command's own or general. */
static bool check_options(const struct invocation *invocation)
{
    const struct command *command = invocation->command;
    for (int id = OPTION_GENERAL_COUNT; id < OPTION_ID_COUNT; id++) {
        bool known = command != NULL && (command->options & OPTION_BIT(id)) != 0;
        if (invocation->options[id] != NULL && !known) {
            complain("--%s is no option of %s", table[id].name, command == NULL ? "emcache itself" : command->name);
            return false;
        }
    }
    return true;
}

bool options_read(int argc, char **argv, const char **words_out, struct invocation *invocation_out)
{
    *invocation_out = (struct invocation){.words = words_out};
    struct reader reader = {argc, argv, 1, false, invocation_out};
    while (reader.next < argc) {
        const char *argument = argv[reader.next++];
        bool taken = true;
        if (reader.options_ended || !is_option(argument)) {
            taken = read_word(&reader, argument);
        } else if (strcmp(argument, "--") == 0) {
            reader.options_ended = true;
        } else if (argument[1] == '-') {
            taken = read_long_option(&reader, argument);
        } else {
            taken = read_short_options(&reader, argument);
        }
        if (!taken) {
            return false;
        }
    }
    return check_options(invocation_out);
}

bool options_unsigned(const struct invocation *invocation, enum option_id id, uint64_t min, uint64_t max,
                      uint64_t *number_out)
{
    const char *text = invocation->options[id];
    if (text == NULL || number_read_unsigned(text, min, max, number_out)) {
        return true;
    }
    complain("--%s must be a number from %llu to %llu, not '%s'", table[id].name, (unsigned long long)min,
             (unsigned long long)max, text);
    return false;
}

bool options_signed(const struct invocation *invocation, enum option_id id, int64_t min, int64_t max,
                    int64_t *number_out)
{
    const char *text = invocation->options[id];
    if (text == NULL || number_read_signed(text, min, max, number_out)) {
        return true;
    }
    complain("--%s must be a number from %lld to %lld, not '%s'", table[id].name, (long long)min, (long long)max, text);
    return false;
}

bool options_seconds(const struct invocation *invocation, enum option_id id, double min, double max,
                     double *seconds_out)
{
    const char *text = invocation->options[id];
    if (text == NULL || number_read_decimal(text, min, max, seconds_out)) {
        return true;
    }
    complain("--%s must be seconds from %g to %g, not '%s'", table[id].name, min, max, text);
    return false;
}
