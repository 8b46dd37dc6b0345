/* Completion of the command line for three shells, written from the tables that the help is written from. */
#include "completion.h"

#include <stdio.h>
#include <string.h>

#include "options.h"
#include "report.h"
#include "routing_names.h"

/* What stands behind an option. */
enum value_kind {
    VALUE_NONE,
    VALUE_FILE,
    VALUE_ROUTING,
    VALUE_DISCOVERY,
    VALUE_OTHER /* nothing that a shell could know */
};

static enum value_kind value_kind(enum option_id id)
{
    const char *value = option_words(id)->value;
    if (value == NULL) {
        return VALUE_NONE;
    }
    if (id == OPTION_ROUTING) {
        return VALUE_ROUTING;
    }
    if (id == OPTION_DISCOVER) {
        return VALUE_DISCOVERY;
    }
    return strcmp(value, "FILE") == 0 ? VALUE_FILE : VALUE_OTHER;
}

static void put_words(enum value_kind kind)
{
    if (kind == VALUE_DISCOVERY) {
        fputs("cluster dns srv", stdout);
        return;
    }
    struct routing_name_list list;
    routing_names_all(&list);
    for (size_t i = 0; i < list.count; i++) {
        printf("%s%s", i == 0 ? "" : " ", list.names[i]);
    }
}

static void put_commands(const char *between)
{
    size_t count = 0;
    const struct command *commands = commands_all(&count);
    for (size_t i = 0; i < count; i++) {
        printf("%s%s", i == 0 ? "" : between, commands[i].name);
    }
}

/* Within single quotes; `special` gets a backslash. Fish knows \' there, the others do not. */
static void put_quoted(const char *text, const char *special, const char *quote)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs(quote, stdout);
        } else {
            printf("%s%c", strchr(special, *text) != NULL ? "\\" : "", *text);
        }
    }
}

static bool is_option_of(const struct command *command, enum option_id id)
{
    return command == NULL ? id < OPTION_GENERAL_COUNT : (command->options & OPTION_BIT(id)) != 0;
}

/* ------------------------------------------------------------------ bash */

static void put_bash_names(const struct command *command)
{
    for (enum option_id id = 0; id < OPTION_ID_COUNT; id++) {
        const struct option_words *words = option_words(id);
        if (is_option_of(command, id)) {
            printf(" --%s", words->name);
        }
    }
}

/* The options with a value of that kind, as a pattern of `case`. */
static void put_bash_pattern(enum value_kind kind)
{
    const char *between = "";
    for (enum option_id id = 0; id < OPTION_ID_COUNT; id++) {
        const struct option_words *words = option_words(id);
        if (value_kind(id) != kind) {
            continue;
        }
        printf("%s--%s", between, words->name);
        between = " | ";
        if (words->letter != 0) {
            printf(" | -%c", words->letter);
        }
    }
}

static void put_bash_value(enum value_kind kind)
{
    fputs("    ", stdout);
    put_bash_pattern(kind);
    if (kind == VALUE_FILE) {
        fputs(") compopt -o default; return ;;\n", stdout);
    } else if (kind == VALUE_OTHER) {
        fputs(") return ;;\n", stdout);
    } else {
        fputs(") words='", stdout);
        put_words(kind);
        fputs("' ;;\n", stdout);
    }
}

static void write_bash(void)
{
    size_t count = 0;
    const struct command *commands = commands_all(&count);
    fputs(
        "# bash completion for emcache, written by `emcache completion bash`\n"
        "_emcache()\n{\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= words= i\n"
        "    COMPREPLY=()\n"
        "    if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in ",
        stdout);
    put_commands(" | ");
    fputs(") command=${COMP_WORDS[i]}; break ;; esac\n    done\n    case $before in\n", stdout);
    put_bash_value(VALUE_FILE);
    put_bash_value(VALUE_ROUTING);
    put_bash_value(VALUE_DISCOVERY);
    put_bash_value(VALUE_OTHER);
    fputs("    *)\n        case $word,$command in\n", stdout);
    for (size_t i = 0; i < count; i++) {
        if (commands[i].options != 0) {
            printf("        -*,%s) words='", commands[i].name);
            put_bash_names(&commands[i]);
            fputs("' ;;\n", stdout);
        }
    }
    fputs("        *, | *,help) words='", stdout);
    put_commands(" ");
    fputs("' ;;\n        *,completion) words='bash zsh fish' ;;\n        esac\n"
          "        if [[ $word == -* ]]; then words+='",
          stdout);
    put_bash_names(NULL);
    fputs(
        "'; fi ;;\n    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -F _emcache emcache\n",
        stdout);
}

