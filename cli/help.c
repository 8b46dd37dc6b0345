/* The help, made from the tables of commands and options, so that it can't tell of what is not there. */
#include "help.h"

#include <stdio.h>

#include "options.h"

static void write_option(enum option_id id)
{
    const struct option_words *words = option_words(id);
    char name[48];
    snprintf(name, sizeof(name), "--%s%s%s", words->name, words->value == NULL ? "" : " ",
             words->value == NULL ? "" : words->value);
    if (words->letter != 0) {
        printf("  -%c, %-22s %s\n", words->letter, name, words->help);
    } else {
        printf("      %-22s %s\n", name, words->help);
    }
}

static void write_general_options(void)
{
    fputs("\nOptions, before or behind the command:\n", stdout);
    for (enum option_id id = 0; id < OPTION_GENERAL_COUNT; id++) {
        write_option(id);
    }
}

static void write_program(void)
{
    size_t count = 0;
    const struct command *commands = commands_all(&count);
    fputs("usage: emcache [OPTION...] COMMAND [ARGUMENT...]\n\n"
          "Talks to a cluster of memcached servers.\n\nCommands:\n",
          stdout);
    for (size_t i = 0; i < count; i++) {
        char name[48];
        snprintf(name, sizeof(name), "%s %s", commands[i].name, commands[i].words);
        printf("  %-26s %s\n", name, commands[i].summary);
    }
    write_general_options();
    fputs("\nExit codes: 0 done; 1 not there or not stored; 2 wrong usage; 3 error.\n"
          "emcache COMMAND --help tells more about a command, as does the manual page emcache(1).\n",
          stdout);
}

static void write_command(const struct command *command)
{
    printf("usage: emcache [OPTION...] %s%s%s\n\n%s: %s.\n\n%s", command->name, command->words[0] == '\0' ? "" : " ",
           command->words, command->name, command->summary, command->details);
    if (command->options != 0) {
        fputs("\nOptions of this command:\n", stdout);
    }
    for (enum option_id id = OPTION_GENERAL_COUNT; id < OPTION_ID_COUNT; id++) {
        if ((command->options & OPTION_BIT(id)) != 0) {
            write_option(id);
        }
    }
    fputs("\nemcache --help lists the options that every command knows.\n", stdout);
}

void help_write(const struct command *command)
{
    if (command == NULL) {
        write_program();
    } else {
        write_command(command);
    }
}
