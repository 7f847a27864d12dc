// SPDX-License-Identifier: MIT
/*
 * runner - what is done with one job: find the function of its type, run it, tell the consumer how
 * it went, count and log. It is the crew's function: several threads at once.
 */
#ifndef WORKER_RUNNER_H
#define WORKER_RUNNER_H

#include <stdint.h>

#include "common/fetch/consumer.h"
#include "worker/crew.h"
#include "worker/registry.h"

struct runner;

/* The registry is borrowed. NULL: no memory. */
struct runner *runner_new(const struct registry *registry);
void runner_free(struct runner *r); /* NULL is fine */

/* Where outcomes go (borrowed); before the crew is opened. */
void runner_connect(struct runner *r, struct consumer *consumer);

/* Runs one job (struct job) to its end; `runner` is the ctx. For crew_options.run. */
void runner_run(void *runner, struct crew_seat *seat, void *job);

/* The worker stops: handlers are asked to give up at `ask_ms`; what did not end at `cut_ms` will be
 * failed. */
void runner_stop_at(struct runner *r, int64_t ask_ms, int64_t cut_ms);

/* Fails a job that did not end (retryable, "WorkerStopped"), for crew_take_running(): it passes on
 * a copy, because the handler still reads the job. */
void runner_give_up(void *runner, void *job, int64_t started_us);

struct runner_totals {
    unsigned long done, failed, given_up;
};
void runner_look(const struct runner *r, struct runner_totals *totals);

#endif
