// SPDX-License-Identifier: MIT
/*
 * budget - how many jobs a worker may ask for. One lock of its own, never held across anything.
 *
 * In hand (asked for, waiting, running) are at most `capacity` jobs, plus those that will be
 * finished within one round trip at the current rate: so a far worker stays busy, and no worker
 * hoards jobs that others could run. The classic sum: round trip times rate, plus threads. Finished
 * jobs that Faktory does not know of yet count too, against a second, wider bound: what a crash
 * would make run twice stays small however slowly Faktory takes the ACKs.
 */
#ifndef COMMON_FETCH_BUDGET_H
#define COMMON_FETCH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget;

/* For so many lanes; `extra_max` bounds what the round trip may add. NULL: no memory. */
struct budget *budget_new(unsigned lanes, unsigned capacity, unsigned extra_max);
void budget_free(struct budget *b);

void budget_set_lanes(struct budget *b, unsigned lanes);

/* How many FETCHes one lane should have in flight at the most, so that all lanes work. */
unsigned budget_share(struct budget *b);

/* Takes up to `want` FETCHes from the budget; fewer (or 0) are remembered as hunger. */
unsigned budget_ask(struct budget *b, unsigned want);

/* A FETCH came back: with a job, which is now in hand, or with nothing. True when that made room
 * and a lane had gone hungry: all lanes should try again. */
bool budget_answered(struct budget *b, bool job);

/* That job is with its receiver: to be called after each budget_answered() with a job. */
void budget_delivered(struct budget *b);

/* Faktory knows what became of a job that was finished. True: see budget_answered(). */
bool budget_settled(struct budget *b);

/* A job left the receiver's hands. True when a lane had gone hungry: all
 * lanes should try again. */
bool budget_finished(struct budget *b);

/* The round trip to Faktory as the heartbeat measures it; 0 while not known. */
void budget_set_rtt(struct budget *b, int64_t rtt_us);
int64_t budget_rtt_us(struct budget *b);

/* Blocks until no FETCH is out and every job is with its receiver; false when the deadline passed
 * first. */
bool budget_wait_unasked(struct budget *b, int64_t deadline_ms);

void budget_look(struct budget *b, unsigned *asked, unsigned *in_hand);

#endif
