// SPDX-License-Identifier: MIT
#include "common/push/pusher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/faktory/link.h"
#include "common/push/pace.h"
#include "common/push/push_line.h"
#include "common/push/push_settle.h"

enum {
    PIPELINE_MAX = 16,      /* pushes in flight on one connection */
    FLUSHER_TURN_MS = 1000, /* how long it sleeps at most, so that one that hangs can be told */
    QUEUE_BYTES_MAX = 256 << 20,
};

struct producer { /* one connection of the pusher */
    struct pusher *pusher;
    struct link *link;
    unsigned in_flight; /* guarded by the pusher's lock: batches */
    bool up;            /* guarded by the pusher's lock */
    bool proven;        /* guarded by the pusher's lock: this connection has carried an answer */
};

struct pusher {
    struct pusher_options options; /* immutable */
    struct producer *producers;    /* immutable array of options.connections */
    pthread_t flusher;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* the flusher's: there may be something to do for it */
    /* guarded by lock */
    struct push_job *head, **tail;
    unsigned waiting;
    size_t waiting_bytes;
    unsigned jobs_in_flight, batches_in_flight;
    unsigned up;  /* connections */
    bool crowded; /* a batch was due and no connection had room */
    bool away;    /* none is up and the last attempt failed */
    char away_why[160];
    unsigned requests; /* added and not settled */
    int64_t turn_ms;   /* when the flusher looks at the queue next, at the latest */
    struct pace pace;
    bool stopping;
    int64_t stop_deadline_ms;
};

/* One PUSHB under way. */
struct batch {
    struct link_command command; /* first: done() gets it back from the link */
    struct producer *producer;
    struct buf line;
    struct push_job *jobs;
    unsigned n;
    unsigned requests; /* that end in this batch */
    int64_t sent_us;
    struct push_pack_jid *pack_jids; /* in the order of the packs */
};

static void batch_free(struct batch *b)
{
    if (!b)
        return;
    buf_fini(&b->line);
    free(b->pack_jids);
    free(b);
}

static struct pace_load load_locked(const struct pusher *p)
{
    return (struct pace_load){.jobs = p->jobs_in_flight,
                              .idle_connection = p->batches_in_flight < p->up};
}

static bool batch_is_due_locked(const struct pusher *p)
{
    return p->waiting > 0 && (p->crowded || p->waiting >= pace_enough(&p->pace, load_locked(p)));
}

static void batch_done(struct link_command *command, enum link_fate fate,
                       const struct resp_reply *reply, const char *why)
{
    static const enum push_outcome outcomes[] = {
        [LINK_UNSENT] = PUSH_AWAY, [LINK_UNKNOWN] = PUSH_UNKNOWN};
    struct batch *b = (struct batch *)command;
    struct pusher *p = b->producer->pusher;
    int64_t took_us = clock_us() - b->sent_us;

    mutex_lock(&p->lock);
    p->jobs_in_flight -= b->n;
    p->batches_in_flight--;
    b->producer->in_flight--;
    p->requests -= b->requests;
    if (fate == LINK_ANSWERED) {
        pace_note_push(&p->pace, took_us);
        b->producer->proven = true;
    }
    if (p->stopping || batch_is_due_locked(p))
        cond_signal(&p->changed);
    mutex_unlock(&p->lock);

    if (fate == LINK_ANSWERED) {
        histogram_observe(p->options.metrics.push_us, took_us);
        push_settle_answered(&p->options.metrics, b->jobs, b->pack_jids, reply);
    } else {
        log_warn("push of %u jobs not answered why=\"%s\" stored=%s", b->n, why,
                 fate == LINK_UNSENT ? "no" : "unknown");
        push_settle_all(&p->options.metrics, b->jobs, outcomes[fate], why);
    }
    batch_free(b);
}

/* ---- what the connections say ---- */

