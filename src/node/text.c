/* The text dialect as a whole: its reader, its credentials, its probe. Requests are made in coalesce.c, replies are taken in pipeline.c. */
#include "node/dialect.h"
#include "node/pipeline.h"

static bool write_credentials(struct emc__connection *connection)
{
    const emc_options *options = &connection->engine->options;
    struct emc__slice user = emc__slice_of_string(options->username);
    struct emc__slice password = emc__slice_of_string(options->password);
    uint8_t *out = emc__buffer_reserve(&connection->unsent, user.length + password.length + 64);
    if (out == NULL) {
        return false;
    }
    emc__buffer_commit(&connection->unsent, emc__write_ascii_authentication(out, user, password));
    return true;
}

bool emc__text_authentication_line(struct emc__connection *connection, const struct emc__reply_line *line)
{
    if (line->kind == EMC__REPLY_STORED) {
        return emc__connection_authenticated(connection);
    }
    char text[EMC_ERROR_MESSAGE_SIZE] = "the server did not answer the credentials as memcached does";
    if (line->kind == EMC__REPLY_ERROR || line->kind == EMC__REPLY_CLIENT_ERROR ||
        line->kind == EMC__REPLY_SERVER_ERROR) {
        emc__pipeline_error_text(line, text, sizeof text);
    }
    emc__connection_close(connection, EMC_ERROR_AUTHENTICATION, text);
    return false;
}

static size_t write_probe(struct emc__connection *connection, struct emc__operation *probe, uint8_t *out)
{
    (void)connection;
    (void)probe;
    return emc__write_plain(out, EMC__VERB_VERSION, -1, (struct emc__slice){0}, false);
}

static void reader_init(struct emc__connection *connection)
{
    const emc_options *options = &connection->engine->options;
    struct emc__reader_limits limits = {options->line_length_max, options->value_length_max};
    emc__reader_init(&connection->reader.text, &limits);
}

static enum emc__read_result feed(struct emc__connection *connection, const uint8_t *data, size_t length,
                                  size_t *consumed_out)
{
    return emc__reader_feed(&connection->reader.text, data, length, &emc__pipeline_handler, connection, consumed_out);
}

static struct emc__span wanted(const struct emc__connection *connection)
{
    return emc__reader_wanted(&connection->reader.text);
}

static void received(struct emc__connection *connection, size_t length)
{
    emc__reader_received(&connection->reader.text, length);
}

static void discard(struct emc__connection *connection)
{
    emc__reader_discard(&connection->reader.text);
}

static const char *broken(const struct emc__connection *connection)
{
    return connection->reader.text.error;
}

const struct emc__dialect emc__dialect_text = {
    .write_credentials = write_credentials,
    .write_probe = write_probe,
    .fill = emc__coalesce_fill,
    .value_end = {(const uint8_t *)"\r\n", 2},
    .reader_init = reader_init,
    .feed = feed,
    .wanted = wanted,
    .received = received,
    .discard = discard,
    .broken = broken,
};
