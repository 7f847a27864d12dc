// SPDX-License-Identifier: MIT
/*
 * crew - a fixed number of threads that work off one bounded queue of items.
 *
 * It knows nothing of jobs: an item is a pointer, what is done with it is the owner's function.
 * Every item that was added goes to exactly one place: to a thread that runs it, or to
 * crew_take_waiting(); and an item that runs is settled by exactly one side: by the function that
 * runs it, or by whoever took it with crew_take_running().
 */
#ifndef WORKER_CREW_H
#define WORKER_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct crew;

/* The place of one thread, while it runs an item. */
struct crew_seat;

struct crew_options {
    unsigned threads;
    unsigned waiting_max; /* items that wait for a thread; one more is refused */
    size_t stack_bytes;   /* of each thread */
    /* On one of the threads, no lock held. May block for long. */
    void (*run)(void *ctx, struct crew_seat *seat, void *item);
    void *ctx;
};

/* Starts the threads; none takes an item before crew_open(). NULL with `why` set: it says how many
 * threads could be started, and the limits of this machine. */
struct crew *crew_start(const struct crew_options *options, struct err_text *why);

/* Lets the threads begin. What was set up before is seen by them. */
void crew_open(struct crew *c);

/* Queues an item; any thread, never blocks. False when there is no room, or after crew_close():
 * the item is still the caller's. */
bool crew_add(struct crew *c, void *item);

/* ---- for the function that runs an item ---- */

/* True: the item is yours to settle. False: somebody settles it in your stead; it must neither be
 * settled nor freed. Called exactly once, when the work on the item is over. */
bool crew_claim(struct crew_seat *seat);

/* When the item was taken from the queue (clock_us). */
int64_t crew_started_us(const struct crew_seat *seat);

/* ---- stopping, in this order ---- */

/* Takes no items any more. */
void crew_close(struct crew *c);

/* Takes the oldest waiting item, NULL: none waits. */
void *crew_take_waiting(struct crew *c);

/* Blocks until nothing waits and nothing runs; false when the deadline passed first. */
bool crew_wait_done(struct crew *c, int64_t deadline_ms);

/*
 * Gives every item that runs to `take`, which settles it; its crew_claim() will say false. The
 * thread may still read the item: what `take` passes on must be a copy. After crew_close() and with
 * nothing waiting. Returns how many.
 */
unsigned crew_take_running(struct crew *c, void (*take)(void *ctx, void *item, int64_t started_us),
                           void *ctx);

/*
 * Closes, waits until every thread is free, ends and joins them, frees the crew. False when the
 * deadline passed first: nothing is freed then, because the threads still use it, and all that is
 * left to do is to end the process. NULL is fine.
 */
bool crew_stop(struct crew *c, int64_t deadline_ms);

/* A moment's view, any thread. */
struct crew_state {
    unsigned threads, running, waiting;
};
void crew_look(struct crew *c, struct crew_state *state);

#endif
