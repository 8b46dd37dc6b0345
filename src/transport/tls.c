/* TLS on OpenSSL 3: see tls.h.
 *
 * OpenSSL reads and writes through a BIO of our own that never blocks and never raises SIGPIPE; nothing is buffered but what OpenSSL holds
 * itself, one record each way. (BIO_s_mem would grow without limit, BIO_s_socket raises SIGPIPE.) */
#include "transport/tls.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/allocator.h"
#include "transport/tls_words.h"

#define READABLE 1 /* as UV_READABLE and UV_WRITABLE */
#define WRITABLE 2
/* Sessions kept for resumption, the oldest replaced: more servers than this simply shake hands in full. */
#define SESSIONS_MAX 64
#define NAME_SIZE    256

struct kept_session {
    char name[NAME_SIZE];
    uint16_t port;
    SSL_SESSION *session;
};

struct emc__tls {
    emc_allocator allocator;
    SSL_CTX *context;
    BIO_METHOD *method;
    bool verify, verify_host, resumption;
    uint32_t users; /* the transport, and each session */
    uint32_t next_kept;
    struct kept_session *kept; /* SESSIONS_MAX, or NULL until the first */
};

struct emc__tls_session {
    struct emc__tls *tls;
    SSL *ssl;
    int descriptor;
    uint64_t bytes_out, bytes_in; /* of records, the handshake's too */
    uint16_t port;
    bool read_wants_write, write_wants_read;
    bool certificate_asked; /* the server wants one, and we have none */
    bool broken;            /* for good; error has the words */
    char name[NAME_SIZE];
    char error[EMC_ERROR_MESSAGE_SIZE];
};

/* ------------------------------------------------------------------ the BIO */

static int bio_write(BIO *bio, const char *data, int length)
{
    struct emc__tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count = send(session->descriptor, data, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        BIO_set_retry_write(bio);
    }
    session->bytes_out += count > 0 ? (uint64_t)count : 0;
    return (int)count;
}

static int bio_read(BIO *bio, char *data, int length)
{
    struct emc__tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t count = recv(session->descriptor, data, (size_t)length, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        BIO_set_retry_read(bio);
    }
    session->bytes_in += count > 0 ? (uint64_t)count : 0;
    return (int)count;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *make_method(void)
{
    int kind = BIO_get_new_index();
    BIO_METHOD *method = kind < 0 ? NULL : BIO_meth_new(kind | BIO_TYPE_SOURCE_SINK, "emcache socket");
    if (method == NULL) {
        return NULL;
    }
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_control);
    BIO_meth_set_create(method, bio_create);
    return method;
}

/* ------------------------------------------------------------------ the context */

/* The first error OpenSSL met is the cause, a system error among them the clearest; what follows is "PEM lib" and the like. */
static const char *why_refused(char text[128])
{
    unsigned long code, first = ERR_peek_error();
    while ((code = ERR_get_error()) != 0) {
        if (ERR_SYSTEM_ERROR(code)) {
            return strerror(ERR_GET_REASON(code));
        }
    }
    const char *reason = ERR_reason_error_string(first);
    snprintf(text, 128, "%s", reason != NULL ? reason : "there is no certificate or key in it");
    return text;
}

static emc_status refuse(emc_error *error, const char *option, const char *file)
{
    char text[128];
    const char *reason = why_refused(text);
    ERR_clear_error();
    return emc__error_set(error, EMC_ERROR_TLS, "%s: %.100s can't be used: %s", option, file != NULL ? file : "",
                          reason);
}

static int give_password(char *buffer, int size, int writing, void *password)
{
    (void)writing;
    size_t length = password != NULL ? strlen(password) : 0;
    if (length == 0 || length > (size_t)size) {
        return -1; /* never asks at the terminal */
    }
    memcpy(buffer, password, length);
    return (int)length;
}

static emc_status load_client_certificate(SSL_CTX *context, const struct emc__tls_settings *settings, emc_error *error)
{
    if (settings->certificate_file == NULL) {
        return EMC_OK;
    }
    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)(uintptr_t)settings->key_password);
    emc_status status = EMC_OK;
    if (SSL_CTX_use_certificate_chain_file(context, settings->certificate_file) != 1) {
        status = refuse(error, "tls.certificate_file", settings->certificate_file);
    } else if (SSL_CTX_use_PrivateKey_file(context, settings->key_file, SSL_FILETYPE_PEM) != 1) {
        status = refuse(error, "tls.key_file", settings->key_file);
    } else if (SSL_CTX_check_private_key(context) != 1) {
        status = refuse(error, "tls.key_file does not belong to tls.certificate_file", settings->key_file);
    }
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    return status;
}

