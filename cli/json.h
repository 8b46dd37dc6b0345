/* Writes JSON to a stream, just what the command needs. */
#ifndef EMCACHE_CLI_JSON_H
#define EMCACHE_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Begin with {.file = …}. */
struct json {
    FILE *file;
    unsigned depth;
    bool comma; /* something stands before at this level */
};

/* name NULL: in an array, or at the top. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *name, const char *text);
void json_unsigned(struct json *json, const char *name, uint64_t number);
/* null for what is not finite or below 0 (not measured). */
void json_measure(struct json *json, const char *name, double number);
void json_bool(struct json *json, const char *name, bool value);
/* A number where the text is one as JSON writes them, else a string. */
void json_guess(struct json *json, const char *name, const char *text);

#endif
