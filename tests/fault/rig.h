// SPDX-License-Identifier: MIT
/*
 * rig - what the tests of link, pusher and consumer share: settings for a server of the test's own,
 * jobs that remember their outcome, and a receiver of fetched jobs. Records are made on the parts'
 * threads; the test thread waits and asserts.
 */
#ifndef TESTS_FAULT_RIG_H
#define TESTS_FAULT_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/faktory/faktory.h"
#include "common/fetch/consumer.h"
#include "common/push/pusher.h"

/* Time-outs that suit a test: a silent peer is given up after a second. */
struct faktory_settings rig_settings(const char *url);

/* ---- jobs to push ---- */

struct rig_jobs;

enum { RIG_UNSETTLED = -1 };

/* `n` jobs of type "noop" for `queue`, with jids of their own, to be settled within `within_ms`. */
struct rig_jobs *rig_jobs_new(unsigned n, const char *queue, int64_t retry, int64_t within_ms);

/* They may share packs of up to so many. Before they are added. */
void rig_jobs_pack(struct rig_jobs *jobs, unsigned pack_max);

/* After every one that was added is settled. */
void rig_jobs_free(struct rig_jobs *jobs);

/* Gives jobs from .. from+n-1 to the pusher in one chain; what pusher_add() says. Any thread. */
int rig_jobs_add(struct rig_jobs *jobs, struct pusher *p, unsigned from, unsigned n);

/* Waits until `n` jobs are settled. */
bool rig_jobs_wait(struct rig_jobs *jobs, unsigned n, int64_t timeout_ms);

unsigned rig_jobs_settled(struct rig_jobs *jobs);
unsigned rig_jobs_count(struct rig_jobs *jobs, enum push_outcome outcome);

/* How many were settled more than once. */
unsigned rig_jobs_twice(struct rig_jobs *jobs);

/* The outcome of one, or RIG_UNSETTLED. */
int rig_jobs_outcome(struct rig_jobs *jobs, unsigned i);
const char *rig_jobs_jid(const struct rig_jobs *jobs, unsigned i);

/* ---- a consumer and what comes out of it ---- */

struct rig_receiver;

/* Starts the consumer; deliver, wished and ctx of the options are the receiver's. NULL on failure.
 */
struct rig_receiver *rig_receiver_start(const struct consumer_options *options);

struct consumer *rig_consumer(struct rig_receiver *r);

/* The next job that was delivered, in order; NULL when none came in time. The taker settles it. */
struct job *rig_take(struct rig_receiver *r, int64_t timeout_ms);

/* How many jobs were delivered so far. */
unsigned rig_delivered(struct rig_receiver *r);

/* Waits until consumer_look() makes it true; the last view goes to *state (may be NULL). */
bool rig_wait(struct rig_receiver *r, bool (*cond)(const struct consumer_state *state),
              int64_t timeout_ms, struct consumer_state *state);

/* How often `wished` was called, and with what last. */
unsigned rig_wishes(struct rig_receiver *r, enum consumer_wish *last);

/* Stops the consumer by the deadline and frees everything. */
void rig_receiver_stop(struct rig_receiver *r, int64_t deadline_ms);

#endif
