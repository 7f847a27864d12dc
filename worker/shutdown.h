// SPDX-License-Identifier: MIT
/*
 * shutdown - leaving without leaving anything behind: nothing reserved in Faktory, no FETCH
 * unanswered, every job done, handed back or failed. Main only.
 */
#ifndef WORKER_SHUTDOWN_H
#define WORKER_SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/fetch/consumer.h"
#include "worker/crew.h"
#include "worker/runner.h"

/* When what happens, counted from `begin_ms`; a plain value. */
struct shutdown_plan {
    int64_t ask_ms; /* handlers that ask are told to give up */
    int64_t cut_ms; /* jobs that still run are failed */
    int64_t end_ms; /* Faktory must know everything */
};
struct shutdown_plan shutdown_plan(int64_t begin_ms, int64_t timeout_ms);

struct shutdown {
    struct consumer *consumer;
    struct crew *crew;
    struct runner *runner;
    struct counter *handed_back; /* counts jobs that are */
};

/*
 * Hands back what waits, waits for what runs, fails what does not end, waits until Faktory knows.
 * Jobs that arrive meanwhile must be handed back by the receiver (crew_add() refuses them). Logs a
 * summary. False when something was left behind at the end of the plan; what, is logged.
 */
bool shutdown_run(const struct shutdown *s, const struct shutdown_plan *plan);

#endif
