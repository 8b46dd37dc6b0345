/* What went wrong in TLS, in words that tell what to look at: see tls_words.h. Pure. */
#include "transport/tls_words.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

const char *emc__tls_verify_words(long result)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "the server's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "the server's certificate is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "the server's certificate is for another name";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "the server's certificate is signed by no authority that is trusted here";
    default:
        return NULL;
    }
}

const char *emc__tls_reason_words(int reason, bool handshake, bool certificate_asked)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return handshake ? "the server does not speak TLS" : NULL;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return handshake ? "the server closed the connection during the handshake" : "the server closed the connection";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "the server asks for a client certificate";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return certificate_asked ? "the server asks for a client certificate"
                                 : "the server refused the handshake (no cipher in common?)";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        return "the server refused the client's certificate";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return "the server does not speak the TLS version that is asked for";
    default:
        return NULL;
    }
}
