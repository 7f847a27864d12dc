// SPDX-License-Identifier: MIT
/*
 * lane - one fetching connection with a window of FETCHes in flight.
 *
 * Two kinds of FETCH. A *waiting* one blocks in Faktory for up to 2 s; a lane has at most one, and
 * nothing behind it, because Faktory answers in order. A *try* names, behind the queues, the key
 * "queues", which in Faktory 1.9 is a Redis set and no list: Redis takes a job from the queues
 * before it, or answers WRONGTYPE at once. So a window of tries costs nothing when the queues run
 * empty: none of them goes on waiting, swallows a job for a link that died, or delays a stop.
 *
 * The window grows by one with each job (it doubles each round trip) and falls to the one waiting
 * FETCH at the first empty answer; the next job starts it at half of what it was (far away: at
 * some). Safety: one lock, ordered before the budget's; never held across I/O or a callback.
 */
#ifndef COMMON_FETCH_LANE_H
#define COMMON_FETCH_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/faktory/job.h"
#include "common/fetch/budget.h"
#include "common/fetch/consumer.h"

struct lane;

struct lane_options {
    struct link_loop *loop; /* of all lanes */
    unsigned number;        /* for the thread's name */
    const struct faktory_settings *settings;
    const struct faktory_identity *identity;
    const char *queues; /* "q1 q2", as FETCH wants them */
    unsigned window_max;
    int64_t poll_interval_ms;
    struct budget *budget;
    const struct consumer_metrics *metrics;
    void (*deliver)(void *ctx, struct job *job);
    void *deliver_ctx;
    /* A job that cannot be read, with its jid only: to be FAILed. Like deliver. */
    void (*refuse)(void *ctx, struct job *job, const char *why);
    void *refuse_ctx;
    /* There is room in the budget again: wants lane_fill() of every lane. No lock held. */
    void (*refill)(void *ctx);
    void *refill_ctx;
    /* Wants lane_resume() at this time: after a pause. Any thread, no lock held. */
    void (*resume_at)(void *ctx, int64_t at_ms);
    void *resume_ctx;
};

struct lane *lane_new(const struct lane_options *options); /* NULL: no memory */
int lane_start(struct lane *l);                            /* 0 or ERR_NOMEM */

/* See link_hold(): a lane starts held. */
void lane_hold(struct lane *l, bool hold);

/* Sends as many FETCHes as window and budget allow; any thread, does not block. */
void lane_fill(struct lane *l);

/* The same, when a pause has ended by now. When the next one ends, or CLOCK_NEVER. */
int64_t lane_resume(struct lane *l, int64_t now_ms);

/* No FETCH any more. */
void lane_quiet(struct lane *l);

bool lane_is_up(const struct lane *l);
unsigned lane_window(struct lane *l);
unsigned long lane_reconnects(const struct lane *l);
int64_t lane_heard_ms(struct lane *l);

void lane_finish(struct lane *l, int64_t deadline_ms); /* does not block */
void lane_join(struct lane *l);                        /* after that it delivers nothing */
void lane_free(struct lane *l);                        /* joins; NULL is fine */

#endif
