// SPDX-License-Identifier: MIT
/*
 * figures - what measurements found: one row of figures for each run of each measurement, the
 * medians over the runs, and three ways to write them down: a table, JSON, and the curve (curve.h).
 * Main thread.
 */
#ifndef TOOLS_BENCH_FIGURES_H
#define TOOLS_BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/buf.h"

enum figure {
    FIG_JOBS,
    FIG_SECONDS,
    FIG_RATE,   /* jobs a second */
    FIG_P50_MS, /* of what the measurement says */
    FIG_P99_MS,
    FIG_P999_MS,
    FIG_MAX_MS,
    FIG_CPU_US,      /* a job: of the worker or the API */
    FIG_SERVER_US,   /* a job: of Faktory and its Redis */
    FIG_API_US,      /* a job: of the API alone, where FIG_CPU_US is of API and worker */
    FIG_LINK_US,     /* a job: of the delay link */
    FIG_PEAK_MIB,    /* of the worker or the API */
    FIG_CONNECTIONS, /* to Faktory, that the worker or the API kept */
    FIG_COMMANDS,    /* a job, as Faktory counts */
    FIG_BYTES,       /* a job, on the wire, with all headers */
    FIG_PLAIN_BYTES, /* a packed job, before compressing */
    FIG_PACK_BYTES,  /* a packed job, as it is stored */
    FIG_FLATNESS,    /* rate of the last tenth by that of the second */
    FIG_CPU_PERCENT, /* of a core, while idle */
    FIG_FETCHES,     /* held by each fetching connection, while idle */
    FIG_LOAD_SHARE,  /* of a core, that the bench itself took */
    FIGURES
};

enum { FIGURES_NAME_MAX = 32, FIGURES_WHY_MAX = 256 };

/* One run of one measurement. A figure that was not taken is NAN. */
struct row {
    char what[FIGURES_NAME_MAX]; /* "drain" */
    char who[FIGURES_NAME_MAX];  /* "ours", "go", "rust", "pushb" */
    char link[FIGURES_NAME_MAX]; /* "loopback", "50ms" */
    double rtt_ms;
    unsigned size; /* slots, connections or workers, as the measurement says */
    double figure[FIGURES];
    char why[FIGURES_WHY_MAX]; /* why it failed; "" otherwise */
};

void row_init(struct row *r);

/* All rows of a run of the bench, in the order in which they were taken. */
struct figures {
    struct row *rows;
    size_t n;
};

void figures_add(struct figures *f, const struct row *r); /* copies; aborts without memory */
void figures_free(struct figures *f);

/* The rows with the same what, who, link and size, put together: the median of each figure. False
 * when there is none, or when one of them failed. `link` and `who` may be NULL: any. */
bool figures_median(const struct figures *f, const char *what, const char *who, const char *link,
                    unsigned size, struct row *median, unsigned *runs);

/* A line for people about one row. */
void figures_print_row(FILE *to, const struct row *r);

/* The medians, one line for each measurement. */
void figures_print(FILE *to, const struct figures *f);

/* Everything, runs and medians, as one JSON object; `about` is the inside of its first members. */
void figures_json(struct buf *out, const struct figures *f, const char *about);

#endif
