// SPDX-License-Identifier: MIT
/*
 * runner - what is done with one job: run it (attempt.h), or what it carries (packs.h), and tell
 * the consumer how it went. It is the crew's function: several threads at once.
 */
#ifndef WORKER_RUNNER_H
#define WORKER_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/fetch/consumer.h"
#include "worker/attempt.h"
#include "worker/crew.h"
#include "worker/packs.h"
#include "worker/registry.h"

struct runner;

/* The registry is borrowed. NULL: no memory. */
struct runner *runner_new(const struct registry *registry, const struct packs_metrics *metrics);
void runner_free(struct runner *r); /* NULL is fine */

/* Where outcomes go, and the crew that runner_run() belongs to (NULL: packs stay on one thread);
 * borrowed. Before the crew is opened. */
void runner_connect(struct runner *r, struct consumer *consumer, struct crew *crew);

/* Runs one item of the crew to its end; `runner` is the ctx. For crew_options.run. An item is a
 * struct job, or what packs put into the crew. */
void runner_run(void *runner, struct crew_seat *seat, void *item);

/* ---- stopping, in this order ---- */

/* The worker stops: handlers are asked to give up at `ask_ms`; what did not end at `cut_ms` will be
 * failed. */
void runner_stop_at(struct runner *r, int64_t ask_ms, int64_t cut_ms);

/* Hands back an item that waited in the crew; true when it was a job of Faktory's. Then the jobs
 * inside packs that have begun. */
bool runner_hand_back(struct runner *r, void *item);
void runner_hand_back_packed(struct runner *r);

/* Fails a job that did not end (retryable, attempt_stopped), for crew_take_running(): it passes on
 * a copy, because the handler still reads the job. Then those inside packs. */
void runner_give_up(void *runner, void *item, int64_t started_us);
void runner_give_up_packed(struct runner *r);

void runner_look(const struct runner *r, struct attempts_totals *totals);

#endif
