/* Makes the tests' certificates with libcrypto. */
#include "certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "servers.h"

#define DAY_S (24L * 60 * 60)

/* A certificate with its private key. */
struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *text)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, text);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: signs itself, as an authority does. Valid from begin_s to end_s, counted from now. */
static struct identity make_identity(const struct identity *issuer, const char *name, long begin_s, long end_s)
{
    static long serial = 1;
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    assert_non_null(made.certificate);
    assert_non_null(made.key);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), begin_s);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), end_s);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME *subject = X509_get_subject_name(made.certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509 *signer = issuer == NULL ? made.certificate : issuer->certificate;
    X509_set_issuer_name(made.certificate, X509_get_subject_name(signer));
    add_extension(made.certificate, signer, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    add_extension(made.certificate, signer, NID_subject_key_identifier, "hash");
    if (issuer != NULL) {
        add_extension(made.certificate, signer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    }
    assert_true(X509_sign(made.certificate, issuer == NULL ? made.key : issuer->key, EVP_sha256()) > 0);
    return made;
}

static void save(const struct identity *identity, const char *name, char certificate_path[256], char *key_path)
{
    snprintf(certificate_path, 256, "%s/%s.pem", servers_folder(), name);
    FILE *file = fopen(certificate_path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, identity->certificate), 1);
    assert_int_equal(fclose(file), 0);
    if (key_path == NULL) {
        return;
    }
    snprintf(key_path, 256, "%s/%s.key", servers_folder(), name);
    file = fopen(key_path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

static void save_hashed(const struct identity *authority, char folder[256])
{
    char name[64], path[256];
    snprintf(folder, 256, "%s/hashed", servers_folder());
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(name, sizeof name, "hashed/%08lx.0", X509_subject_name_hash(authority->certificate));
    save(authority, name, path, NULL);
    /* save() puts ".pem" behind; the look-up by hash wants the name alone */
    char hashed[256];
    memcpy(hashed, path, sizeof hashed);
    hashed[strlen(hashed) - strlen(".pem")] = '\0';
    assert_int_equal(rename(path, hashed), 0);
}

static void release(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

const struct certificates *certificates(void)
{
    static struct certificates made;
    static bool done;
    if (done) {
        return &made;
    }
    struct identity authority = make_identity(NULL, "emcache test authority", -DAY_S, 30 * DAY_S);
    struct identity stranger = make_identity(NULL, "a stranger's authority", -DAY_S, 30 * DAY_S);
    struct identity server = make_identity(&authority, "server", -DAY_S, 30 * DAY_S);
    struct identity expired = make_identity(&authority, "expired", -3 * DAY_S, -DAY_S);
    struct identity client = make_identity(&authority, "client", -DAY_S, 30 * DAY_S);
    save(&authority, "authority", made.authority, NULL);
    save_hashed(&authority, made.folder);
    save(&stranger, "stranger", made.stranger, NULL);
    save(&server, "server", made.server, made.server_key);
    save(&expired, "expired", made.expired, made.expired_key);
    save(&client, "client", made.client, made.client_key);
    release(&authority);
    release(&stranger);
    release(&server);
    release(&expired);
    release(&client);
    done = true;
    return &made;
}

emc_options with_tls(emc_options options)
{
    options.tls.enabled = true;
    options.tls.trust_file = certificates()->authority;
    return options;
}
