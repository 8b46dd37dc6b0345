/* Local memcached servers for the demo. Each is a child of this process that dies with it (on Linux, whatever ends it); only processes started
 * here are ever signalled, and only until they were waited for. */
#include "servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Below the range from which Linux takes the ports of outgoing connections (32768..60999): a client that knocks at the port of a dead server must not be given
 * that very port for its own end, for then it would be connected to itself. */
#define PORT_FIRST 20000
#define PORT_COUNT 12000

#define STOP_STEPS   200
#define STOP_STEP_NS 5000000

/* ------------------------------------------------------------------ finding a program and a port */

static bool is_program(const char *folder, size_t length, char *path_out, size_t size)
{
    int written = snprintf(path_out, size, "%.*s/memcached", (int)length, folder);
    return written > 0 && (size_t)written < size && access(path_out, X_OK) == 0;
}

bool server_program(char *path_out, size_t size)
{
    static const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin",
                                          "/opt/homebrew/bin"};
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ":");
        if (length > 0 && is_program(at, length, path_out, size)) {
            return true;
        }
        at += length + (at[length] == ':');
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (is_program(folders[i], strlen(folders[i]), path_out, size)) {
            return true;
        }
    }
    return false;
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static bool is_free(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    bool free_now = descriptor >= 0 && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                    bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
                    listen(descriptor, 1) == 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return free_now;
}

uint16_t server_free_port(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint32_t start = (uint32_t)now.tv_nsec / 1000 + (uint32_t)getpid() * 31;
    for (uint32_t i = 0; i < PORT_COUNT; i++) {
        uint16_t port = (uint16_t)(PORT_FIRST + (start + i) % PORT_COUNT);
        if (is_free(port)) {
            return port;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ the child */

/* memcached refuses to run as root unless told so. A child that changes its user itself is better than `-u nobody`: the kernel forgets the wish to die with the
 * parent when a process changes its user, so that has to come first. False when it stays root. */
static bool leave_root(void)
{
    struct passwd *nobody = getpwnam("nobody");
    if (nobody == NULL || setgroups(0, NULL) != 0 || setgid(nobody->pw_gid) != 0) {
        return false;
    }
    return setuid(nobody->pw_uid) == 0;
}

static void die_with_parent(pid_t parent)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent) {
        _exit(1); /* it died before the wish was known */
    }
}

/* Becomes the server; never returns. */
static void become_server(const char *program, uint16_t port, int errors, pid_t parent)
{
    char port_text[8];
    sigset_t none;
    snprintf(port_text, sizeof(port_text), "%u", (unsigned)port);
    char *arguments[16] = {"memcached", "-l", "127.0.0.1", "-p", port_text, "-m", "64", "-U", "0", "-t", "2", NULL};
    if (geteuid() == 0 && !leave_root()) {
        arguments[11] = "-u";
        arguments[12] = "root";
    }
    die_with_parent(parent);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execv(program, arguments);
    fprintf(stderr, "%s: %s", program, strerror(errno));
    _exit(127);
}

bool server_start(struct local_server *server, const char *program, uint16_t port,
                  char words_out[static SERVER_WORDS_SIZE])
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        snprintf(words_out, SERVER_WORDS_SIZE, "a pipe: %s", strerror(errno));
        return false;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_server(program, port, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0) {
        snprintf(words_out, SERVER_WORDS_SIZE, "a new process: %s", strerror(errno));
        close(ends[0]);
        return false;
    }
    *server = (struct local_server){pid, port, ends[0]};
    return true;
}

/* ------------------------------------------------------------------ watching and ending */

bool server_listens(const struct local_server *server)
{
    struct sockaddr_in address = loopback(server->port);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* On the loopback interface this answers at once, either way. */
    bool listens = descriptor >= 0 && connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return listens;
}

static void forget(struct local_server *server)
{
    close(server->errors);
    server->pid = 0;
}

bool server_alive(struct local_server *server, char words_out[static SERVER_WORDS_SIZE])
{
    int status = 0;
    if (server->pid == 0 || waitpid(server->pid, &status, WNOHANG) == 0) {
        return server->pid != 0;
    }
    ssize_t length = read(server->errors, words_out, SERVER_WORDS_SIZE - 1);
    words_out[length > 0 ? length : 0] = '\0';
    words_out[strcspn(words_out, "\n")] = '\0';
    if (words_out[0] == '\0') {
        snprintf(words_out, SERVER_WORDS_SIZE, "it ended by itself (status %d)", status);
    }
    forget(server);
    return false;
}

void server_kill(struct local_server *server)
{
    if (server->pid == 0) {
        return;
    }
    kill(server->pid, SIGKILL);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    forget(server);
}

void server_stop(struct local_server *server)
{
    const struct timespec step = {0, STOP_STEP_NS};
    char words[SERVER_WORDS_SIZE];
    if (server->pid == 0) {
        return;
    }
    kill(server->pid, SIGTERM);
    for (int i = 0; i < STOP_STEPS && server_alive(server, words); i++) {
        nanosleep(&step, NULL);
    }
    server_kill(server);
}
