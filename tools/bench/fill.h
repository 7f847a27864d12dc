// SPDX-License-Identifier: MIT
/*
 * fill - stores jobs in Faktory with plain PUSHB, a few connections side by side, each waiting for
 * its answer: fills the queue of a drain, and is the ceiling that the API is compared with.
 */
#ifndef TOOLS_BENCH_FILL_H
#define TOOLS_BENCH_FILL_H

#include "tools/bench/server.h"

struct fill {
    unsigned jobs;
    unsigned batch;       /* jobs in one PUSHB */
    unsigned connections; /* each has a thread */
    double seconds;       /* out: first command to last answer */
};

/* Blocks until all are stored, from the side that the calling thread is on. A job that is refused
 * is an error. */
int fill_run(const struct server *s, struct fill *f, struct err_text *why);

/* Appends the job that everybody in the bench stores: math_add of n and 2, in "default". */
void fill_write_job(struct buf *out, const char *jid, unsigned n);

#endif
