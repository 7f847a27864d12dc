// SPDX-License-Identifier: MIT
/*
 * settler - tells Faktory what became of jobs, and sees to it that Faktory has heard it.
 *
 * Outcomes go out on connections of their own, many in one write, in any order, over reconnects
 * (they are safe to repeat). A settlement passes through steps: ACK; or FAIL, then for a permanent
 * error the move from the retries to the dead set; or PUSHB, then ACK, for a job handed back (its
 * copy) and for a pack (those of its jobs that are to come again). A step that Faktory answers with
 * a passing error is tried again later. Safety: one lock, never held across I/O.
 */
#ifndef COMMON_FETCH_SETTLER_H
#define COMMON_FETCH_SETTLER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/faktory/job.h"
#include "common/fetch/consumer.h"

struct settler;

struct settler_options {
    const struct faktory_settings *settings;
    unsigned connections, connections_most; /* at first, and after settler_widen() */
    const struct consumer_metrics *metrics;
    /* One settlement less is open. A link's thread, no lock held. */
    void (*settled)(void *ctx);
    /* Wants settler_tick() at this time. Any thread, no lock held. */
    void (*tick_at)(void *ctx, int64_t at_ms);
    void *ctx;
};

struct settler *settler_new(const struct settler_options *options); /* NULL: no memory */
int settler_start(struct settler *s);                               /* 0 or ERR_NOMEM */

/* From now on outcomes go on all connections. Any thread; again is fine. */
void settler_widen(struct settler *s);

/* Each takes the job over. Any thread, never blocks. */
void settler_ack(struct settler *s, struct job *job);
void settler_fail(struct settler *s, struct job *job, const char *errtype, const char *message,
                  bool permanent);
void settler_hand_back(struct settler *s, struct job *job);
void settler_store(struct settler *s, struct job *job, struct buf *texts);

/* Tries again what is due by now. When the next one is due, or CLOCK_NEVER. */
int64_t settler_tick(struct settler *s, int64_t now_ms);

/* Blocks until everything is settled; false when the deadline passed first. */
bool settler_wait(struct settler *s, int64_t deadline_ms);

unsigned settler_open(struct settler *s); /* settlements that Faktory does not know yet */
unsigned settler_connections(const struct settler *s); /* that are in use */
unsigned settler_connections_up(const struct settler *s);
unsigned long settler_reconnects(const struct settler *s);
int64_t settler_heard_ms(struct settler *s);

void settler_finish(struct settler *s, int64_t deadline_ms); /* does not block */
void settler_join(struct settler *s);
void settler_free(struct settler *s); /* joins; logs what stays open */

#endif
