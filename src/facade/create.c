/* emc_client_create: a client on the libuv transport, and its end. */
#include <string.h>
#include <sys/random.h>

#include "base/allocator.h"
#include "base/log.h"
#include "base/timer_wheel.h"
#include "facade/threaded.h"

struct emc__facade *emc__facade_of(const emc_client *client)
{
    return emc__client_context(client);
}

static uint64_t random_seed(const void *fallback)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = (uint64_t)(uintptr_t)fallback * 0x9E3779B97F4A7C15u; /* early at boot: jitter needs no secret */
    }
    return seed;
}

/* For the management view: what came in while nobody looked. */
static void take_in(void *context)
{
    struct emc__facade *facade = context;
    emc__facade_check_fork(facade);
    if (emc__client_in_callback(facade->client)) {
        return;
    }
    if (facade->runner != NULL) {
        emc__runner_look(facade->runner);
    } else {
        emc__facade_pass(facade, 0);
    }
}

static void change_begins(void *context)
{
    emc__facade_check_fork(context);
}

/* The next pass begins what the change asks for. */
static void change_ends(void *context)
{
    struct emc__facade *facade = context;
    emc__uv_raise(facade->transport);
    emc__facade_leave(facade);
}

/* Whoever leaves the lock leaves the engine to who drives it. */
static void leaving(void *context)
{
    struct emc__facade *facade = context;
    if (facade->runner != NULL) {
        emc__runner_leave(facade->runner);
    } else {
        emc__facade_leave(facade);
    }
}

static void release(struct emc__facade *facade)
{
    emc_allocator allocator = facade->allocator;
    if (facade->lock != NULL) {
        emc__threads_on_leaving(facade->lock, NULL, NULL);
        emc__lock_release(facade->lock);
    }
    emc__uv_transport_destroy(facade->transport);
    emc__release(&allocator, facade);
}

static void destroy(void *context, struct emc_client *client)
{
    struct emc__facade *facade = context;
    emc__facade_check_fork(facade);
    if (facade->runner != NULL) {
        emc__runner_stop(facade->runner);
    }
    emc__client_free(client);
    release(facade);
}

static struct emc__tls_settings settings_of(const emc_tls_options *tls)
{
    return (struct emc__tls_settings){
        .verify = tls->verify,
        .verify_host = tls->verify,
        .extra_ca_file = tls->extra_ca_file,
        .trust_file = tls->trust_file,
        .trust_path = tls->trust_folder,
        .certificate_file = tls->certificate_file,
        .key_file = tls->key_file,
        .key_password = tls->key_password,
        .version_min = tls->version_min,
        .session_resumption = tls->session_resumption,
    };
}

static emc_status create_transport(struct emc__facade *facade, const emc_options *options, emc_error *error)
{
    const struct emc__tls_settings settings = settings_of(&options->tls);
    const struct emc__log log = {options->log, options->log_context, options->log_level};
    return emc__uv_transport_create(&facade->allocator, &log, options->tls.enabled ? &settings : NULL,
                                    &facade->transport, error);
}

/* With autodiscovery: waits for the first list. */
static emc_status await_nodes(struct emc__facade *facade, const emc_options *options, emc_error *error)
{
    struct emc__transport *transport = facade->transport;
    if (options->discovery == EMC_DISCOVERY_NONE || options->discovery_start_timeout_ms == 0) {
        return EMC_OK;
    }
    uint64_t until_ns = transport->class_->now_ns(transport) + (uint64_t)options->discovery_start_timeout_ms * 1000000u;
    emc_status status;
    while ((status = emc__client_discovered(facade->client, error)) == EMC_ERROR_NO_NODES) {
        uint64_t now_ns = transport->class_->now_ns(transport);
        if (now_ns >= until_ns) {
            break;
        }
        emc__facade_pass(facade, (int64_t)((until_ns - now_ns + 999999) / 1000000));
    }
    return status;
}

