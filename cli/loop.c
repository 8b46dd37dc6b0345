/* A client run in a plain poll() loop: its one descriptor, its next deadline, and process(). */
#include "loop.h"

#include <poll.h>
#include <time.h>

#include "terminal.h"

/* Interrupts are asked for at least so often. */
#define INTERRUPT_MS 50

uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int wait_ms(emc_client *client, uint64_t until_ns)
{
    uint64_t now_ns = clock_now_ns();
    if (until_ns <= now_ns) {
        return 0;
    }
    uint64_t rest_ms = (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    int longest_ms = rest_ms < INTERRUPT_MS ? (int)rest_ms : INTERRUPT_MS;
    int deadline_ms = emc_client_next_deadline_ms(client);
    return deadline_ms >= 0 && deadline_ms < longest_ms ? deadline_ms : longest_ms;
}

void loop_turn(emc_client *client, uint64_t until_ns)
{
    struct pollfd watched = {.fd = emc_client_descriptor(client), .events = POLLIN};
    poll(&watched, 1, wait_ms(client, until_ns)); /* whatever it says, process finds out what there is to do */
    emc_client_process(client);
}

bool loop_run(emc_client *client, uint64_t until_ns, bool (*done)(const void *context), const void *context)
{
    while (done == NULL || !done(context)) {
        if (interrupt_pending()) {
            return false;
        }
        if (clock_now_ns() >= until_ns) {
            return true;
        }
        loop_turn(client, until_ns);
    }
    return true;
}
