// SPDX-License-Identifier: MIT
/*
 * attempt - one execution of one job, wherever it came from: find the function of its type, run it,
 * count and log how it went. Whom to tell is the caller's matter. Any thread, several at once.
 */
#ifndef WORKER_ATTEMPT_H
#define WORKER_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/handler_job.h"
#include "worker/registry.h"

struct attempts;

/* The registry is borrowed. NULL: no memory. */
struct attempts *attempts_new(const struct registry *registry);
void attempts_free(struct attempts *a); /* NULL is fine */

/* The worker stops: handlers are asked to give up at `ask_ms`; what did not end at `cut_ms` will be
 * failed. */
void attempts_stop_at(struct attempts *a, int64_t ask_ms, int64_t cut_ms);

struct attempt {
    struct wf_job call; /* what the handler said */
    const struct registry_entry *entry;
};

/* Runs the handler of the job, which is borrowed until attempt_end(). */
void attempt_run(struct attempts *a, const struct job *job, struct attempt *it);

/* Counts and logs how it went, from `started_us` to `ended_us` (clock_us). True: it failed; the
 * words are in it->call. Once for each attempt, and not for one that was given up. */
bool attempt_note(struct attempts *a, struct attempt *it, int64_t started_us, int64_t ended_us);
bool attempt_is_permanent(const struct attempt *it);
void attempt_end(struct attempt *it);

/* Counts and logs that the worker's stop did not wait for the job any longer; appends a message. */
extern const char attempt_stopped[]; /* the errtype that goes with it */
void attempt_give_up(struct attempts *a, const struct job *job, int64_t started_us,
                     struct buf *message);

/* Counts a job that fails for good before it could be tried. */
void attempts_note_refused(struct attempts *a, const struct job *job);

struct attempts_totals {
    unsigned long done, failed, given_up;
};
void attempts_look(const struct attempts *a, struct attempts_totals *totals);

#endif
