/* Starts, watches and ends memcached processes. */
#include "servers.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "certificates.h"

#define RUNNING_MAX       64
#define ARGUMENTS_MAX     48
#define START_DEADLINE_MS 20000

static pid_t running[RUNNING_MAX];
static pid_t owner; /* the process that started them: a child of fork must not end them */
static char folder[64];

/* ------------------------------------------------------------------ the end */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void end_all(void)
{
    if (getpid() != owner) {
        return;
    }
    for (size_t i = 0; i < RUNNING_MAX; i++) {
        if (running[i] != 0) {
            kill(running[i], SIGKILL);
            waitpid(running[i], NULL, 0);
        }
    }
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *servers_folder(void)
{
    if (folder[0] == 0) {
        strcpy(folder, "/tmp/emcache-test-XXXXXX");
        assert_non_null(mkdtemp(folder));
        owner = getpid();
        atexit(end_all);
    }
    return folder;
}

static void remember(pid_t pid, pid_t instead_of)
{
    for (size_t i = 0; i < RUNNING_MAX; i++) {
        if (running[i] == instead_of) {
            running[i] = pid;
            return;
        }
    }
    fail_msg("more than %d servers run", RUNNING_MAX);
}

/* ------------------------------------------------------------------ the command line */

struct command_line {
    char *words[ARGUMENTS_MAX];
    size_t count;
};

static void add_word(struct command_line *line, const char *format, ...)
{
    assert_true(line->count + 1 < ARGUMENTS_MAX);
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&line->words[line->count++], format, arguments) >= 0);
    va_end(arguments);
    line->words[line->count] = NULL;
}

static void add_pair(struct command_line *line, const char *option, const char *format, uint32_t number)
{
    add_word(line, "%s", option);
    add_word(line, format, number);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void add_authentication(struct command_line *line)
{
    char path[128];
    snprintf(path, sizeof path, "%s/users", servers_folder());
    write_file(path, SERVER_USER ":" SERVER_PASSWORD "\n");
    add_word(line, "-Y");
    add_word(line, "%s", path);
}

static void add_tls(struct command_line *line, const struct server_settings *settings)
{
    const struct certificates *made = certificates();
    add_word(line, "-Z");
    add_word(line, "-o");
    add_word(line, "ssl_chain_cert=%s,ssl_key=%s", settings->tls_expired ? made->expired : made->server,
             settings->tls_expired ? made->expired_key : made->server_key);
    if (settings->tls_client) {
        add_word(line, "-o");
        add_word(line, "ssl_verify_mode=2,ssl_ca_cert=%s", made->authority);
    }
}

static void add_limits(struct command_line *line, const struct server *server)
{
    const struct server_settings *settings = &server->settings;
    add_pair(line, "-m", "%u", settings->memory_max_mb == 0 ? 64 : settings->memory_max_mb);
    if (settings->item_size_max != 0) {
        add_pair(line, "-I", "%u", settings->item_size_max);
        add_pair(line, "-o", "slab_chunk_max=%u", settings->item_size_max / (server->chunk_in_kilobytes ? 2048 : 2));
    }
    if (settings->connections_max != 0) {
        add_pair(line, "-c", "%u", settings->connections_max);
    }
    if (settings->idle_timeout_s != 0) {
        add_pair(line, "-o", "idle_timeout=%u", settings->idle_timeout_s);
    }
    if (settings->no_evictions) {
        add_word(line, "-M");
    }
}

static const char *server_host(const struct server *server)
{
    return server->settings.host == NULL ? "127.0.0.1" : server->settings.host;
}

static void compose(struct command_line *line, const struct server *server)
{
    add_word(line, "memcached");
    add_pair(line, "-t", "%u", 2);
    if (getuid() == 0) {
        add_word(line, "-u");
        add_word(line, "root");
    }
    if (server->settings.unix_socket) {
        add_word(line, "-s");
        add_word(line, "%s", server->path);
    } else {
        add_word(line, "-l");
        add_word(line, "%s", server_host(server));
        add_pair(line, "-p", "%u", server->port);
        add_pair(line, "-U", "%u", 0);
    }
    add_limits(line, server);
    if (server->settings.ascii_authentication) {
        add_authentication(line);
    }
    if (server->settings.tls) {
        add_tls(line, &server->settings);
    }
    if (server->settings.sasl) {
        add_word(line, "-S");
    }
}

/* ------------------------------------------------------------------ SASL */

bool server_has_sasl(void)
{
    return access("/usr/sbin/saslpasswd2", X_OK) == 0;
}

/* A data base with our user, and the configuration that names it, in the folder of the tests. */
static void prepare_sasl(void)
{
    char text[512];
    char path[128];
    snprintf(path, sizeof path, "%s/memcached.conf", servers_folder());
    snprintf(text, sizeof text, "mech_list: plain\nsasldb_path: %s/sasldb2\n", servers_folder());
    write_file(path, text);
    snprintf(text, sizeof text, "printf %%s '%s' | /usr/sbin/saslpasswd2 -f %s/sasldb2 -a memcached -c -p '%s'",
             SERVER_PASSWORD, servers_folder(), SERVER_USER);
    assert_int_equal(system(text), 0); /* NOLINT(cert-env33-c): words of our own */
}

/* ------------------------------------------------------------------ starting */

uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    close(descriptor);
    return ntohs(address.sin_port);
}

