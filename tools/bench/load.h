// SPDX-License-Identifier: MIT
/*
 * load - drives the API: N keep-alive connections from one thread, either each sending its next
 * request when the last was answered (closed loop), or all together at a fixed rate. At a fixed
 * rate the latency of a request counts from when it should have been sent, so a stall of the API is
 * counted for every request that it held up (no coordinated omission).
 *
 * Every answer is checked: status 202, one id for each job, no id twice in the whole run.
 */
#ifndef TOOLS_BENCH_LOAD_H
#define TOOLS_BENCH_LOAD_H

#include <stdint.h>

#include "common/base/err.h"
#include "tools/bench/hist.h"

struct load_result {
    struct hist latency_us;
    unsigned jobs;    /* stored, as the answers say */
    int64_t began_us; /* clock_us() at the first request */
    double seconds;
    double cpu_share; /* of a core, that this thread used */
};

struct load {
    const char *port; /* on 127.0.0.1 */
    unsigned connections;
    unsigned requests;
    unsigned batch; /* 0: POST /jobs/add; else POST /jobs/batch with this many jobs */
    unsigned pack;  /* of a batch: jobs in a pack; 0: as the API is set */
    double rate;    /* requests a second; 0: closed loop */

    /* Called with the last answer, before the ids are compared, which takes its time; NULL: no. */
    int (*then)(void *ctx, const struct load_result *so_far, struct err_text *why);
    void *ctx;
};

/* Blocks. 0, or why an answer was not as it must be, or ERR_STOPPED. */
int load_run(const struct load *l, struct load_result *out, struct err_text *why);

#endif