/* OpenSSL looks into the folder when it needs a certificate, and says nothing of one that is not there. */
static emc_status load_trust_folder(SSL_CTX *context, const char *path, emc_error *error)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return emc__error_set(error, EMC_ERROR_TLS, "tls.trust_folder: %.100s can't be used: %s", path,
                              strerror(errno));
    }
    closedir(folder);
    return SSL_CTX_load_verify_dir(context, path) == 1 ? EMC_OK : refuse(error, "tls.trust_folder", path);
}

static emc_status load_trust(SSL_CTX *context, const struct emc__tls_settings *settings, emc_error *error)
{
    bool system_store = settings->trust_file == NULL && settings->trust_path == NULL;
    if (settings->trust_file != NULL && SSL_CTX_load_verify_file(context, settings->trust_file) != 1) {
        return refuse(error, "tls.trust_file", settings->trust_file);
    }
    if (settings->trust_path != NULL) {
        emc_status status = load_trust_folder(context, settings->trust_path, error);
        if (status != EMC_OK) {
            return status;
        }
    }
    if (system_store && SSL_CTX_set_default_verify_paths(context) != 1) {
        return refuse(error, "the system's trust store", NULL);
    }
    if (settings->extra_ca_file != NULL && SSL_CTX_load_verify_file(context, settings->extra_ca_file) != 1) {
        return refuse(error, "tls.extra_ca_file", settings->extra_ca_file);
    }
    return EMC_OK;
}

static int keep_session(SSL *ssl, SSL_SESSION *session);

/* Called when the server asks for a certificate and there is none: noted, for the words when it then refuses. */
static int note_certificate_asked(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
    struct emc__tls_session *session = SSL_get_app_data(ssl);
    (void)certificate;
    (void)key;
    session->certificate_asked = true;
    return 0;
}

static emc_status build_context(struct emc__tls *tls, const struct emc__tls_settings *settings, emc_error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    tls->context = context;
    tls->method = make_method();
    if (context == NULL || tls->method == NULL) {
        return emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
    }
    SSL_CTX_set_min_proto_version(context, settings->version_min == 13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, settings->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_client_cert_cb(context, note_certificate_asked);
    emc_status status = settings->verify ? load_trust(context, settings, error) : EMC_OK;
    if (status == EMC_OK) {
        status = load_client_certificate(context, settings, error);
    }
    if (settings->session_resumption) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
    return status;
}

emc_status emc__tls_create(const emc_allocator *allocator, const struct emc__tls_settings *settings,
                           struct emc__tls **tls_out, emc_error *error)
{
    struct emc__tls *tls = emc__allocate_zeroed(allocator, 1, sizeof *tls);
    if (tls == NULL) {
        return emc__error_set(error, EMC_ERROR_MEMORY, "%s", emc_status_text(EMC_ERROR_MEMORY));
    }
    tls->allocator = *allocator;
    tls->users = 1;
    tls->verify = settings->verify;
    tls->verify_host = settings->verify_host;
    tls->resumption = settings->session_resumption;
    ERR_clear_error();
    emc_status status = build_context(tls, settings, error);
    if (status != EMC_OK) {
        emc__tls_destroy(tls);
        return status;
    }
    *tls_out = tls;
    return EMC_OK;
}

void emc__tls_destroy(struct emc__tls *tls)
{
    if (tls == NULL || --tls->users > 0) {
        return;
    }
    emc_allocator allocator = tls->allocator;
    for (uint32_t i = 0; tls->kept != NULL && i < SESSIONS_MAX; i++) {
        SSL_SESSION_free(tls->kept[i].session);
    }
    emc__release(&allocator, tls->kept);
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->method);
    emc__release(&allocator, tls);
}

/* ------------------------------------------------------------------ resumption */

static struct kept_session *find_kept(const struct emc__tls *tls, const char *name, uint16_t port)
{
    for (uint32_t i = 0; tls->kept != NULL && i < SESSIONS_MAX; i++) {
        if (tls->kept[i].session != NULL && tls->kept[i].port == port && strcmp(tls->kept[i].name, name) == 0) {
            return &tls->kept[i];
        }
    }
    return NULL;
}

/* A ticket came. Returns 1: the session is ours now. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    const struct emc__tls_session *owner = SSL_get_app_data(ssl);
    struct emc__tls *tls = owner->tls;
    if (tls->kept == NULL) {
        tls->kept = emc__allocate_zeroed(&tls->allocator, SESSIONS_MAX, sizeof *tls->kept);
    }
    if (tls->kept == NULL) {
        return 0;
    }
    struct kept_session *kept = find_kept(tls, owner->name, owner->port);
    if (kept == NULL) {
        kept = &tls->kept[tls->next_kept++ % SESSIONS_MAX];
        memcpy(kept->name, owner->name, sizeof kept->name);
        kept->port = owner->port;
    }
    SSL_SESSION_free(kept->session);
    kept->session = session;
    return 1;
}

/* ------------------------------------------------------------------ sessions */