static emc_status create_lock(struct emc__facade *facade, const emc_options *options, emc_error *error)
{
    if (!options->threaded) {
        return EMC_OK;
    }
    facade->lock = emc__threads_lock_create(&facade->allocator);
    return facade->lock != NULL ? EMC_OK
                                : emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
}

/* From now on others may come. */
static emc_status begin_to_share(struct emc__facade *facade, emc_error *error)
{
    if (facade->lock == NULL) {
        return EMC_OK;
    }
    emc__threads_on_leaving(facade->lock, leaving, facade);
    if (emc__runner_start(facade)) {
        return EMC_OK;
    }
    return emc__error_set(error, EMC_ERROR_MEMORY, "threaded: no thread is to be had");
}

emc_status emc_client_create(emc_client **client_out, const emc_address *nodes, size_t node_count,
                             const emc_options *options, emc_error *error)
{
    emc_options complete;
    emc_status status = emc__client_check_options(options, &complete, error);
    if (status != EMC_OK) {
        return status;
    }
    options = &complete;
    const emc_allocator *allocator = options->allocator != NULL ? options->allocator : &emc__allocator_standard;
    struct emc__facade *facade = emc__allocate_zeroed(allocator, 1, sizeof *facade);
    if (facade == NULL) {
        return emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
    }
    facade->allocator = *allocator;
    facade->fork_generation = emc__fork_generation();
    status = create_transport(facade, options, error);
    status = status == EMC_OK ? create_lock(facade, options, error) : status;
    if (status != EMC_OK) {
        release(facade);
        return status;
    }
    const struct emc__client_environment environment = {
        facade->transport, random_seed(facade), take_in, change_begins, change_ends, destroy, facade->lock, facade};
    status = emc__client_create(&facade->client, &environment, nodes, node_count, options, error);
    if (status != EMC_OK) {
        release(facade);
        return status;
    }
    emc__uv_set_busy_poll(facade->transport, options->busy_poll_us * UINT64_C(1000));
    emc__facade_pass(facade, 0); /* the first attempts to connect leave now */
    status = await_nodes(facade, options, error);
    status = status == EMC_OK ? begin_to_share(facade, error) : status;
    if (status != EMC_OK) {
        emc_client_destroy(facade->client);
        return status;
    }
    *client_out = facade->client;
    return EMC_OK;
}

emc_status emc_client_set_credentials(emc_client *client, const char *username, const char *password, emc_error *error)
{
    struct emc__facade *facade = emc__facade_of(client);
    if (!emc__lock_enter(facade->lock)) {
        return emc__client_forked(error);
    }
    emc__facade_check_fork(facade);
    emc_status status = emc__client_set_credentials(client, username, password, error);
    emc__facade_leave(facade);
    emc__lock_leave(facade->lock);
    return status;
}

static emc_status reload_tls(struct emc__facade *facade, const emc_tls_options *tls, emc_error *error)
{
    struct emc__tls_settings settings = settings_of(tls);
    emc__facade_check_fork(facade);
    emc_status status = emc__uv_tls_reload(facade->transport, &settings, error);
    if (status == EMC_OK) {
        emc__client_hurry(facade->client);
        emc__facade_leave(facade);
    }
    return status;
}

emc_status emc_client_reload_tls(emc_client *client, const emc_tls_options *tls, emc_error *error)
{
    struct emc__facade *facade = emc__facade_of(client);
    emc_options options = emc_options_default();
    if (tls == NULL || !tls->enabled) {
        return emc__error_set(error, EMC_ERROR_ARGUMENT, "tls: %s", tls == NULL ? "NULL" : "not enabled");
    }
    options.tls = *tls;
    emc_options complete;
    emc_status status = emc__client_check_options(&options, &complete, error);
    if (status != EMC_OK) {
        return status;
    }
    if (!emc__lock_enter(facade->lock)) {
        return emc__client_forked(error);
    }
    status = reload_tls(facade, tls, error);
    emc__lock_leave(facade->lock);
    return status;
}
