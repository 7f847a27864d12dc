// SPDX-License-Identifier: MIT
/*
 * pace - when a batch is to be cut. Arithmetic only: the caller has the queue, the lock, the clock.
 *
 * A lone client never waits. Where many requests are under way at once, the answers to one push
 * bring the next requests within moments: then a push waits for part of that company, but for
 * milliseconds at most, so that a few well-filled pushes go out instead of many small ones.
 */
#ifndef COMMON_PUSH_PACE_H
#define COMMON_PUSH_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in the pusher; guarded by its lock. Set the first three, zero the others. */
struct pace {
    unsigned max_size;
    int64_t max_delay_us;
    bool auto_batch;

    int64_t push_us; /* smoothed round trip of a push, 0: none yet */
    /* Most requests under way at once, in the current stretch of time and in the one before. */
    unsigned company, company_before;
    int64_t company_since_us;
};

/* What is being pushed at a moment. */
struct pace_load {
    unsigned jobs;        /* in flight */
    bool idle_connection; /* some connection that is up has no push in flight */
};

/* A request was added; so many are now waiting or in flight. */
void pace_note_request(struct pace *p, unsigned requests, int64_t now_us);

/* A push was answered after this time. */
void pace_note_push(struct pace *p, int64_t us);

/*
 * Why a batch is to be cut now, in the words that people look for: "batch full", "idle connection",
 * "timeout", "batching is off". NULL: not yet; *again_us is then when to ask again at the latest.
 * `waiting` jobs (at least one), the first since `oldest_us`.
 */
const char *pace_reason(const struct pace *p, unsigned waiting, struct pace_load load,
                        int64_t oldest_us, int64_t now_us, int64_t *again_us);

/* The least number of waiting jobs that is cut before its time is up; the same arithmetic. */
unsigned pace_enough(const struct pace *p, struct pace_load load);

/* The longest wait for company, in microseconds. */
int64_t pace_patience_us(const struct pace *p);

#endif