static bool is_literal(const char *name)
{
    unsigned char address[16];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* As certificates and SNI have a name: without the last dot (RFC 6066 section 3), an address without its scope. */
static void copy_bare_name(const char *name, char bare[NAME_SIZE])
{
    size_t length = strcspn(name, "%");
    length -= length > 0 && name[length - 1] == '.';
    memcpy(bare, name, length);
    bare[length] = '\0';
}

/* Whom the certificate must be for. A literal address is checked as such and not sent as SNI (RFC 6066 section 3). */
static bool set_name(const struct emc__tls_session *session)
{
    char name[NAME_SIZE];
    const struct emc__tls *tls = session->tls;
    copy_bare_name(session->name, name);
    bool literal = is_literal(name);
    if (!literal && SSL_set_tlsext_host_name(session->ssl, name) != 1) {
        return false;
    }
    if (!tls->verify || !tls->verify_host) {
        return true;
    }
    X509_VERIFY_PARAM *parameters = SSL_get0_param(session->ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return (literal ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name)
                    : X509_VERIFY_PARAM_set1_host(parameters, name, 0)) == 1;
}

static bool set_up(struct emc__tls_session *session)
{
    struct emc__tls *tls = session->tls;
    session->ssl = SSL_new(tls->context);
    BIO *bio = session->ssl != NULL ? BIO_new(tls->method) : NULL;
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, session);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_connect_state(session->ssl);
    SSL_set_app_data(session->ssl, session);
    struct kept_session *kept = tls->resumption ? find_kept(tls, session->name, session->port) : NULL;
    if (kept != NULL) {
        SSL_set_session(session->ssl, kept->session);
    }
    return set_name(session);
}

struct emc__tls_session *emc__tls_session_create(struct emc__tls *tls, const char *name, uint16_t port)
{
    struct emc__tls_session *session = emc__allocate_zeroed(&tls->allocator, 1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->tls = tls;
    tls->users++;
    session->descriptor = -1;
    session->port = port;
    snprintf(session->name, sizeof session->name, "%s", name);
    ERR_clear_error();
    if (!set_up(session)) {
        emc__tls_session_destroy(session);
        return NULL;
    }
    return session;
}

void emc__tls_session_destroy(struct emc__tls_session *session)
{
    struct emc__tls *tls = session->tls;
    SSL_free(session->ssl);
    emc__release(&tls->allocator, session);
    emc__tls_destroy(tls);
}

/* ------------------------------------------------------------------ errors as words */

/* ssl_error as SSL_get_error gave it; errno as the system left it. */
static void note_error(struct emc__tls_session *session, int ssl_error)
{
    int system_code = errno;
    long verified = SSL_get_verify_result(session->ssl);
    unsigned long code = ERR_peek_error();
    verified = session->tls->verify ? verified : X509_V_OK;
    const char *words = emc__tls_verify_words(verified);
    if (words == NULL && code != 0) {
        words = emc__tls_reason_words(ERR_GET_REASON(code), !SSL_is_init_finished(session->ssl),
                                      session->certificate_asked);
    }
    if (words == NULL && code != 0) {
        words = ERR_reason_error_string(code);
    }
    if (words == NULL && ssl_error == SSL_ERROR_SYSCALL && system_code != 0) {
        words = strerror(system_code);
    }
    bool concerns_name = words != NULL && verified != X509_V_OK;
    snprintf(session->error, sizeof session->error, "TLS: %.90s%s%.120s",
             words != NULL ? words : "the server closed the connection", concerns_name ? ": " : "",
             concerns_name ? session->name : "");
    session->broken = true;
    ERR_clear_error();
}

const char *emc__tls_error(const struct emc__tls_session *session)
{
    return session->error[0] != '\0' ? session->error : "TLS: the connection broke";
}

/* ------------------------------------------------------------------ handshake and bytes */

enum emc__tls_progress emc__tls_handshake(struct emc__tls_session *session, int descriptor)
{
    session->descriptor = descriptor;
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(session->ssl);
    if (result == 1) {
        session->read_wants_write = session->write_wants_read = false;
        return EMC__TLS_DONE;
    }
    int error = SSL_get_error(session->ssl, result);
    session->read_wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return EMC__TLS_MORE;
    }
    note_error(session, error);
    return EMC__TLS_FAILED;
}

