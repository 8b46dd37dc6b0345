/* What the output is, and the interrupts of a program that runs until Ctrl-C. Signals are not handled but held and asked for: nothing global. */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* Terminals are UTF-8 today, also where no locale is set at all; only one that names another character set is believed. */
static bool unicode_welcome(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || value[0] == '\0') {
            continue;
        }
        const char *set = strchr(value, '.');
        return set == NULL || strncasecmp(set + 1, "utf-8", 5) == 0 || strncasecmp(set + 1, "utf8", 4) == 0;
    }
    return true;
}

struct terminal terminal_look(void)
{
    struct terminal terminal = {false, false, unicode_welcome(), 0, 0};
    const char *kind = getenv("TERM");
    bool dumb = kind == NULL || kind[0] == '\0' || strcmp(kind, "dumb") == 0;
    if (!isatty(STDOUT_FILENO)) {
        return terminal;
    }
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    terminal.columns = known ? size.ws_col : 80;
    terminal.rows = known ? size.ws_row : 24;
    terminal.interactive = !dumb;
    terminal.colour = !dumb && !is_set("NO_COLOR");
    return terminal;
}

static void put(const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, text, length);
        if (written <= 0) {
            return; /* the terminal is gone; there is nobody to tell */
        }
        text += written;
        length -= (size_t)written;
    }
}

void terminal_enter(void)
{
    put("\033[?1049h\033[?25l\033[H\033[2J");
}

void terminal_leave(void)
{
    put("\033[0m\033[?25h\033[?1049l");
}

static void interrupts(sigset_t *set_out)
{
    sigemptyset(set_out);
    sigaddset(set_out, SIGINT);
    sigaddset(set_out, SIGTERM);
    sigaddset(set_out, SIGHUP);
}

void interrupt_hold(sigset_t *saved_out)
{
    sigset_t set;
    interrupts(&set);
    sigprocmask(SIG_BLOCK, &set, saved_out);
    signal(SIGPIPE, SIG_IGN);
}

static int pending_signal(void)
{
    sigset_t pending;
    if (sigpending(&pending) != 0) {
        return 0;
    }
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (sigismember(&pending, signals[i]) == 1) {
            return signals[i];
        }
    }
    return 0;
}

bool interrupt_pending(void)
{
    return pending_signal() != 0;
}

int interrupt_restore(const sigset_t *saved)
{
    int first = pending_signal();
    while (pending_signal() != 0) {
        sigset_t set;
        int taken = 0;
        interrupts(&set);
        sigwait(&set, &taken); /* one is pending, so this does not wait */
    }
    sigprocmask(SIG_SETMASK, saved, NULL);
    return first;
}
