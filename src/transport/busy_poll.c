/* Busy polling. An answer from another core takes some 25 µs to come; a receive that sleeps meanwhile adds as much again, for the processor to go
 * to rest and be woken. Where the answer takes longer than the limit, time is spent for nothing: so what was in vain several times is left out, for longer
 * and longer, until it is tried with success. */
#include "transport/busy_poll.h"

#include <errno.h>
#include <sys/socket.h>

#include "transport/uv_internal.h"

/* Between two receives, and between two looks at the clock: a receive that finds nothing takes 0.2 µs, eight pauses as much. */
#define PAUSES          8
#define TURNS_PER_CLOCK 4

bool emc__busy_poll_due(struct emc__busy_poll *poll)
{
    if (poll->left_out > 0) {
        poll->left_out--;
        return false;
    }
    return poll->limit_ns > 0;
}

void emc__busy_poll_told(struct emc__busy_poll *poll, bool came)
{
    if (came) {
        poll->in_vain = poll->leave = 0;
    } else if (poll->in_vain < EMC__BUSY_POLL_VAIN_MAX - 1) {
        poll->in_vain++;
    } else {
        poll->leave = poll->leave == 0 ? 1 : poll->leave * 2;
        poll->leave = poll->leave < EMC__BUSY_POLL_LEAVE_MAX ? poll->leave : EMC__BUSY_POLL_LEAVE_MAX;
        poll->left_out = poll->leave;
    }
}

/* Leaves a core that runs two threads to the other one, and the socket's lock to the system. */
static void pause_a_little(void)
{
    for (int i = 0; i < PAUSES; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb" ::: "memory");
#endif
    }
}

static bool found_nothing(ssize_t count)
{
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Gives what the last receive gave, and how long it took when that was nothing. */
static ssize_t receive_busily(int descriptor, void *bytes, size_t size, uint64_t limit_ns, uint64_t *spent_ns_out)
{
    uint64_t begin_ns = emc__uv_clock();
    ssize_t count;
    do {
        for (int turn = 0; turn < TURNS_PER_CLOCK; turn++) {
            count = recv(descriptor, bytes, size, MSG_DONTWAIT);
            if (!found_nothing(count)) {
                return count;
            }
            pause_a_little();
        }
        *spent_ns_out = emc__uv_clock() - begin_ns;
    } while (*spent_ns_out < limit_ns);
    return count;
}

bool emc__busy_poll_receive(struct emc__busy_poll *poll, int descriptor, void *bytes, size_t size, uint64_t *left_ns,
                            ssize_t *count_out)
{
    uint64_t limit_ns = *left_ns < poll->limit_ns ? *left_ns : poll->limit_ns;
    uint64_t spent_ns = 0;
    if (!emc__busy_poll_due(poll)) {
        errno = EAGAIN;
        *count_out = -1;
        return poll->alone;
    }
    *count_out = receive_busily(descriptor, bytes, size, limit_ns, &spent_ns);
    bool came = !found_nothing(*count_out);
    emc__busy_poll_told(poll, came);
    *left_ns -= spent_ns < *left_ns ? spent_ns : *left_ns;
    return came || *left_ns == 0 || poll->alone;
}