/* ------------------------------------------------------------------ zsh */

static void put_zsh_option(enum option_id id)
{
    const struct option_words *words = option_words(id);
    enum value_kind kind = value_kind(id);
    const char *joined = kind == VALUE_NONE ? "" : "=";
    if (words->letter != 0) {
        printf("  '(-%c --%s)'{-%c%s,--%s%s}'[", words->letter, words->name, words->letter,
               kind == VALUE_NONE ? "" : "+", words->name, joined);
    } else {
        printf("  '--%s%s[", words->name, joined);
    }
    put_quoted(words->help, "[]:\\", "'\\''");
    fputc(']', stdout);
    if (kind != VALUE_NONE) {
        printf(":%s:", words->value);
    }
    if (kind == VALUE_FILE) {
        fputs("_files", stdout);
    } else if (kind == VALUE_ROUTING || kind == VALUE_DISCOVERY) {
        fputc('(', stdout);
        put_words(kind);
        fputc(')', stdout);
    }
    fputs("'\n", stdout);
}

static void put_zsh_options(const struct command *command)
{
    for (enum option_id id = 0; id < OPTION_ID_COUNT; id++) {
        if (is_option_of(command, id)) {
            put_zsh_option(id);
        }
    }
}

static void write_zsh(void)
{
    size_t count = 0;
    const struct command *commands = commands_all(&count);
    fputs("#compdef emcache\n# zsh completion for emcache, written by `emcache completion zsh`\n"
          "local -a general own commands\nlocal curcontext=$curcontext state line\ngeneral=(\n",
          stdout);
    put_zsh_options(NULL);
    fputs(")\ncommands=(\n", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("  '%s:", commands[i].name);
        put_quoted(commands[i].summary, "\\", "'\\''");
        fputs("'\n", stdout);
    }
    fputs(")\n_arguments -C -s $general '1: :->command' '*:: :->arguments'\n"
          "case $state in\ncommand) _describe command commands ;;\narguments)\n  case $words[1] in\n",
          stdout);
    for (size_t i = 0; i < count; i++) {
        if (commands[i].options != 0) {
            printf("  %s) own=(\n", commands[i].name);
            put_zsh_options(&commands[i]);
            fputs("  ) ;;\n", stdout);
        }
    }
    fputs("  help) _describe command commands; return ;;\n"
          "  completion) _values shell bash zsh fish; return ;;\n"
          "  esac\n  _arguments -s $general $own '*: :' ;;\nesac\n",
          stdout);
}

/* ------------------------------------------------------------------ fish */

static void put_fish_option(const struct command *command, enum option_id id)
{
    const struct option_words *words = option_words(id);
    enum value_kind kind = value_kind(id);
    fputs("complete -c emcache", stdout);
    if (command != NULL) {
        printf(" -n '__fish_seen_subcommand_from %s'", command->name);
    }
    if (words->letter != 0) {
        printf(" -s %c", words->letter);
    }
    printf(" -l %s%s -d '", words->name, kind == VALUE_NONE ? "" : kind == VALUE_FILE ? " -r -F" : " -x");
    put_quoted(words->help, "\\", "\\'");
    fputc('\'', stdout);
    if (kind == VALUE_ROUTING || kind == VALUE_DISCOVERY) {
        fputs(" -a '", stdout);
        put_words(kind);
        fputc('\'', stdout);
    }
    fputc('\n', stdout);
}

static void put_fish_options(const struct command *command)
{
    for (enum option_id id = 0; id < OPTION_ID_COUNT; id++) {
        if (is_option_of(command, id)) {
            put_fish_option(command, id);
        }
    }
}

static void write_fish(void)
{
    size_t count = 0;
    const struct command *commands = commands_all(&count);
    fputs("# fish completion for emcache, written by `emcache completion fish`\ncomplete -c emcache -f\n", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("complete -c emcache -n 'not __fish_seen_subcommand_from ");
        put_commands(" ");
        printf("' -a %s -d '", commands[i].name);
        put_quoted(commands[i].summary, "\\", "\\'");
        fputs("'\n", stdout);
    }
    fputs("complete -c emcache -n '__fish_seen_subcommand_from help' -a '", stdout);
    put_commands(" ");
    fputs("'\ncomplete -c emcache -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n", stdout);
    put_fish_options(NULL);
    for (size_t i = 0; i < count; i++) {
        put_fish_options(&commands[i]);
    }
}

bool completion_write(const char *shell)
{
    static const struct {
        const char *name;
        void (*write)(void);
    } shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].write();
            return true;
        }
    }
    complain("completion: there is none for '%s': bash, zsh or fish", shell);
    return false;
}
