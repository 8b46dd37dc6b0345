/* The command `emcache`: takes the command line apart and starts what it names. */
#include <emcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "completion.h"
#include "help.h"
#include "options.h"
#include "report.h"
#include "routing_names.h"

enum exit_code command_help(const struct invocation *invocation)
{
    const char *name = invocation->word_count > 0 ? invocation->words[0] : NULL;
    const struct command *command = name != NULL ? commands_find(name) : NULL;
    if (name != NULL && command == NULL) {
        complain("there is no command '%s' (emcache help lists them)", name);
        return EXIT_CODE_USAGE;
    }
    help_write(command);
    return EXIT_CODE_OK;
}

enum exit_code command_completion(const struct invocation *invocation)
{
    return completion_write(invocation->words[0]) ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

/* What answers without any command, or instead of it. True when it did. */
static bool answer_general(const struct invocation *invocation)
{
    const char *routing = invocation->options[OPTION_ROUTING];
    if (invocation->options[OPTION_HELP] != NULL) {
        help_write(invocation->command);
    } else if (invocation->options[OPTION_VERSION] != NULL) {
        printf("emcache %d.%d.%d (library %s)\n", EMC_VERSION_MAJOR, EMC_VERSION_MINOR, EMC_VERSION_PATCH,
               emc_library_version());
    } else if (routing != NULL && strcmp(routing, "help") == 0) {
        routing_names_write(stdout);
    } else {
        return false;
    }
    return true;
}

static enum exit_code run(const struct invocation *invocation)
{
    const struct command *command = invocation->command;
    if (answer_general(invocation)) {
        return EXIT_CODE_OK;
    }
    if (command == NULL) {
        complain("no command (emcache --help lists them)");
        return EXIT_CODE_USAGE;
    }
    if (invocation->word_count < command->words_min || invocation->word_count > command->words_max) {
        complain("usage: emcache [OPTION...] %s%s%s", command->name, command->words[0] == '\0' ? "" : " ",
                 command->words);
        return EXIT_CODE_USAGE;
    }
    return command->run(invocation);
}

/* A full disk or a closed pipe must not look like success. */
static enum exit_code close_output(enum exit_code code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("the output could not be written");
        return EXIT_CODE_ERROR;
    }
    return code;
}

int main(int argc, char **argv)
{
    const char **words = calloc((size_t)argc + 1, sizeof(*words));
    if (words == NULL) {
        return (int)report_memory();
    }
    struct invocation invocation;
    enum exit_code code = EXIT_CODE_USAGE;
    if (options_read(argc, argv, words, &invocation)) {
        code = close_output(run(&invocation));
    }
    free(words);
    return (int)code;
}
