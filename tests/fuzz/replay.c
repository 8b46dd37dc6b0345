/* Runs a target over the files of its corpus, without a fuzzer: every build with tests checks what fuzzing once found.
 */
#include "fuzz_input.h"

#include <dirent.h>

#define INPUT_MAX (1 << 20)

static uint8_t buffer[INPUT_MAX];

static bool replay_file(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    size_t length = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    uint8_t *copy = malloc(length > 0 ? length : 1);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, buffer, length);
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
    return true;
}

int main(int argc, char **argv)
{
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    size_t count = 0;
    if (directory == NULL) {
        fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.' && replay_file(argv[1], entry->d_name)) {
            count++;
        }
    }
    closedir(directory);
    printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
}
