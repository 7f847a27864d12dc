// SPDX-License-Identifier: MIT
/* curve - an SVG of jobs a second against the round trip, for each contestant of the drain. */
#ifndef TOOLS_BENCH_CURVE_H
#define TOOLS_BENCH_CURVE_H

#include "tools/bench/figures.h"

/* Appends the picture; networks stand in the order in which they were measured. */
void curve_draw(struct buf *out, const struct figures *f);

#endif
