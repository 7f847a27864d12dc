// SPDX-License-Identifier: MIT
/*
 * budget - how many jobs a worker may ask for. One lock of its own, never held across anything.
 *
 * In hand (asked for, waiting, running) are at most `capacity` jobs, plus those that will be
 * finished within one round trip at the current rate: so a far worker stays busy, and no worker
 * hoards jobs that others could run. The classic sum: round trip times rate, plus threads.
 */
#ifndef COMMON_FETCH_BUDGET_H
#define COMMON_FETCH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget;

/* `extra_max` bounds what the round trip may add. NULL: no memory. */
struct budget *budget_new(unsigned capacity, unsigned extra_max);
void budget_free(struct budget *b);

/* Takes up to `want` FETCHes from the budget; fewer (or 0) are remembered as hunger. */
unsigned budget_ask(struct budget *b, unsigned want);

/* A FETCH came back: with a job, which is now in hand, or with nothing. */
void budget_answered(struct budget *b, bool job);

/* A job left the receiver's hands. True when a lane had to go hungry and should try again. */
bool budget_finished(struct budget *b);

void budget_set_rtt(struct budget *b, int64_t rtt_us);

/* Blocks until no FETCH is out; false when the deadline passed first. */
bool budget_wait_unasked(struct budget *b, int64_t deadline_ms);

void budget_look(struct budget *b, unsigned *asked, unsigned *in_hand);

#endif
