// SPDX-License-Identifier: MIT
/*
 * bench - what every measurement gets: where the programs are, on which network, and whether the
 * person at the keyboard still wants it. A plain value; main thread.
 */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/bench/wire.h"

enum { BENCH_PATH_MAX = 400 };

struct bench {
    char bin[BENCH_PATH_MAX];      /* folder of this program, and of delaylink */
    char services[BENCH_PATH_MAX]; /* of api-service and worker-service */
    char peers[BENCH_PATH_MAX];    /* folder of go-worker and so on */
    const char *faktory_bin;
    char dir[BENCH_PATH_MAX]; /* for logs and Faktory's data */
    struct wire *wire;        /* NULL: loopback */
    double rtt_ms;            /* of that network, 0 on loopback */
    double load_share;        /* of a core: what the last HTTP load took; see measure_api.c */
};

/* From then on they only set what bench_stopped() says. */
void bench_catch_signals(void);

/* Set by SIGINT and SIGTERM. Whatever waits looks at it, ends, and leaves nothing running. */
bool bench_stopped(void);

/* Sleeps until clock_us() reaches the time; false when stopped meanwhile. */
bool bench_sleep_until(int64_t at_us);

/* What the progress is about; and the end of it, before other lines. */
void bench_now(const char *what);
void bench_line_end(void);

/* One line that overwrites itself on a terminal; elsewhere nothing. */
__attribute__((format(printf, 1, 2))) void bench_progress(const char *fmt, ...);

#endif
