// SPDX-License-Identifier: MIT
/*
 * hist - a log-linear histogram (as HdrHistogram's): every value is kept to within 2 %, in 18 KiB,
 * whatever the number of values. Not locked: each thread has its own, hist_add() puts them
 * together.
 */
#ifndef TOOLS_BENCH_HIST_H
#define TOOLS_BENCH_HIST_H

#include <stdint.h>

enum {
    HIST_EXACT = 128, /* values below are kept as they are */
    HIST_HALF = HIST_EXACT / 2,
    HIST_DOUBLINGS = 34, /* of HIST_EXACT: values from 2^41 on count as the highest */
    HIST_CELLS = HIST_EXACT + HIST_DOUBLINGS * HIST_HALF,
};

/* A value; zeroed means empty. All fields may be read; only hist.c writes them. */
struct hist {
    uint64_t count;
    int64_t max;
    uint64_t cells[HIST_CELLS];
};

/* Negative values count as 0. */
void hist_record(struct hist *h, int64_t value);

void hist_add(struct hist *to, const struct hist *from);

/* The least recorded value (to within 2 %, never too low) that `share` (0..1) of the values do not
 * exceed; 0 while there are none. */
int64_t hist_quantile(const struct hist *h, double share);

#endif