/* In the child: ends with its parent, is quiet, becomes memcached. */
static void become(const struct command_line *line, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    setenv("SASL_CONF_PATH", folder, 1);
    if (freopen("/dev/null", "r", stdin) == NULL ||
        (getenv("EMCACHE_TEST_VERBOSE") == NULL && freopen("/dev/null", "w", stderr) == NULL)) {
        _exit(1);
    }
    execvp("memcached", line->words);
    _exit(127);
}

static bool accepts(const struct server *server)
{
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_port = htons(server->port)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    inet_pton(AF_INET, server_host(server), &tcp.sin_addr);
    memcpy(local.sun_path, server->path, sizeof server->path);
    bool is_unix = server->settings.unix_socket;
    int descriptor = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    int result = is_unix ? connect(descriptor, (struct sockaddr *)&local, sizeof local)
                         : connect(descriptor, (struct sockaddr *)&tcp, sizeof tcp);
    close(descriptor);
    return result == 0;
}

/* True when it accepts; false when it ended before that (somebody else took the port). */
static bool wait_until_it_accepts(struct server *server)
{
    for (int waited_ms = 0; waited_ms < START_DEADLINE_MS; waited_ms += 5) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            remember(0, server->pid);
            server->pid = 0;
            return false;
        }
        if (accepts(server)) {
            return true;
        }
        poll(NULL, 0, 5);
    }
    fail_msg("memcached does not accept connections after %d ms", START_DEADLINE_MS);
    return false;
}

static bool launch(struct server *server)
{
    struct command_line line = {{NULL}, 0};
    compose(&line, server);
    pid_t parent = getpid();
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        become(&line, parent);
    }
    remember(server->pid, 0);
    for (size_t i = 0; i < line.count; i++) {
        free(line.words[i]);
    }
    return wait_until_it_accepts(server);
}

void server_start(struct server *server, const struct server_settings *settings)
{
    static unsigned number;
    memset(server, 0, sizeof *server);
    servers_folder();
    if (settings != NULL) {
        server->settings = *settings;
    }
    if (server->settings.sasl) {
        prepare_sasl();
    }
    for (int attempt = 0; attempt < 5; attempt++) {
        server->port = server->settings.unix_socket ? 0 : free_port();
        snprintf(server->path, sizeof server->path, "%s/%u.sock", servers_folder(), number++);
        server->address = server->settings.unix_socket ? emc_address_unix(server->path)
                                                       : emc_address_tcp(server_host(server), server->port);
        if (launch(server)) {
            return;
        }
        server->chunk_in_kilobytes = !server->chunk_in_kilobytes; /* a newer server would not have bytes */
    }
    fail_msg("memcached can't be started; is it installed?");
}

void server_kill(struct server *server)
{
    if (server->pid == 0) {
        return;
    }
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    remember(0, server->pid);
    server->pid = 0;
}

void servers_start(struct server *servers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        server_start(&servers[i], NULL);
    }
}

void servers_kill(struct server *servers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        server_kill(&servers[i]);
    }
}

void server_restart(struct server *server)
{
    server_kill(server);
    unlink(server->path);
    assert_true(launch(server));
}

void server_freeze(struct server *server)
{
    int status = 0;
    assert_int_equal(kill(server->pid, SIGSTOP), 0);
    assert_int_equal(waitpid(server->pid, &status, WUNTRACED), server->pid); /* its threads answer until then */
    assert_true(WIFSTOPPED(status));
}

void server_thaw(struct server *server)
{
    assert_int_equal(kill(server->pid, SIGCONT), 0);
}
