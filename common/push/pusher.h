// SPDX-License-Identifier: MIT
/*
 * pusher - stores jobs in Faktory: a bounded queue, a flusher that cuts batches, and connections
 * that push them side by side. Every job taken is settled exactly once, by its deadline.
 *
 * Many jobs may travel as one pack; its outcome is that of each job in it.
 *
 * Properties: nothing waits while nothing is in flight; what arrives while pushes are under way
 * becomes the next batch (group commit); max_size and max_delay are bounds, not waiting times.
 * Safety: one lock (the queue's), never held across I/O or a callback. While no connection to
 * Faktory can be made, jobs are settled as not stored at once instead of waiting.
 */
#ifndef COMMON_PUSH_PUSHER_H
#define COMMON_PUSH_PUSHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/faktory/faktory.h"
#include "common/metrics/metrics.h"

struct pusher;

/* What became of a job. */
enum push_outcome {
    PUSH_STORED,  /* Faktory has it */
    PUSH_REFUSED, /* Faktory answered that it does not take this job: not stored */
    PUSH_AWAY,    /* Faktory could not be reached: not stored */
    PUSH_LATE,    /* the deadline passed before it could be sent: not stored */
    PUSH_UNKNOWN, /* sent, and no clear answer: it may be stored */
};

/* Embedded in the caller's own struct, which lives until `settled` was called. */
struct push_job {
    const char *jid;  /* as in `text`; Faktory reports errors by it */
    const char *text; /* the job as a JSON object, see job_write() */
    size_t len;       /* at most FAKTORY_COMMAND_BYTES_MAX - 16 */
    int64_t deadline_ms;

    /* Jobs that stand together in the queue, go to the same Faktory queue and have the same
     * pack_max may share a pack (common/pack) of up to that many. 0 or 1: never; then the other
     * three need not be set. */
    unsigned pack_max;
    unsigned reserve_for_s;
    int retry;
    const char *queue;

    /* On a link's or the flusher's thread, no lock held; must not block. `why` is a sentence when
     * the outcome is not PUSH_STORED; it does not outlive the call. */
    void (*settled)(struct push_job *job, enum push_outcome outcome, const char *why);

    struct push_job *next; /* links jobs for pusher_add(); then the pusher's */
    int64_t queued_us;     /* the pusher's */
    unsigned group;        /* the pusher's: how many share a pack from here on; 0: it is inside */
    bool ends_request;     /* the pusher's */
};

/* Where the pusher counts; every pointer may be NULL. */
struct push_metrics {
    struct histogram *batch_jobs;                             /* jobs in each PUSHB */
    struct histogram *push_us;                                /* round trip of each PUSHB */
    struct histogram *store_us;                               /* from pusher_add() to settled */
    struct counter *stored, *refused, *away, *late, *unknown; /* jobs by outcome */
    struct counter *packs, *packed;                           /* packs, and the jobs in them */
    struct counter *pack_bytes_in, *pack_bytes_out; /* these jobs' bytes, and the packs' */
};

struct pusher_options {
    const struct faktory_settings *settings; /* borrowed */
    unsigned connections;
    unsigned max_size; /* most jobs in one PUSHB, up to FAKTORY_COMMAND_JOBS_MAX; a pack is one */
    int64_t max_delay_ms; /* longest wait of a job for company, while others are in flight */
    bool auto_batch;      /* false: each pusher_add() is pushed by itself */
    unsigned queue_max;   /* most jobs waiting to be cut; then ERR_FULL */
    struct push_metrics metrics;
};

/* Starts the flusher and the connections; does not wait for Faktory. NULL: no memory. */
struct pusher *pusher_start(const struct pusher_options *options);

/*
 * Takes a chain of `n` jobs (linked by `next`), all of them or none; from any thread, never blocks.
 * 0: each will be settled. ERR_FULL: no room for all of them. ERR_CLOSED: Faktory is away just now
 * (`why` says how). ERR_STOPPED. After an error the jobs are the caller's, unsettled.
 */
int pusher_add(struct pusher *p, struct push_job *first, unsigned n, struct err_text *why);

/* A moment's view, any thread. */
struct pusher_state {
    unsigned waiting;   /* jobs in the queue */
    unsigned in_flight; /* jobs sent and not answered */
    unsigned connections_up;
    unsigned long reconnects;
    bool away;       /* no connection, and the last attempt failed */
    int64_t push_us; /* smoothed round trip of a PUSHB, 0: none yet */
    int64_t late_ms; /* for how long the flusher is overdue, 0: in time */
};
void pusher_look(struct pusher *p, struct pusher_state *state);

/* Submits one command that is no push over one of the connections (INFO, QUEUE LATENCY); see
 * link_submit(). False: stopping. With no connection the command ends with LINK_UNSENT. */
struct link_command;
bool pusher_ask(struct pusher *p, struct link_command *command);

/* Stops taking jobs and flushes what waits, both by the deadline; settles every job; frees. */
void pusher_stop(struct pusher *p, int64_t deadline_ms);

#endif
