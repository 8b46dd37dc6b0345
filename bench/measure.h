/* What every benchmark program shares: its arguments, the keys and values, the clocks, the one line of figures it prints.
 *
 *   program --ports 11211,11212 [--mode NAME] [--in-flight N] [--keys N] [--value N] [--seconds S | --operations N]
 *
 * Each run is one short measurement; bench/run.py interleaves many of them and takes medians. */
#ifndef EMC_BENCH_MEASURE_H
#define EMC_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_NODES_MAX  256
#define BENCH_KEY_LENGTH 12 /* "key:00000042" */

struct bench_arguments {
    uint16_t ports[BENCH_NODES_MAX];
    char hosts[BENCH_NODES_MAX][16];
    size_t nodes;
    const char *mode;
    const char *routing;
    unsigned in_flight;
    unsigned keys;
    size_t value_length;
    double seconds;
    uint64_t operations; /* 0: as many as fit into `seconds` */
};

struct bench_run {
    const struct bench_arguments *arguments;
    double begin, user_begin, system_begin;
    uint64_t operations;
    double end; /* when to stop */
};

/* Fills in the defaults and what the command line says; ends the program on nonsense. */
void bench_parse(struct bench_arguments *arguments, int argc, char **argv);
/* Writes the key of this number; BENCH_KEY_LENGTH bytes and a zero. */
void bench_key(char key[BENCH_KEY_LENGTH + 1], unsigned number);
/* The value under every key: value_length printable bytes. Never released. */
const char *bench_value(const struct bench_arguments *arguments);

/* The clock begins, and the figures with it. */
void bench_begin(struct bench_run *run, const struct bench_arguments *arguments);
/* Adds operations that are done; false when it is time to stop. */
bool bench_more(struct bench_run *run, uint64_t operations);
/* Prints {"operations": …, "seconds": …, "user_ns": …, "system_ns": …}, times in all, CPU per operation. */
void bench_report(const struct bench_run *run);
/* Seconds on the monotonic clock. */
double bench_clock(void);
/* Ends the program with words. */
_Noreturn void bench_fail(const char *format, ...);

#endif
