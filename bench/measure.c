/* Arguments, clocks and the line of figures of the benchmark programs. */
#include "measure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

_Noreturn void bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

double bench_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

/* "11211,11212" or "127.0.0.2:11211,…" */
static void parse_ports(struct bench_arguments *arguments, char *list)
{
    char *rest = NULL;
    for (char *word = strtok_r(list, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (arguments->nodes == BENCH_NODES_MAX) {
            bench_fail("more than %d nodes", BENCH_NODES_MAX);
        }
        char *colon = strchr(word, ':');
        size_t length = colon == NULL ? 0 : (size_t)(colon - word);
        char *host = arguments->hosts[arguments->nodes];
        if (length >= 16) {
            bench_fail("'%s' is no IPv4 address", word);
        }
        memcpy(host, colon == NULL ? "127.0.0.1" : word, colon == NULL ? 10 : length);
        arguments->ports[arguments->nodes++] = (uint16_t)strtoul(colon == NULL ? word : colon + 1, NULL, 10);
    }
}

static void parse_pair(struct bench_arguments *arguments, const char *name, char *value)
{
    if (strcmp(name, "--ports") == 0) {
        parse_ports(arguments, value);
    } else if (strcmp(name, "--mode") == 0) {
        arguments->mode = value;
    } else if (strcmp(name, "--routing") == 0) {
        arguments->routing = value;
    } else if (strcmp(name, "--in-flight") == 0) {
        arguments->in_flight = (unsigned)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--keys") == 0) {
        arguments->keys = (unsigned)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--value") == 0) {
        arguments->value_length = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--seconds") == 0) {
        arguments->seconds = strtod(value, NULL);
    } else if (strcmp(name, "--operations") == 0) {
        arguments->operations = strtoull(value, NULL, 10);
    } else {
        bench_fail("unknown argument %s", name);
    }
}

void bench_parse(struct bench_arguments *arguments, int argc, char **argv)
{
    memset(arguments, 0, sizeof *arguments);
    arguments->mode = "";
    arguments->routing = "";
    arguments->in_flight = 1;
    arguments->keys = 1000;
    arguments->value_length = 100;
    arguments->seconds = 0.5;
    for (int i = 1; i + 1 < argc; i += 2) {
        parse_pair(arguments, argv[i], argv[i + 1]);
    }
    if (argc % 2 == 0 || arguments->nodes == 0 || arguments->in_flight == 0 || arguments->keys == 0) {
        bench_fail(
            "usage: %s --ports P,P… [--mode M] [--in-flight N] [--keys N] [--value N] [--seconds S | --operations N]",
            argv[0]);
    }
    if (arguments->keys < arguments->in_flight) {
        arguments->keys = arguments->in_flight;
    }
}

void bench_key(char key[BENCH_KEY_LENGTH + 1], unsigned number)
{
    snprintf(key, BENCH_KEY_LENGTH + 1, "key:%08u", number % 100000000);
}

const char *bench_value(const struct bench_arguments *arguments)
{
    char *value = malloc(arguments->value_length + 1);
    if (value == NULL) {
        bench_fail("out of memory");
    }
    for (size_t i = 0; i < arguments->value_length; i++) {
        value[i] = (char)('a' + i % 26);
    }
    value[arguments->value_length] = 0;
    return value;
}

void bench_begin(struct bench_run *run, const struct bench_arguments *arguments)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    run->arguments = arguments;
    run->operations = 0;
    run->user_begin = seconds_of(usage.ru_utime);
    run->system_begin = seconds_of(usage.ru_stime);
    run->begin = bench_clock();
    run->end = run->begin + arguments->seconds;
}

bool bench_more(struct bench_run *run, uint64_t operations)
{
    run->operations += operations;
    if (run->arguments->operations != 0) {
        return run->operations < run->arguments->operations;
    }
    return bench_clock() < run->end;
}

void bench_report(const struct bench_run *run)
{
    struct rusage usage;
    double seconds = bench_clock() - run->begin;
    double operations = run->operations == 0 ? 1 : (double)run->operations;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"operations\": %llu, \"seconds\": %.6f, \"per_second\": %.1f, \"user_ns\": %.1f, \"system_ns\": %.1f}\n",
           (unsigned long long)run->operations, seconds, operations / seconds,
           (seconds_of(usage.ru_utime) - run->user_begin) * 1e9 / operations,
           (seconds_of(usage.ru_stime) - run->system_begin) * 1e9 / operations);
}
