// SPDX-License-Identifier: MIT
/*
 * measure - the measurements. Each starts a fresh Faktory and those it measures, checks that every
 * job is where it must be afterwards, and ends what it started. Main thread; each blocks for
 * seconds.
 */
#ifndef TOOLS_BENCH_MEASURE_H
#define TOOLS_BENCH_MEASURE_H

#include "tools/bench/bench.h"
#include "tools/bench/figures.h"

/* What a measurement is asked to do; not every field means something to each. */
struct task {
    unsigned size; /* slots of a worker, connections to the API, ... */
    unsigned jobs;
    unsigned workers;    /* processes; 0: one */
    const char *setting; /* one more for each, NAME=VALUE */
    unsigned seconds;    /* of measuring, after warm_s; 0: to the last job */
    unsigned warm_s;     /* before that, and so many round trips more: to connect */
    unsigned warm_trips;
    unsigned batch; /* jobs in a request or a PUSHB; 0: single */
    unsigned pack;  /* jobs in a pack */
    double rate;    /* jobs a second; 0: flat out. Negative: minus this share of the row before,
                       at the same size (-0.5: half of what `api` just reached) */
};

/* Fills `row`, whose what, who and size are set. 0, or why the run does not count. */
typedef int measure_fn(struct bench *b, const struct task *t, struct row *row,
                       struct err_text *why);

/* Fills a queue, starts a worker, and watches Faktory's own count of processed jobs. */
measure_fn measure_drain;

/* From pushing a job, while the worker is idle, to the ACK that leaves the worker. */
measure_fn measure_first_job;

/* What a worker costs that has nothing to do, for t->seconds. */
measure_fn measure_idle;

/* POST /jobs/add or /jobs/batch from many connections. */
measure_fn measure_api;

/* One client of the API; and, who = "pushb", bare PUSHBs of one job. */
measure_fn measure_one_client;

/* Plain PUSHB from t->size connections, t->batch jobs a command, while another thread keeps the
 * machine as busy as the HTTP load of the last measure_api() did. */
measure_fn measure_ceiling;

/* API and worker together at a fixed rate for t->seconds; every job must be processed. */
measure_fn measure_sustained;

/*
 * API and worker together, flat out: POST /jobs/batch?pack=N while the worker runs what is there.
 * Counts from the first request to the last job that is done, as the worker counts them; Faktory's
 * count must be that of the packs.
 */
measure_fn measure_pack;

#endif
