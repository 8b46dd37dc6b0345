/* What a client can be given anew while it runs: credentials and certificates, for connections from now on. */
#include "arguments.h"
#include "client.h"
#include "errors.h"
#include "reader.h"

static bool is_usable(struct client *client)
{
    if (client->engine == NULL) {
        client_raise_closed();
        return false;
    }
    return client_check_loop(client);
}

/* Copies of the client's options. To make one may wake the collector, and that close the client: then NULL, with an exception. */
static PyObject *copy_options(struct client *client, PyObject *(*copy)(PyObject *))
{
    PyObject *options = client->options;
    Py_INCREF(options);
    PyObject *made = copy(options);
    Py_DECREF(options);
    if (made != NULL && !is_usable(client)) {
        Py_CLEAR(made);
    }
    return made;
}

/* Nodes that are down are tried at once: the attempts begin now. `options` (a reference is stolen): the client's own from now on. */
static PyObject *renewed(struct client *client, emc_status status, const emc_error *error, PyObject *options)
{
    if (status != EMC_OK) {
        Py_DECREF(options);
        errors_raise_options(client->state, status, error->message);
        return NULL;
    }
    Py_XSETREF(client->options, options);
    if (!client->in_reader && client->engine != NULL) {
        emc_client_flush(client->engine);
    }
    reader_after_call(client);
    Py_RETURN_NONE;
}

static PyObject *client_set_credentials(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"set_credentials", 2, 2, 2, {"username", "password"}};
    PyObject *given[2];
    struct client *client = (struct client *)self;
    emc_error error = {.message = ""};
    emc_options options;
    emc_options_init(&options);
    if (!arguments_parse(&signature, args, nargs, keywords, given) || !options_set(&options, "username", given[0]) ||
        !options_set(&options, "password", given[1]) || !is_usable(client)) {
        return NULL;
    }
    PyObject *own = copy_options(client, PyDict_Copy);
    if (own == NULL || PyDict_SetItemString(own, "username", given[0]) < 0 ||
        PyDict_SetItemString(own, "password", given[1]) < 0) {
        Py_XDECREF(own);
        return NULL;
    }
    return renewed(client, emc_client_set_credentials(client->engine, options.username, options.password, &error),
                   &error, own);
}

#define TLS_NAMES                                                                                                    \
    "ssl_verify", "ssl_extra_ca", "ssl_trust", "ssl_trust_folder", "ssl_certificate", "ssl_key", "ssl_key_password", \
        "ssl_version_min", "ssl_session_resumption"

static PyObject *client_reload_ssl(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const struct signature signature = {"reload_ssl", 9, 0, 0, {TLS_NAMES}};
    PyObject *given[9];
    struct client *client = (struct client *)self;
    emc_error error = {.message = ""};
    emc_options options;
    emc_options_init(&options);
    options.tls.enabled = true;
    if (!arguments_parse(&signature, args, nargs, keywords, given)) {
        return NULL;
    }
    for (int i = 0; i < signature.count; i++) {
        if (given[i] != NULL && !options_set(&options, signature.names[i], given[i])) {
            return NULL;
        }
    }
    PyObject *own = is_usable(client) ? copy_options(client, options_without_tls) : NULL;
    for (int i = 0; i < signature.count && own != NULL; i++) {
        if (given[i] != NULL && PyDict_SetItemString(own, signature.names[i], given[i]) < 0) {
            Py_CLEAR(own);
        }
    }
    return own != NULL ? renewed(client, emc_client_reload_tls(client->engine, &options.tls, &error), &error, own)
                       : NULL;
}

const struct command_entry client_renewal[] = {
    COMMAND(set_credentials),
    COMMAND(reload_ssl),
    {NULL, NULL},
};
