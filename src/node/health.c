/* A node's health, as pure decisions: see health.h. */
#include "node/health.h"

#include "base/timer_wheel.h" /* EMC__NEVER */

#define PROBE_PAUSE_MAX_NS 500000000u
#define LATE_NS \
    250000000u /* a tick that comes so late after its time was held up; the moment that it then gives is as long */

void emc__health_init(struct emc__health *health, const struct emc__health_settings *settings, uint64_t now_ns)
{
    *health = (struct emc__health){.settings = *settings, .state = EMC__HEALTH_HEALTHY, .changed_ns = now_ns};
}

static enum emc__health_verdict turn(struct emc__health *health, enum emc__health_state state, uint64_t now_ns)
{
    bool usable_before = emc__health_usable(health);
    health->state = state;
    bool usable_now = emc__health_usable(health);
    if (usable_before == usable_now) {
        return EMC__VERDICT_NOTHING;
    }
    health->changed_ns = now_ns;
    return usable_now ? EMC__VERDICT_TURN_HEALTHY : EMC__VERDICT_TURN_UNHEALTHY;
}

void emc__health_disconnected(struct emc__health *health, uint64_t now_ns)
{
    if (health->disconnected_since_ns == 0) {
        health->disconnected_since_ns = now_ns;
    }
    if (health->state == EMC__HEALTH_RETURNING) {
        health->state = EMC__HEALTH_UNHEALTHY;
    }
}

void emc__health_at_rest(struct emc__health *health)
{
    health->disconnected_since_ns = 0;
    health->excused = false;
}

/* While it returns it is asked four times, and at least twice a second. */
static uint64_t probe_pause_ns(const struct emc__health *health)
{
    uint64_t pause_ns = health->settings.steady_ns / 4 + 1;
    return pause_ns < PROBE_PAUSE_MAX_NS ? pause_ns : PROBE_PAUSE_MAX_NS;
}

static void alive(struct emc__health *health, uint64_t now_ns)
{
    health->last_byte_ns = now_ns;
    if (health->state == EMC__HEALTH_SUSPECT) {
        health->state = EMC__HEALTH_HEALTHY;
    }
}

void emc__health_byte(struct emc__health *health, uint64_t now_ns)
{
    health->heard_ns = now_ns;
    alive(health, now_ns);
}

enum emc__health_verdict emc__health_connected(struct emc__health *health, uint64_t now_ns)
{
    if (health->settings.steady_ns == 0) {
        health->failures = 0; /* else when it has lasted */
    }
    if (health->connected_since_ns == 0) {
        health->connected_since_ns = now_ns;
    }
    health->disconnected_since_ns = 0;
    health->excused = false;
    alive(health, now_ns);
    if (health->state == EMC__HEALTH_UNHEALTHY && health->settings.steady_ns > 0) {
        health->steady_until_ns = now_ns + health->settings.steady_ns;
        health->probe_at_ns = now_ns + probe_pause_ns(health);
        return turn(health, EMC__HEALTH_RETURNING, now_ns);
    }
    if (health->state == EMC__HEALTH_RETURNING) {
        return EMC__VERDICT_NOTHING;
    }
    return turn(health, EMC__HEALTH_HEALTHY, now_ns);
}

static void count_failure(struct emc__health *health)
{
    health->failures += health->failures < UINT32_MAX;
}

enum emc__health_verdict emc__health_lost(struct emc__health *health, bool broken, uint64_t now_ns)
{
    bool lasted = health->connected_since_ns != 0 && now_ns - health->connected_since_ns >= health->settings.steady_ns;
    health->connected_since_ns = 0;
    if (health->settings.steady_ns == 0 || !broken) {
        return EMC__VERDICT_NOTHING;
    }
    if (lasted) {
        health->failures = 0;
        return EMC__VERDICT_NOTHING;
    }
    count_failure(health);
    if (health->state == EMC__HEALTH_RETURNING) {
        health->state = EMC__HEALTH_UNHEALTHY;
    }
    bool flaps = emc__health_usable(health) && health->failures >= health->settings.attempts;
    return flaps ? turn(health, EMC__HEALTH_UNHEALTHY, now_ns) : EMC__VERDICT_NOTHING;
}

enum emc__health_verdict emc__health_attempt_failed(struct emc__health *health, bool connected, uint64_t now_ns)
{
    count_failure(health);
    if (connected || health->state == EMC__HEALTH_UNHEALTHY) {
        return EMC__VERDICT_NOTHING;
    }
    if (health->failures >= health->settings.attempts) {
        return turn(health, EMC__HEALTH_UNHEALTHY, now_ns);
    }
    return EMC__VERDICT_NOTHING;
}

