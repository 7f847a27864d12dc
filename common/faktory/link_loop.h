// SPDX-License-Identifier: MIT
/*
 * link_loop - the thread of one or several links: it takes what was submitted to them, lets each
 * wire work, and sleeps until a socket, a submitter or the clock has something. The room's own, but
 * for link_loop_new() and link_loop_free(), which link.h declares.
 *
 * One lock a loop guards the outboxes and wishes of all its links; it is held for moments, never
 * across I/O or a callback.
 */
#ifndef COMMON_FAKTORY_LINK_LOOP_H
#define COMMON_FAKTORY_LINK_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/faktory/command_queue.h"
#include "common/faktory/link.h"
#include "common/faktory/wire.h"

struct link {
    struct link_options options; /* immutable, like the next two */
    char name[16];
    struct link_loop *loop;
    struct link *next; /* of the same loop; immutable once the loop runs */

    /* guarded by the loop's lock */
    struct command_queue outbox;
    bool gathering; /* the thread looks again by itself, soon */
    bool stopping;
    bool renewing;
    int64_t stop_deadline_ms;

    /* the thread's */
    struct wire wire;
    bool finish, renew; /* what it last saw of `stopping` and `renewing` */
    int64_t finish_ms;
    bool ended;
};

/* Before the start. */
void link_loop_add(struct link_loop *loop, struct link *l);

/* Starts the thread, unless it runs already. 0 or ERR_NOMEM. */
int link_loop_start(struct link_loop *loop);

/* Waits for the thread, which ends when all its links have. */
void link_loop_join(struct link_loop *loop);

void link_loop_lock(struct link_loop *loop);
void link_loop_unlock(struct link_loop *loop);

/* Makes the thread look at its links. Any thread, without the lock. */
void link_loop_wake(struct link_loop *loop);

/* True once each time the thread falls asleep: whoever hears it wakes the thread. With the lock. */
bool link_loop_claim_wake_locked(struct link_loop *loop);

#endif