static void producer_state(void *ctx, bool up, const char *why)
{
    struct producer *pr = ctx;
    struct pusher *p = pr->pusher;
    bool was_away, away, back, comes_back;

    mutex_lock(&p->lock);
    was_away = p->away;
    /* One that worked is made again at once: what that attempt says is what counts. */
    comes_back = pr->up && pr->proven;
    back = up && p->up == 0;
    if (up != pr->up)
        p->up = up ? p->up + 1 : p->up - 1;
    pr->up = up;
    pr->proven = false;
    p->away = away = p->up == 0 && !comes_back;
    if (away)
        snprintf(p->away_why, sizeof p->away_why, "%s", why);
    cond_signal(&p->changed);
    mutex_unlock(&p->lock);

    if (away && !was_away)
        log_warn("Faktory is away, jobs are refused until it is back why=\"%s\"", why);
    else if (back)
        log_info("connected to Faktory");
}

/* ---- the flusher: when to cut a batch, and where to send it ---- */

/* The connection with the least to do, or NULL when all are down or full. */
static struct producer *best_producer_locked(struct pusher *p)
{
    struct producer *best = NULL;

    for (unsigned i = 0; i < p->options.connections; i++) {
        struct producer *pr = &p->producers[i];

        if (pr->up && pr->in_flight < PIPELINE_MAX && (!best || pr->in_flight < best->in_flight))
            best = pr;
    }
    return best;
}

/* Takes the next batch's jobs off the queue. */
static struct push_job *take_locked(struct pusher *p, struct push_cut *cut)
{
    struct push_job *first = p->head;

    *cut = push_line_cut(first, p->options.max_size, !p->options.auto_batch);
    p->head = cut->last->next;
    if (!p->head)
        p->tail = &p->head;
    cut->last->next = NULL;
    p->waiting -= cut->jobs;
    p->waiting_bytes -= cut->job_bytes;
    return first;
}

static unsigned count_requests(const struct push_job *jobs)
{
    unsigned n = 0;

    for (; jobs; jobs = jobs->next)
        n += jobs->ends_request;
    return n;
}

static bool fill_batch(struct batch *b, struct push_job *jobs, const struct push_cut *cut,
                       const struct push_metrics *metrics)
{
    b->jobs = jobs;
    b->n = cut->jobs;
    b->pack_jids = malloc((cut->jobs / 2 + 1) * sizeof *b->pack_jids);
    if (!b->pack_jids || !buf_reserve(&b->line, cut->bytes))
        return false;
    push_line_write(&b->line, jobs, b->pack_jids, metrics);
    return !b->line.failed;
}

/* Without the lock: makes the command and gives it to the connection. */
static void send_batch(struct pusher *p, struct producer *pr, struct push_job *jobs,
                       const struct push_cut *cut)
{
    struct batch *b = calloc(1, sizeof *b);

    if (b && fill_batch(b, jobs, cut, &p->options.metrics)) {
        b->producer = pr;
        b->requests = count_requests(jobs);
        b->sent_us = clock_us();
        b->command = (struct link_command){.text = b->line.data,
                                           .len = b->line.len,
                                           .deadline_ms = jobs->deadline_ms,
                                           .done = batch_done};
        histogram_observe(p->options.metrics.batch_jobs, cut->jobs);
        if (link_submit(pr->link, &b->command))
            return;
    }
    batch_free(b);
    mutex_lock(&p->lock);
    p->jobs_in_flight -= cut->jobs;
    p->batches_in_flight--;
    p->requests -= count_requests(jobs);
    pr->in_flight--;
    mutex_unlock(&p->lock);
    push_settle_all(&p->options.metrics, jobs, PUSH_AWAY, "no memory, or stopping");
}

/* Cuts one batch and sends it; drops the lock meanwhile. */
static void flush_locked(struct pusher *p, struct producer *pr, const char *reason)
{
    struct push_cut cut;
    struct push_job *jobs = take_locked(p, &cut);

    p->jobs_in_flight += cut.jobs;
    p->batches_in_flight++;
    pr->in_flight++;
    mutex_unlock(&p->lock);
    log_debug("flushing %u jobs (%s)", cut.jobs, reason);
    send_batch(p, pr, jobs, &cut);
    mutex_lock(&p->lock);
}

