/* Versions, values, and the judgement of what was read. */
#include "model.h"

#include <stdio.h>
#include <string.h>

void subject_init(struct subject *subject, unsigned number)
{
    memset(subject, 0, sizeof *subject);
    subject->key_length = (size_t)snprintf(subject->key, sizeof subject->key, "soak-%u", number);
}

/* Mostly short, some of a page or two, one in fifty above what is copied at submission. */
static size_t length_of(uint32_t seed)
{
    if (seed % 50 == 0) {
        return 17000 + seed % 5000;
    }
    return seed % 10 == 0 ? 2000 + seed % 6000 : 40 + seed % 160;
}

size_t subject_value(const struct subject *subject, uint32_t version, char *value)
{
    uint32_t seed = version * 2654435761u;
    for (size_t i = 0; i < subject->key_length; i++) {
        seed = (seed ^ (unsigned char)subject->key[i]) * 16777619u;
    }
    size_t length = length_of(seed >> 8);
    size_t head = (size_t)snprintf(value, 64, "%s:%u:\r\nEND\r\n", subject->key, version);
    for (size_t i = head; i < length; i += 4) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        memcpy(value + i, &seed, 4); /* up to three bytes beyond the length, which the buffer has */
    }
    return length > head ? length : head;
}

/* Which process a failed write may have reached at the latest, when it ended in this life: one that ends while the server is dead may still meet the next. */
static uint32_t process_of(uint32_t life)
{
    return (life + 1) / 3;
}

/* Forgets open writes whose server is dead, with all it held. */
static void forget_open(struct subject *subject, uint32_t life)
{
    if (process_of(subject->open_in_life) != process_of(life)) {
        subject->open_count = 0;
        subject->open_delete = false;
        subject->open_in_life = life;
    }
}

bool subject_may_write(struct subject *subject, uint32_t life)
{
    forget_open(subject, life);
    return subject->open_count < OPEN_WRITES_MAX;
}

void subject_written(struct subject *subject, uint32_t version, uint32_t submitted, uint32_t ended, emc_status status)
{
    bool surely_not_done = (submitted == ended && life_is_over(submitted)) || status == EMC_ERROR_FULL;
    forget_open(subject, ended);
    if (status >= 0) {
        subject->known = version;
        subject->written_in_life = submitted;
    } else if (!surely_not_done && version == 0) {
        subject->open_delete = true;
    } else if (!surely_not_done && subject->open_count < OPEN_WRITES_MAX) {
        subject->open[subject->open_count++] = version;
    }
}

static bool is_version(const struct subject *subject, uint32_t version, const void *value, size_t length)
{
    static char expected[VALUE_SIZE_MAX];
    return version != 0 && subject_value(subject, version, expected) == length && memcmp(expected, value, length) == 0;
}

void subject_read(const struct subject *subject, const void *value, size_t length, uint32_t life,
                  struct findings *findings)
{
    if (value == NULL) {
        bool excused = subject->known == 0 || subject->open_delete || subject->written_in_life != life;
        findings->misses++;
        findings->lost += !excused;
        return;
    }
    bool right = is_version(subject, subject->known, value, length);
    for (size_t i = 0; !right && i < subject->open_count; i++) {
        right = is_version(subject, subject->open[i], value, length);
    }
    findings->hits++;
    findings->wrong += !right;
}
