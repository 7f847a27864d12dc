// SPDX-License-Identifier: MIT
/*
 * consumer - the fetching side of a worker: jobs come out of it, outcomes go in.
 *
 * Lanes (a few connections) FETCH for any number of threads, several FETCHes in flight on each;
 * settlers (other connections) send ACK and FAIL, many in one write, never behind a FETCH; a
 * heartbeat has a connection of its own. It knows nothing of handlers or threads that run jobs.
 *
 * Properties: every delivered job is settled by its receiver, exactly once, and the consumer sees
 * to it that Faktory learns of it, over reconnects. How many jobs are in hand (asked for, waiting,
 * running) is bounded by `capacity` plus what is finished within one round trip.
 * Safety: one lock, never held across I/O or a callback.
 */
#ifndef COMMON_FETCH_CONSUMER_H
#define COMMON_FETCH_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/faktory/faktory.h"
#include "common/faktory/job.h"
#include "common/metrics/metrics.h"

struct consumer;

/* What Faktory (its page) or the operator wants of this worker; moves forward only. */
enum consumer_wish { CONSUMER_RUN, CONSUMER_QUIET, CONSUMER_TERMINATE };

/* Every pointer may be NULL. */
struct consumer_metrics {
    struct counter *fetched;        /* jobs received */
    struct counter *empty;          /* FETCHes that found nothing */
    struct counter *fetch_errors;   /* -ERR to a FETCH */
    struct counter *lost_in_server; /* "cannot add element in the working set": a job is gone */
    struct counter *stranded;       /* FETCHes unanswered when their connection was lost */
    struct histogram *settle_us;    /* from consumer_ack/_fail to Faktory's +OK */
    struct histogram *settle_batch; /* ACKs and FAILs in flight when one is sent */
};

struct consumer_options {
    const struct faktory_settings *settings; /* borrowed, like all pointers here */
    const char *hostname;                    /* as Faktory's page shows it */
    const char *labels;                      /* a JSON array of strings, shown there too */
    const char *const *queues;               /* in order of priority */
    size_t n_queues;
    unsigned lanes;           /* fetching connections; 0: chosen */
    unsigned window_max;      /* most FETCHes in flight on a lane; 0: chosen */
    unsigned capacity;        /* jobs that the receiver runs at once */
    int64_t poll_interval_ms; /* pause of a lane after an empty FETCH; Faktory itself waits 2 s */
    /* A lane's thread, no lock held; must not block; the job is the receiver's to settle. */
    void (*deliver)(void *ctx, struct job *job);
    /* The heartbeat's thread: Faktory asks for it. The consumer itself does nothing about it. */
    void (*wished)(void *ctx, enum consumer_wish wish);
    void *ctx;
    struct consumer_metrics metrics;
};

/* Connects in the background; fetching starts as each lane comes up. *out is set before the first
 * thread starts: jobs may be delivered before this returns. 0 or ERR_NOMEM. */
int consumer_start(const struct consumer_options *options, struct consumer **out);

/* ---- outcomes; any thread, never block, take the job over (it is freed when Faktory knows) ----
 */

void consumer_ack(struct consumer *c, struct job *job);

/*
 * The job failed. Not permanent: Faktory retries it as the job's `retry` says. Permanent: it is
 * FAILed and then moved from the retries to the dead set (MUTATE kill), where people can see it and
 * put it back, instead of failing again for weeks. Texts are copied; Faktory cuts errtype at 100
 * and message at 1,000 bytes.
 */
void consumer_fail(struct consumer *c, struct job *job, const char *errtype, const char *message,
                   bool permanent);

/* The job was not started: a copy under a new jid is pushed to its queue, then it is ACKed. Costs
 * no retry and no waiting; see job_first_jid(). */
void consumer_hand_back(struct consumer *c, struct job *job);

/* The job is done, but others came of it: `texts`, one job (job_write()) a line, each line ended by
 * \n, is stored first, then the job is ACKed. The bytes are taken over, `texts` is empty then. */
void consumer_store(struct consumer *c, struct job *job, struct buf *texts);

/* ---- stopping, in this order ---- */

/* Sends no FETCH any more; jobs of FETCHes under way are still delivered. Does not block. Tells
 * Faktory with the next heartbeat (`state`: quiet, or terminate for a worker that is leaving). */
void consumer_quiet(struct consumer *c, enum consumer_wish state);

/* Blocks until no FETCH is unanswered; false when the deadline passed first. */
bool consumer_wait_fetched(struct consumer *c, int64_t deadline_ms);

/* Blocks until Faktory knows every outcome given so far; false when the deadline passed first. */
bool consumer_wait_settled(struct consumer *c, int64_t deadline_ms);

/* Ends the connections and frees everything. Outcomes that Faktory does not know by the deadline
 * are logged, job by job: these jobs will run again when their reservation ends. */
void consumer_stop(struct consumer *c, int64_t deadline_ms);

/* A moment's view, any thread. */
struct consumer_state {
    unsigned lanes, lanes_up, connections, connections_up;
    unsigned lanes_most; /* `lanes` may grow to, when Faktory turns out to be near */
    unsigned fetches;    /* FETCHes in flight */
    unsigned window;     /* sum of the lanes' windows */
    unsigned in_hand;    /* jobs delivered and not yet given back to the consumer */
    unsigned settling;   /* outcomes that Faktory does not know yet */
    unsigned long reconnects;
    int64_t rtt_us;   /* round trip to Faktory, 0 while not known */
    int64_t heard_ms; /* monotonic: last sign of life from Faktory, 0: none yet */
    int64_t late_ms;  /* for how long the consumer's own clockwork is overdue, 0: in time */
};
void consumer_look(struct consumer *c, struct consumer_state *state);

/* The lane's window, for a metric per lane; lane < state.lanes_most. */
unsigned consumer_window(const struct consumer *c, unsigned lane);

#endif