/* A server that refuses us after the handshake (TLS 1.3: no client certificate) says why and closes: sending then fails with nothing but
 * "broken pipe", and the reason lies in what was received. */
static void note_send_error(struct emc__tls_session *session, int ssl_error)
{
    char byte;
    size_t peeked;
    int system_code = errno;
    if (ssl_error == SSL_ERROR_SYSCALL) {
        ERR_clear_error();
        int result = SSL_peek_ex(session->ssl, &byte, 1, &peeked);
        int peek_error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(session->ssl, result);
        ssl_error = peek_error == SSL_ERROR_SSL ? peek_error : ssl_error;
    }
    errno = system_code;
    note_error(session, ssl_error);
}

/* Writes one slice as far as it goes; false when the rest has to wait, or (session->broken) is lost. */
static bool write_slice(struct emc__tls_session *session, struct emc__slice slice, size_t *sent)
{
    for (size_t offset = 0; offset < slice.length;) {
        size_t written = 0;
        ERR_clear_error();
        errno = 0;
        int result = SSL_write_ex(session->ssl, slice.data + offset, slice.length - offset, &written);
        if (result != 1) {
            int error = SSL_get_error(session->ssl, result);
            session->write_wants_read = error == SSL_ERROR_WANT_READ;
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
                note_send_error(session, error);
            }
            return false;
        }
        offset += written;
        *sent += written;
    }
    return true;
}

enum emc__io emc__tls_send(struct emc__tls_session *session, int descriptor, const struct emc__slice *slices,
                           size_t count, size_t *sent_out)
{
    size_t sent = 0;
    session->descriptor = descriptor;
    session->write_wants_read = false;
    if (session->broken) {
        return EMC__IO_ERROR;
    }
    for (size_t i = 0; i < count && write_slice(session, slices[i], &sent); i++) {
    }
    if (sent > 0) {
        *sent_out = sent;
        return EMC__IO_OK;
    }
    return session->broken ? EMC__IO_ERROR : EMC__IO_WOULD_BLOCK;
}

/* Why a read gave nothing. */
static enum emc__io read_nothing(struct emc__tls_session *session, int result)
{
    int error = SSL_get_error(session->ssl, result);
    session->read_wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return EMC__IO_WOULD_BLOCK;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        return EMC__IO_END;
    }
    note_error(session, error);
    return EMC__IO_ERROR;
}

enum emc__io emc__tls_recv(struct emc__tls_session *session, int descriptor, const struct emc__span *spans,
                           size_t count, size_t *received_out)
{
    size_t received = 0;
    session->descriptor = descriptor;
    session->read_wants_write = false;
    if (session->broken) {
        return EMC__IO_ERROR;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t offset = 0; offset < spans[i].length;) {
            size_t got = 0;
            ERR_clear_error();
            errno = 0;
            int result = SSL_read_ex(session->ssl, spans[i].data + offset, spans[i].length - offset, &got);
            if (result != 1) {
                enum emc__io io = read_nothing(session,
                                               result); /* an error or an end shows again in the next receive */
                *received_out = received;
                return received > 0 ? EMC__IO_OK : io;
            }
            offset += got;
            received += got;
        }
    }
    *received_out = received;
    return received > 0 ? EMC__IO_OK : EMC__IO_WOULD_BLOCK;
}

int emc__tls_wants(const struct emc__tls_session *session, bool want_read, bool want_write)
{
    if (!SSL_is_init_finished(session->ssl)) {
        return session->read_wants_write ? WRITABLE : READABLE;
    }
    int events = want_read ? READABLE : 0;
    if (want_read && session->read_wants_write) {
        events |= WRITABLE;
    }
    if (want_write) {
        events |= session->write_wants_read ? READABLE : WRITABLE;
    }
    return events;
}

int emc__tls_ready(struct emc__tls_session *session, int events, bool want_read, bool want_write)
{
    int told = 0;
    if (want_read && ((events & READABLE) != 0 || session->read_wants_write)) {
        told |= READABLE;
    }
    if (want_write && ((events & (session->write_wants_read ? READABLE : WRITABLE)) != 0)) {
        told |= WRITABLE;
    }
    return told;
}

bool emc__tls_pending(const struct emc__tls_session *session)
{
    return SSL_pending(session->ssl) > 0 || session->broken ||
           (SSL_get_shutdown(session->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void emc__tls_flow(const struct emc__tls_session *session, struct emc__flow *flow_out)
{
    *flow_out = (struct emc__flow){session->bytes_out, session->bytes_out, session->bytes_in};
}

void emc__tls_say_goodbye(struct emc__tls_session *session, int descriptor)
{
    session->descriptor = descriptor;
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}
