// SPDX-License-Identifier: MIT
/*
 * plan - which measurements there are, as a table: who is measured, with what, on which networks.
 */
#ifndef TOOLS_BENCH_PLAN_H
#define TOOLS_BENCH_PLAN_H

#include <stddef.h>

#include "tools/bench/measure.h"

enum plan {
    PLAN_SMOKE = 1,    /* does the bench itself work? */
    PLAN_LOOPBACK = 2, /* make bench */
    PLAN_LINK = 4,     /* make bench-wan: on every link */
    PLAN_50MS = 8,     /* make bench-wan: only on the plain link of 50 ms */
    PLAN_ONCE = 16, /* and it is not repeated: it takes long, and others of its kind are better */
};

/* Measurements of one group follow each other, and every other run of a group goes backwards. */
struct scenario {
    const char *group; /* for --only and --list */
    const char *what, *who;
    unsigned plans;
    measure_fn *run;
    struct task task;
};

extern const struct scenario plan_scenarios[];
extern const size_t plan_scenarios_n;

struct plan_link {
    const char *name;
    double rtt_ms, jitter_ms, loss_percent;
};

/* The networks of make bench-wan; the first is loopback. */
extern const struct plan_link plan_links[];
extern const size_t plan_links_n;

#endif
