// SPDX-License-Identifier: MIT
/*
 * drain - watching a queue run empty: samples of Faktory's total_processed over time, and the rates
 * in them. Shared by the measurements in which workers run jobs. Main thread.
 */
#ifndef TOOLS_BENCH_DRAIN_H
#define TOOLS_BENCH_DRAIN_H

#include "tools/bench/server.h"

enum { DRAIN_SAMPLES_MAX = 4096, DRAIN_POLL_US = 250000 };

struct drain {
    struct {
        int64_t at_us;
        long long done;
    } sample[DRAIN_SAMPLES_MAX];
    unsigned n;
    struct server_info last;
};

/* Asks for one sample. */
int drain_sample(struct drain *d, struct server *s, struct err_text *why);

/* Samples four times a second until `jobs` are processed or `until_us` passes. An error when
 * nothing moves for half a minute, or a job fails. */
int drain_watch(struct drain *d, struct server *s, long long jobs, int64_t until_us,
                struct err_text *why);

/*
 * Jobs a second between two samples: the first that has seen a job done and the last before the
 * end. So neither the start of the worker is in it, nor up to a quarter second that passed between
 * the last job and the sample that saw it. When there are too few samples: from start to end.
 */
double drain_rate(const struct drain *d);

/* The same for the samples from index `from` on. */
double drain_rate_from(const struct drain *d, unsigned from);

/* Rate of the tenth `tenth` (1 to 10) of the jobs. */
double drain_tenth_rate(const struct drain *d, unsigned tenth);

/* 0 when exactly `jobs` were processed, none failed, and nothing is left anywhere; else it says
 * what is lost, doubled or failed. */
int drain_check_all_done(const struct server_info *info, long long jobs, struct err_text *why);

/*
 * The same after stopping halfway: what was not processed is still there. `strays`: how many may be
 * missing, because the worker was ended with that many FETCHes unanswered. Faktory then takes a job
 * for a client that is gone; ours never leaves one, the peers do.
 */
int drain_check_none_lost(const struct server_info *info, long long jobs, long long strays,
                          struct err_text *why);

#endif
