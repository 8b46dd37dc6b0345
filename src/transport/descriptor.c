/* Opens descriptors that connect: see descriptor.h. */
#include "transport/descriptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/ioctl.h>
#endif

unsigned emc__descriptor_hold_standard(void)
{
    unsigned held = 0;
    int descriptor;
    while ((descriptor = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && descriptor <= STDERR_FILENO) {
        held |= 1u << descriptor;
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return held;
}

void emc__descriptor_release_standard(unsigned held)
{
    for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++) {
        if ((held & 1u << descriptor) != 0) {
            close(descriptor);
        }
    }
}

int emc__descriptor_above_standard(int descriptor)
{
    if (descriptor < 0 || descriptor > STDERR_FILENO) {
        return descriptor;
    }
    int above = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int code = errno;
    close(descriptor);
    errno = code;
    return above;
}

static socklen_t socket_address(const struct emc__endpoint *endpoint, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    if (endpoint->family == EMC__ENDPOINT_UNIX) {
        struct sockaddr_un *address = (struct sockaddr_un *)storage;
        address->sun_family = AF_UNIX;
        memcpy(address->sun_path, endpoint->path, sizeof address->sun_path);
        return sizeof *address;
    }
    if (endpoint->family == EMC__ENDPOINT_IPV6) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)storage;
        address->sin6_family = AF_INET6;
        address->sin6_port = htons(endpoint->port);
        address->sin6_scope_id = endpoint->scope;
        memcpy(&address->sin6_addr, endpoint->ip, 16);
        return sizeof *address;
    }
    struct sockaddr_in *address = (struct sockaddr_in *)storage;
    address->sin_family = AF_INET;
    address->sin_port = htons(endpoint->port);
    memcpy(&address->sin_addr, endpoint->ip, 4);
    return sizeof *address;
}

static void set_options(int descriptor, const struct emc__endpoint *endpoint)
{
    int on = 1;
    if (endpoint->family != EMC__ENDPOINT_UNIX) {
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
}

int emc__descriptor_connect(const struct emc__endpoint *endpoint)
{
    struct sockaddr_storage address;
    socklen_t length = socket_address(endpoint, &address);
    int descriptor = emc__descriptor_above_standard(
        socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (descriptor < 0) {
        return -1;
    }
    set_options(descriptor, endpoint);
    if (connect(descriptor, (struct sockaddr *)&address, length) != 0 && errno != EINPROGRESS && errno != EINTR) {
        int code = errno;
        close(descriptor);
        errno = code;
        return -1;
    }
    return descriptor;
}

bool emc__descriptor_met_itself(int descriptor)
{
    struct sockaddr_storage own, peer;
    memset(&own, 0, sizeof own);
    memset(&peer, 0, sizeof peer);
    socklen_t own_length = sizeof own, peer_length = sizeof peer;
    return getsockname(descriptor, (struct sockaddr *)&own, &own_length) == 0 && own.ss_family != AF_UNIX &&
           getpeername(descriptor, (struct sockaddr *)&peer, &peer_length) == 0 && own_length == peer_length &&
           memcmp(&own, &peer, own_length) == 0;
}

uint64_t emc__descriptor_unconfirmed(int descriptor)
{
#ifdef __linux__
    int domain = 0, bytes = 0;
    socklen_t length = sizeof domain;
    bool tcp = getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
               domain != AF_UNIX; /* there it is memory */
    if (tcp && ioctl(descriptor, TIOCOUTQ, &bytes) == 0 && bytes > 0) {
        return (uint64_t)bytes;
    }
#else
    (void)descriptor;
#endif
    return 0;
}

int emc__descriptor_lack(void)
{
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int code = errno;
    if (descriptor >= 0) {
        close(descriptor);
        return 0;
    }
    return emc__descriptor_status(code) != EMC_ERROR_CONNECT ? code : 0;
}

emc_status emc__descriptor_status(int code)
{
    switch (code) {
    case EMFILE:
    case ENFILE:
        return EMC_ERROR_FULL;
    case ENOMEM:
    case ENOBUFS:
        return EMC_ERROR_MEMORY;
    default:
        return EMC_ERROR_CONNECT;
    }
}

bool emc__descriptor_make_blocking(int descriptor, uint32_t limit_ns)
{
    struct timeval limit = {0, limit_ns / 1000};
    int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
           fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0;
}