void emc__health_owed(struct emc__health *health, bool owed, uint64_t now_ns)
{
    if (!owed) {
        health->owed_since_ns = 0;
    } else if (health->owed_since_ns == 0) {
        health->owed_since_ns = now_ns;
    }
}

/* When the silence has lasted too long; EMC__NEVER when nothing is owed. */
static uint64_t silence_ends_ns(const struct emc__health *health)
{
    if (health->owed_since_ns == 0 || health->settings.silence_ns == EMC__NEVER) {
        return EMC__NEVER;
    }
    uint64_t since_ns = health->last_byte_ns > health->owed_since_ns ? health->last_byte_ns : health->owed_since_ns;
    return since_ns + health->settings.silence_ns;
}

static uint64_t disconnection_ends_ns(const struct emc__health *health)
{
    return health->disconnected_since_ns == 0 ? EMC__NEVER
                                              : health->disconnected_since_ns + health->settings.disconnected_ns;
}

/* How long a question may stay open while it returns. */
static uint64_t answer_due_ns(const struct emc__health *health)
{
    uint64_t since_ns = health->last_byte_ns > health->owed_since_ns ? health->last_byte_ns : health->owed_since_ns;
    return since_ns + health->settings.question_ns;
}

static enum emc__health_verdict tick_returning(struct emc__health *health, uint64_t now_ns)
{
    if (health->owed_since_ns != 0) {
        if (now_ns < answer_due_ns(health)) {
            return EMC__VERDICT_NOTHING;
        }
        health->state = EMC__HEALTH_UNHEALTHY;
        return EMC__VERDICT_FELL_SILENT;
    }
    if (now_ns >= health->steady_until_ns) {
        health->failures = 0;
        return turn(health, EMC__HEALTH_HEALTHY, now_ns);
    }
    if (now_ns >= health->probe_at_ns) {
        health->probe_at_ns = now_ns + probe_pause_ns(health);
        return EMC__VERDICT_PROBE;
    }
    return EMC__VERDICT_NOTHING;
}

/* The program stood still over the end of the disconnection: the connection may be there, and just not be looked at. */
static void excuse(struct emc__health *health, uint64_t now_ns)
{
    uint64_t end_ns = disconnection_ends_ns(health);
    if (end_ns == EMC__NEVER || now_ns < end_ns || now_ns - end_ns < LATE_NS || health->excused) {
        return;
    }
    health->excused = true;
    health->disconnected_since_ns += now_ns - end_ns + LATE_NS;
}

enum emc__health_verdict emc__health_tick(struct emc__health *health, uint64_t now_ns)
{
    excuse(health, now_ns);
    switch (health->state) {
    case EMC__HEALTH_HEALTHY:
        if (now_ns >= disconnection_ends_ns(health)) {
            return turn(health, EMC__HEALTH_UNHEALTHY, now_ns);
        }
        if (now_ns >= silence_ends_ns(health)) {
            health->state = EMC__HEALTH_SUSPECT;
            health->question_until_ns = now_ns + health->settings.question_ns;
            return EMC__VERDICT_ASK;
        }
        return EMC__VERDICT_NOTHING;
    case EMC__HEALTH_SUSPECT:
        if (now_ns >= health->question_until_ns || now_ns >= disconnection_ends_ns(health)) {
            return turn(health, EMC__HEALTH_UNHEALTHY, now_ns);
        }
        return EMC__VERDICT_NOTHING;
    case EMC__HEALTH_RETURNING:
        return tick_returning(health, now_ns);
    case EMC__HEALTH_UNHEALTHY:
        break;
    }
    return EMC__VERDICT_NOTHING;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t emc__health_next_ns(const struct emc__health *health)
{
    switch (health->state) {
    case EMC__HEALTH_HEALTHY:
        return smaller(disconnection_ends_ns(health), silence_ends_ns(health));
    case EMC__HEALTH_SUSPECT:
        return smaller(disconnection_ends_ns(health), health->question_until_ns);
    case EMC__HEALTH_RETURNING:
        return health->owed_since_ns != 0 ? answer_due_ns(health)
                                          : smaller(health->steady_until_ns, health->probe_at_ns);
    case EMC__HEALTH_UNHEALTHY:
        break;
    }
    return EMC__NEVER;
}

uint64_t emc__health_pause_ns(const struct emc__health *health, struct emc__random *random)
{
    uint32_t doublings = health->failures > 0 ? health->failures - 1 : 0;
    uint64_t pause_ns = health->settings.backoff_min_ns;
    while (doublings-- > 0 && pause_ns < health->settings.backoff_max_ns) {
        pause_ns *= 2;
    }
    pause_ns = smaller(pause_ns, health->settings.backoff_max_ns);
    return pause_ns - emc__random_below(random, pause_ns / 4 + 1);
}
