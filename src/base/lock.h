/* The lock of what several threads use, as far as the layers below the facades know it: something to enter and to leave, given to them from above
 * (facade/threaded_lock.c). Where there is one thread alone there is none, and NULL stands for it: entering costs a comparison. */
#ifndef EMC_BASE_LOCK_H
#define EMC_BASE_LOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Whoever has it may enter again. It lives as long as somebody refers to it. */
struct emc__lock {
    bool (*take)(struct emc__lock *lock);
    void (*give)(struct emc__lock *lock);
    /* One more, or one less, refers to it. */
    void (*retain)(struct emc__lock *lock);
    void (*release)(struct emc__lock *lock);
    /* Where the words of the calling thread's last error are: EMC_ERROR_MESSAGE_SIZE bytes. */
    char *(*words)(void);
};

/* False: in a child of fork, where another thread may have been inside; nothing was entered. */
static inline bool emc__lock_enter(struct emc__lock *lock)
{
    return lock == NULL || lock->take(lock);
}

static inline void emc__lock_leave(struct emc__lock *lock)
{
    if (lock != NULL) {
        lock->give(lock);
    }
}

static inline void emc__lock_retain(struct emc__lock *lock)
{
    if (lock != NULL) {
        lock->retain(lock);
    }
}

static inline void emc__lock_release(struct emc__lock *lock)
{
    if (lock != NULL) {
        lock->release(lock);
    }
}

#endif
