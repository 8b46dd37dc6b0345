/* Counts blocks and descriptors. */
#include "leaks.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session.h"

static void *count_allocate(void *context, size_t size)
{
    void *block = malloc(size);
    ((struct leak_check *)context)->blocks += block != NULL;
    return block;
}

static void *count_reallocate(void *context, void *pointer, size_t size)
{
    void *block = realloc(pointer, size);
    ((struct leak_check *)context)->blocks += pointer == NULL && block != NULL;
    return block;
}

static void count_release(void *context, void *pointer)
{
    ((struct leak_check *)context)->blocks -= pointer != NULL;
    free(pointer);
}

unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

void leak_check_begin(struct leak_check *check)
{
    static emc_client *first; /* libuv keeps a pipe for signals from its first loop on */
    if (first == NULL) {
        emc_address nobody = emc_address_tcp("127.0.0.1", 1);
        assert_int_equal(emc_client_create(&first, &nobody, 1, NULL, NULL), EMC_OK);
        emc_client_destroy(first);
    }
    check->allocator = (emc_allocator){count_allocate, count_reallocate, count_release, check};
    check->blocks = 0;
    check->descriptors = open_descriptors();
}

void leak_check_end(const struct leak_check *check)
{
    assert_int_equal(check->blocks, 0);
    assert_int_equal(open_descriptors(), check->descriptors);
}