/* Settles the whole queue, or only its jobs that are late; drops the lock meanwhile. */
static void give_up_locked(struct pusher *p, bool only_late, enum push_outcome outcome,
                           const char *why)
{
    struct push_job *first = p->head, **end = &p->head;
    int64_t now = clock_ms();

    while (*end && (!only_late || (*end)->deadline_ms <= now)) {
        p->waiting--;
        p->waiting_bytes -= (*end)->len + 1;
        p->requests -= (*end)->ends_request;
        end = &(*end)->next;
    }
    if (end == &p->head)
        return;
    p->head = *end;
    *end = NULL;
    if (!p->head)
        p->tail = &p->head;
    mutex_unlock(&p->lock);
    push_settle_all(&p->options.metrics, first, outcome, why);
    mutex_lock(&p->lock);
}

static void wait_locked(struct pusher *p, int64_t until_ms)
{
    p->turn_ms = clock_earlier(until_ms, clock_ms() + FLUSHER_TURN_MS);
    cond_wait_until(&p->changed, &p->lock, p->turn_ms);
}

/* One look at the queue: sends a batch, gives up on jobs, or waits for a change. */
static void flusher_step_locked(struct pusher *p)
{
    struct producer *pr;
    const char *reason;
    int64_t until = p->stopping ? p->stop_deadline_ms : CLOCK_NEVER, again_us = INT64_MAX;

    p->turn_ms = clock_ms();
    p->crowded = false;
    if (!p->head) {
        /* Beside pushes in flight, the first job to come does not wake the flusher: it looks. */
        if (p->batches_in_flight > 0)
            until = clock_earlier(until, clock_ms() + pace_patience_us(&p->pace) / 1000 + 1);
        wait_locked(p, until);
        return;
    }
    if (p->away) {
        char why[sizeof p->away_why];

        memcpy(why, p->away_why, sizeof why);
        give_up_locked(p, false, PUSH_AWAY, why);
        return;
    }
    if (p->head->deadline_ms <= clock_ms()) {
        give_up_locked(p, true, PUSH_LATE, "the deadline passed while waiting to be sent");
        return;
    }
    reason = p->stopping ? "stopping"
                         : pace_reason(&p->pace, p->waiting, load_locked(p), p->head->queued_us,
                                       clock_us(), &again_us);
    pr = reason ? best_producer_locked(p) : NULL;
    if (pr) {
        flush_locked(p, pr, reason);
        return;
    }
    p->crowded = reason != NULL;
    until = clock_earlier(until, p->head->deadline_ms);
    if (!reason)
        until = clock_earlier(until, again_us / 1000 + 1);
    wait_locked(p, until);
}

static void *flusher_run(void *arg)
{
    struct pusher *p = arg;

    mutex_lock(&p->lock);
    while (!p->stopping ||
           ((p->head || p->batches_in_flight > 0) && clock_ms() < p->stop_deadline_ms))
        flusher_step_locked(p);
    give_up_locked(p, false, PUSH_LATE, "stopped before it could be sent");
    mutex_unlock(&p->lock);
    return NULL;
}

/* ---- the public side ---- */

