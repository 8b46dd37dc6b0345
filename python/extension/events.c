/* The engine's events and log lines on their way to Python, and who hears of the events.
 *
 * In the engine's hooks they are only copied (journal.h); client->on_event gets them as a list when the engine has returned. It is a Dispatcher
 * (_events.py), which knows each subscription's listener. */
#include "events.h"
#include "address.h"
#include "errors.h"
#include "reader.h"

/* With the address's text and the words behind it. */
struct record {
    uint64_t subscription; /* 0: a log line */
    size_t node_length, words_length;
    int kind; /* of <emcache/cluster.h>; of a log line -1 - its level */
    uint32_t weight, port;
    bool is_path;
};

/* ------------------------------------------------------------------ inside the engine */

static void note(struct journal *journal, struct record record, const char *node, const char *words)
{
    record.node_length = strlen(node);
    record.words_length = strlen(words);
    char *room = journal_add(journal, journal_length(sizeof record, record.node_length + record.words_length));
    if (room != NULL) {
        memcpy(room, &record, sizeof record);
        memcpy(room + sizeof record, node, record.node_length);
        memcpy(room + sizeof record + record.node_length, words, record.words_length);
    }
}

static void note_event(void *user_data, const emc_cluster_event *event)
{
    const struct subscription *subscription = user_data;
    struct client *client = subscription->reader->client;
    bool is_path = event->node->kind == EMC_ADDRESS_UNIX;
    const struct record record = {.subscription = subscription->number,
                                  .kind = (int)event->kind,
                                  .weight = event->weight,
                                  .port = is_path ? 0 : event->node->port,
                                  .is_path = is_path};
    if (client != NULL) { /* else dropped; the engine ends soon */
        note(&client->events, record, is_path ? event->node->path : event->node->host, event->reason);
    }
}

void events_log(void *reader, emc_log_level level, const char *message)
{
    struct client *client = ((struct reader *)reader)->client;
    if (client != NULL) {
        note(&client->events, (struct record){.kind = -1 - (int)level}, "", message);
    }
}

/* ------------------------------------------------------------------ outside of it */

/* (subscription, kind, address, weight, words) */
static PyObject *read_entry(struct client *client, const char *at, size_t *length_out)
{
    struct record record;
    memcpy(&record, at, sizeof record);
    *length_out = journal_length(sizeof record, record.node_length + record.words_length);
    const char *text = at + sizeof record;
    PyObject *words = PyUnicode_DecodeUTF8(text + record.node_length, (Py_ssize_t)record.words_length,
                                           "backslashreplace");
    PyObject *node = record.node_length > 0
                         ? address_from_text(client->state, record.is_path, text, record.node_length, record.port)
                         : (Py_INCREF(Py_None), Py_None);
    if (words == NULL || node == NULL) {
        Py_XDECREF(words);
        Py_XDECREF(node);
        return NULL;
    }
    return Py_BuildValue("(KiNIN)", (unsigned long long)record.subscription, record.kind, node,
                         (unsigned int)record.weight, words);
}

void events_deliver(struct client *client)
{
    while (client->on_event != NULL && journal_has_any(&client->events)) {
        PyObject *on_event = client->on_event;
        Py_INCREF(on_event);
        journal_hand_over(&client->events, client, read_entry, on_event);
        Py_DECREF(on_event);
    }
}

/* ------------------------------------------------------------------ subscriptions */

bool events_subscribe(struct client *client, uint64_t number)
{
    struct subscription *subscription = PyMem_Calloc(1, sizeof *subscription);
    if (subscription == NULL) {
        PyErr_NoMemory();
        return false;
    }
    subscription->reader = client->reader;
    subscription->number = number;
    emc_status status = emc_cluster_subscribe(client->view, note_event, subscription, &subscription->engine);
    if (status != EMC_OK) {
        PyMem_Free(subscription);
        errors_raise_refusal(client->state, status, NULL);
        return false;
    }
    subscription->next = client->reader->subscriptions;
    client->reader->subscriptions = subscription;
    return true;
}

void events_unsubscribe(struct client *client, uint64_t number)
{
    for (struct subscription **place = &client->reader->subscriptions; *place != NULL; place = &(*place)->next) {
        struct subscription *subscription = *place;
        if (subscription->number == number) {
            *place = subscription->next;
            (void)emc_cluster_unsubscribe(client->view, subscription->engine);
            PyMem_Free(subscription);
            return;
        }
    }
}

void events_forget(struct reader *reader)
{
    while (reader->subscriptions != NULL) {
        struct subscription *subscription = reader->subscriptions;
        reader->subscriptions = subscription->next;
        PyMem_Free(subscription);
    }
}

/* ------------------------------------------------------------------ listeners */

PyObject *events_add_listener(struct client *client, PyObject *management, PyObject *listener)
{
    if (client->engine == NULL) {
        client_raise_closed();
        return NULL;
    }
    uint64_t number = client->last_subscription + 1;
    if (!client_check_loop(client) || !events_subscribe(client, number)) {
        return NULL;
    }
    client->last_subscription = number;
    PyObject *result = PyObject_CallMethod(client->on_event, "subscribe", "KOO", (unsigned long long)number, listener,
                                           management);
    if (result == NULL) {
        events_unsubscribe(client, number);
        return NULL;
    }
    client->listeners++;
    reader_update_hold(client);
    return result;
}

/* Whether it was one. The client's own subscription stays: autodiscovery hears by it. */
PyObject *events_remove_listener(struct client *client, PyObject *listener)
{
    if (client->engine == NULL) {
        Py_RETURN_FALSE;
    }
    PyObject *number = client_check_loop(client) ? PyObject_CallMethod(client->on_event, "unsubscribe", "O", listener)
                                                 : NULL;
    if (number == NULL || number == Py_None) {
        Py_XDECREF(number);
        return number != NULL ? PyBool_FromLong(false) : NULL;
    }
    uint64_t subscription = PyLong_AsUnsignedLongLong(number);
    Py_DECREF(number);
    if (client->engine != NULL && subscription != EVENTS_OWN) {
        events_unsubscribe(client, subscription);
    }
    client->listeners -= client->listeners > 0;
    reader_update_hold(client);
    Py_RETURN_TRUE;
}
