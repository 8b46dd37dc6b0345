/* Server settings and client options by flavour. */
#include "flavour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificates.h"
#include "session.h"

static const char *name = "tcp";

static bool is(const char *flavour)
{
    return strcmp(name, flavour) == 0;
}

void flavour_choose(int argc, char **argv)
{
    name = argc > 1 ? argv[1] : "tcp";
    if (!is("tcp") && !is("unix") && !is("tls") && !is("ascii") && !is("sasl") && !is("threaded")) {
        fprintf(stderr, "no such flavour: %s\n", name);
        exit(2);
    }
    if (is("sasl") && !server_has_sasl()) {
        exit(77);
    }
}

struct server_settings flavour_settings(void)
{
    return (struct server_settings){
        .unix_socket = is("unix"), .tls = is("tls"), .ascii_authentication = is("ascii"), .sasl = is("sasl")};
}

emc_options flavour_options(emc_options options)
{
    options.threaded = is("threaded");
    if (is("tls")) {
        options = with_tls(options);
    }
    if (is("ascii") || is("sasl")) {
        options.username = SERVER_USER;
        options.password = SERVER_PASSWORD;
        options.sasl = is("sasl");
    }
    if (is("sasl")) { /* libsasl looks up the host's own name for each connection: a resolver's time where /etc/hosts does not have it */
        options.connection_timeout_ms = options.health_disconnected_ms = PATIENCE_MS / 2;
    }
    return options;
}

bool flavour_is_binary(void)
{
    return is("sasl");
}

bool flavour_is_threaded(void)
{
    return is("threaded");
}
