// SPDX-License-Identifier: MIT
/* run - works off the rows of the plan that are wanted, on one network. Main thread. */
#ifndef TOOLS_BENCH_RUN_H
#define TOOLS_BENCH_RUN_H

#include "tools/bench/figures.h"
#include "tools/bench/plan.h"

struct run_options {
    unsigned repeat;  /* runs of each measurement */
    const char *only; /* groups, separated by commas; NULL: all */
};

/* Adds a row for each measurement that belongs to one of `plans` (PLAN_...) and whose contestant is
 * there; every other round the contestants change places. False when one of them failed; stops
 * early when bench_stopped(). */
bool run_plan(struct bench *b, const struct run_options *o, unsigned plans, unsigned round,
              const struct plan_link *link, struct figures *f);

#endif
