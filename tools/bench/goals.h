// SPDX-License-Identifier: MIT
/* goals - what the project wants to reach, held against the medians of a run. */
#ifndef TOOLS_BENCH_GOALS_H
#define TOOLS_BENCH_GOALS_H

#include "tools/bench/figures.h"

/* One line for each goal that this run has the figures for. Returns how many are not met. */
unsigned goals_print(FILE *to, const struct figures *f);

#endif