int pusher_add(struct pusher *p, struct push_job *first, unsigned n, struct err_text *why)
{
    int64_t now_us = clock_us();
    struct push_job *last = NULL;
    size_t bytes = 0;
    int code = 0;
    bool wake;

    for (struct push_job *job = first; job; job = job->next) {
        job->queued_us = now_us;
        job->ends_request = job->next == NULL;
        bytes += job->len + 1;
        last = job;
    }
    mutex_lock(&p->lock);
    wake = p->waiting == 0 && p->batches_in_flight == 0;
    if (p->stopping)
        code = err_set(why, ERR_STOPPED, "the service is stopping");
    else if (p->away)
        code = err_set(why, ERR_CLOSED, "%s", p->away_why);
    else if (n > p->options.queue_max - p->waiting || bytes > QUEUE_BYTES_MAX - p->waiting_bytes)
        code = err_set(why, ERR_FULL, "%u jobs are waiting already, of at most %u", p->waiting,
                       p->options.queue_max);
    else {
        *p->tail = first;
        p->tail = &last->next;
        p->waiting += n;
        p->waiting_bytes += bytes;
        p->requests++;
        pace_note_request(&p->pace, p->requests, now_us);
        if (wake || batch_is_due_locked(p)) /* else the flusher sleeps until its batch is due */
            cond_signal(&p->changed);
    }
    mutex_unlock(&p->lock);
    return code;
}

bool pusher_ask(struct pusher *p, struct link_command *command)
{
    struct producer *pr;

    mutex_lock(&p->lock);
    pr = best_producer_locked(p);
    if (!pr)
        pr = &p->producers[0];
    mutex_unlock(&p->lock);
    return link_submit(pr->link, command);
}

void pusher_look(struct pusher *p, struct pusher_state *state)
{
    int64_t now_ms = clock_ms();

    mutex_lock(&p->lock);
    *state = (struct pusher_state){.waiting = p->waiting,
                                   .in_flight = p->jobs_in_flight,
                                   .connections_up = p->up,
                                   .away = p->away,
                                   .push_us = p->pace.push_us,
                                   .late_ms = p->turn_ms < now_ms ? now_ms - p->turn_ms : 0};
    mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->options.connections; i++)
        state->reconnects += link_reconnects(p->producers[i].link);
}

static void free_pusher(struct pusher *p)
{
    for (unsigned i = 0; i < p->options.connections; i++)
        if (p->producers[i].link)
            link_finish(p->producers[i].link, 0);
    for (unsigned i = 0; i < p->options.connections; i++)
        link_free(p->producers[i].link);
    free(p->producers);
    cond_fini(&p->changed);
    mutex_fini(&p->lock);
    free(p);
}

static bool make_producers(struct pusher *p)
{
    for (unsigned i = 0; i < p->options.connections; i++) {
        struct producer *pr = &p->producers[i];
        struct link_options o = {.name = "push",
                                 .number = i,
                                 .settings = p->options.settings,
                                 .window = PIPELINE_MAX * 2, /* pushes, and what is asked */
                                 .on_state = producer_state,
                                 .ctx = pr};

        pr->pusher = p;
        if (!(pr->link = link_new(&o)))
            return false;
    }
    return true;
}

static bool start_producers(struct pusher *p)
{
    for (unsigned i = 0; i < p->options.connections; i++)
        if (link_start(p->producers[i].link) != 0)
            return false;
    return true;
}

struct pusher *pusher_start(const struct pusher_options *options)
{
    struct pusher *p = calloc(1, sizeof *p);

    if (!p || !(p->producers = calloc(options->connections, sizeof *p->producers))) {
        free(p);
        return NULL;
    }
    p->options = *options;
    p->pace = (struct pace){.max_size = options->max_size,
                            .max_delay_us = options->max_delay_ms * 1000,
                            .auto_batch = options->auto_batch};
    p->tail = &p->head;
    p->turn_ms = clock_ms();
    mutex_init(&p->lock);
    cond_init(&p->changed);
    if (!make_producers(p) || !start_producers(p) ||
        thread_start(&p->flusher, "flusher", 0, flusher_run, p) != 0) {
        free_pusher(p);
        return NULL;
    }
    return p;
}

void pusher_stop(struct pusher *p, int64_t deadline_ms)
{
    mutex_lock(&p->lock);
    p->stopping = true;
    p->stop_deadline_ms = deadline_ms;
    cond_signal(&p->changed);
    mutex_unlock(&p->lock);
    thread_join(p->flusher);
    for (unsigned i = 0; i < p->options.connections; i++)
        link_finish(p->producers[i].link, deadline_ms);
    free_pusher(p);
}
