/* An intrusive doubly linked list: the links live in the things listed, so that joining and leaving
 * allocates nothing and leaving needs no search. An unlinked entry has next == NULL. */
#ifndef EMC_BASE_LIST_H
#define EMC_BASE_LIST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct emc__link {
    struct emc__link *next, *previous;
};

/* The head is a link of its own: an empty list points at itself. */
struct emc__list {
    struct emc__link head;
};

#define EMC__CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void emc__list_init(struct emc__list *list)
{
    list->head.next = list->head.previous = &list->head;
}

static inline bool emc__list_empty(const struct emc__list *list)
{
    return list->head.next == &list->head;
}

static inline bool emc__link_linked(const struct emc__link *link)
{
    return link->next != NULL;
}

static inline struct emc__link *emc__list_first(const struct emc__list *list)
{
    return list->head.next == &list->head ? NULL : list->head.next;
}

static inline struct emc__link *emc__list_last(const struct emc__list *list)
{
    return list->head.next == &list->head ? NULL : list->head.previous;
}

/* The entry after `link`, or NULL at the end. */
static inline struct emc__link *emc__list_next(const struct emc__list *list, const struct emc__link *link)
{
    return link->next == &list->head ? NULL : link->next;
}

static inline void emc__link_insert_before(struct emc__link *link, struct emc__link *successor)
{
    link->next = successor;
    link->previous = successor->previous;
    successor->previous->next = link;
    successor->previous = link;
}

static inline void emc__list_append(struct emc__list *list, struct emc__link *link)
{
    emc__link_insert_before(link, &list->head);
}

/* Takes an entry that is in a list out of it, and leaves its own pointers as they are: it is to be put elsewhere at once. */
static inline void emc__link_lift(const struct emc__link *link)
{
    assert(link->next != NULL);
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

/* Harmless on an entry that is in no list. */
static inline void emc__link_remove(struct emc__link *link)
{
    if (link->next != NULL) {
        emc__link_lift(link);
        link->next = NULL;
    }
}

static inline struct emc__link *emc__list_take_first(struct emc__list *list)
{
    struct emc__link *first = emc__list_first(list);
    if (first != NULL) {
        emc__link_remove(first);
    }
    return first;
}

/* Moves everything in `from` to the end of `to`, in order. */
static inline void emc__list_splice(struct emc__list *to, struct emc__list *from)
{
    if (emc__list_empty(from)) {
        return;
    }
    from->head.next->previous = to->head.previous;
    to->head.previous->next = from->head.next;
    from->head.previous->next = &to->head;
    to->head.previous = from->head.previous;
    emc__list_init(from);
}

#endif
