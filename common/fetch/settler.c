// SPDX-License-Identifier: MIT
#include "common/fetch/settler.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/faktory/link.h"
#include "common/fetch/settle_line.h"

enum {
    WINDOW = 1000,        /* answers are 5 bytes each: both sides can buffer them */
    RETRY_FIRST_MS = 100, /* doubles up to RETRY_MOST_MS */
    RETRY_MOST_MS = 5000,
    REST_US = 2000, /* nobody waits for an ACK */
    RUN = 4,        /* settlements that go to one connection before the next gets some */
    KILL_MAX = 100, /* jobs in one MUTATE */
};

enum step { STEP_ACK, STEP_FAIL, STEP_KILL, STEP_PUSH };

static const char *const step_names[] = {"ACK", "FAIL", "MUTATE kill", "PUSHB"};

/* One outcome on its way. */
struct settlement {
    struct link_command command; /* first: done() gets the settlement back from it */
    struct settler *settler;
    struct job *job;
    struct buf line;
    struct buf texts; /* jobs to be stored, one a line */
    size_t stored;    /* bytes of `texts` that were sent */
    enum step step;
    bool permanent;
    unsigned tries; /* of this step that Faktory answered with an error */
    int64_t since_us;
    int64_t due_ms;               /* while it waits to be tried again */
    struct settlement *next;      /* in `later` or `doomed` */
    struct settlement *followers; /* the other jobs of this one's MUTATE */
};

struct settler {
    struct settler_options options; /* immutable */
    struct link_loop *loop;         /* of all links; immutable */
    struct link **links;            /* immutable array */
    atomic_uint connections;        /* how many of the links are in use; only grows */
    atomic_uint turn;               /* whose run it is; a race only makes a run shorter */

    pthread_mutex_t lock;
    pthread_cond_t settled; /* open became 0 */
    /* guarded by lock */
    unsigned open;
    struct settlement *later;  /* to be tried again */
    struct settlement *doomed; /* FAILed for good, waiting for the next MUTATE */
    bool killing;              /* a MUTATE is under way */
    int64_t heard_ms;
};

/* ---- command lines ---- */

static void write_ack(struct settlement *s)
{
    buf_clear(&s->line);
    settle_line_ack(&s->line, s->job->jid);
}

static void write_kill(struct settlement *s)
{
    buf_clear(&s->line);
    settle_line_kill_begin(&s->line);
    settle_line_kill_add(&s->line, s->job->jid);
    for (const struct settlement *f = s->followers; f; f = f->next)
        settle_line_kill_add(&s->line, f->job->jid);
    settle_line_kill_end(&s->line);
}

/* The next of the texts. */
static void write_store(struct settlement *s)
{
    buf_clear(&s->line);
    s->stored = settle_line_store(&s->line, &s->texts, s->stored);
}

/* ---- the steps ---- */

static void free_settlement(struct settlement *s)
{
    struct settler *owner = s->settler;

    mutex_lock(&owner->lock);
    owner->open--;
    if (owner->open == 0)
        cond_broadcast(&owner->settled);
    mutex_unlock(&owner->lock);
    job_free(s->job);
    buf_fini(&s->line);
    buf_fini(&s->texts);
    free(s);
    owner->options.settled(owner->options.ctx);
}

static void kill_next(struct settler *owner);

/* Ends it, with those that shared its MUTATE. */
static void close_settlement(struct settlement *s)
{
    struct settler *owner = s->settler;
    bool killed = s->step == STEP_KILL;

    for (struct settlement *f = s->followers, *next; f; f = next) {
        next = f->next;
        free_settlement(f);
    }
    free_settlement(s);
    if (!killed)
        return;
    mutex_lock(&owner->lock);
    owner->killing = false;
    mutex_unlock(&owner->lock);
    kill_next(owner);
}

static void give_up(struct settlement *s, const char *why)
{
    log_error("Faktory does not know what became of a job, it runs again when its reservation ends "
              "jid=%s type=%s step=\"%s\" why=\"%s\"",
              s->job->jid, s->job->type, step_names[s->step], why);
    close_settlement(s);
}

/*
 * One connection gets a run of settlements, then the one with the least to do gets the next run:
 * Faktory works side by side on the runs, and each of them is a few writes instead of many.
 */
static struct link *next_link(struct settler *owner)
{
    unsigned turn = atomic_load_explicit(&owner->turn, memory_order_relaxed);

    if (link_load(owner->links[turn]) < RUN)
        return owner->links[turn];
    for (unsigned i = 0; i < settler_connections(owner); i++)
        if (link_load(owner->links[i]) < link_load(owner->links[turn]))
            turn = i;
    atomic_store_explicit(&owner->turn, turn, memory_order_relaxed);
    return owner->links[turn];
}

static void settlement_done(struct link_command *command, enum link_fate fate,
                            const struct resp_reply *reply, const char *why);

static void send_step(struct settlement *s)
{
    struct link *link = next_link(s->settler);

    if (s->line.failed) {
        give_up(s, "out of memory");
        return;
    }
    s->command = (struct link_command){.text = s->line.data,
                                       .len = s->line.len,
                                       .deadline_ms = CLOCK_NEVER,
                                       .done = settlement_done};
    histogram_observe(s->settler->options.metrics->settle_batch, link_load(link) + 1);
    if (!link_submit(link, &s->command))
        give_up(s, "stopping");
}

/*
 * MUTATE walks through the whole set of retries, so the jobs that are to die share it: one is under
 * way at a time, and those that fail meanwhile are in the next.
 */
static void kill_next(struct settler *owner)
{
    struct settlement *leader, **end;
    unsigned n = 1;

    mutex_lock(&owner->lock);
    leader = owner->killing ? NULL : owner->doomed;
    if (leader) {
        for (end = &leader->next; *end && n < KILL_MAX; n++)
            end = &(*end)->next;
        owner->doomed = *end;
        *end = NULL;
        owner->killing = true;
        leader->followers = leader->next;
        leader->next = NULL;
    }
    mutex_unlock(&owner->lock);
    if (!leader)
        return;
    write_kill(leader);
    send_step(leader);
}

static void doom(struct settlement *s)
{
    struct settler *owner = s->settler;

    s->step = STEP_KILL;
    s->tries = 0;
    mutex_lock(&owner->lock);
    s->next = owner->doomed;
    owner->doomed = s;
    mutex_unlock(&owner->lock);
    kill_next(owner);
}

static void try_later(struct settlement *s)
{
    struct settler *owner = s->settler;
    int64_t pause_ms = RETRY_FIRST_MS;

    for (unsigned i = 0; i < s->tries && pause_ms < RETRY_MOST_MS; i++)
        pause_ms *= 2;
    s->tries++;
    mutex_lock(&owner->lock);
    s->due_ms = clock_ms() + (pause_ms < RETRY_MOST_MS ? pause_ms : RETRY_MOST_MS);
    s->next = owner->later;
    owner->later = s;
    mutex_unlock(&owner->lock);
    owner->options.tick_at(owner->options.ctx, s->due_ms);
}

static bool succeeded(const struct settlement *s, const struct resp_reply *reply)
{
    if (s->step == STEP_PUSH)
        return resp_is(reply, RESP_BULK, "{}");
    return resp_is_ok(reply);
}

static void next_step(struct settlement *s)
{
    histogram_observe(s->settler->options.metrics->settle_us, clock_us() - s->since_us);
    if (s->step == STEP_PUSH) {
        s->tries = 0;
        if (s->stored < s->texts.len)
            write_store(s);
        else {
            s->step = STEP_ACK;
            write_ack(s);
        }
        send_step(s);
    } else if (s->step == STEP_FAIL && s->permanent && s->job->retry > 0)
        doom(s); /* with retry 0 or less the FAIL alone has ended it */
    else
        close_settlement(s);
}

/*
 * An answer that is no success. "Job not found" ends a FAIL for good: the reservation is over, or
 * an earlier FAIL, whose answer was lost, has done it. "invalid" means that we wrote nonsense,
 * which another try would not mend. Anything else passes: a Redis that is slow, a Faktory that
 * stops.
 */
static void on_refusal(struct settlement *s, const struct resp_reply *reply)
{
    char shown[160];

    resp_show(reply, shown, sizeof shown);
    if (s->step == STEP_FAIL && resp_holds(reply, "Job not found")) {
        if (s->tries == 0)
            log_warn("a failure came too late, the reservation had ended jid=%s type=%s",
                     s->job->jid, s->job->type);
        close_settlement(s);
        return;
    }
    if (reply->kind == RESP_ERROR && resp_holds(reply, "invalid")) {
        give_up(s, shown);
        return;
    }
    log_warn("%s answered with an error, trying again jid=%s answer=\"%s\"", step_names[s->step],
             s->job->jid, shown);
    try_later(s);
}

static void settlement_done(struct link_command *command, enum link_fate fate,
                            const struct resp_reply *reply, const char *why)
{
    struct settlement *s = (struct settlement *)command;
    struct settler *owner = s->settler;

    if (fate != LINK_ANSWERED) { /* a patient link gives up only when it stops */
        give_up(s, why);
        return;
    }
    mutex_lock(&owner->lock);
    owner->heard_ms = clock_ms();
    mutex_unlock(&owner->lock);
    if (succeeded(s, reply))
        next_step(s);
    else
        on_refusal(s, reply);
}

/* ---- the public side ---- */

static struct settlement *open_settlement(struct settler *owner, struct job *job, enum step step)
{
    struct settlement *s = calloc(1, sizeof *s);

    if (!s) {
        log_error("out of memory for the outcome of a job, it runs again when its reservation ends "
                  "jid=%s",
                  job->jid);
        job_free(job);
        owner->options.settled(owner->options.ctx);
        return NULL;
    }
    s->settler = owner;
    s->job = job;
    s->step = step;
    s->since_us = clock_us();
    mutex_lock(&owner->lock);
    owner->open++;
    mutex_unlock(&owner->lock);
    return s;
}

void settler_ack(struct settler *owner, struct job *job)
{
    struct settlement *s = open_settlement(owner, job, STEP_ACK);

    if (!s)
        return;
    write_ack(s);
    send_step(s);
}

void settler_fail(struct settler *owner, struct job *job, const char *errtype, const char *message,
                  bool permanent)
{
    struct settlement *s = open_settlement(owner, job, STEP_FAIL);

    if (!s)
        return;
    s->permanent = permanent;
    settle_line_fail(&s->line, job->jid, errtype, message);
    send_step(s);
}

void settler_hand_back(struct settler *owner, struct job *job)
{
    struct settlement *s = open_settlement(owner, job, STEP_PUSH);

    if (!s)
        return;
    settle_line_copy(&s->line, job);
    send_step(s);
}

void settler_store(struct settler *owner, struct job *job, struct buf *texts)
{
    struct settlement *s = open_settlement(owner, job, STEP_PUSH);

    if (s) {
        s->texts = *texts;
        *texts = (struct buf)BUF_INIT(0);
        if (s->texts.failed)
            s->line.failed = true; /* never ACK a job whose others are not complete */
        else
            write_store(s);
        send_step(s);
    }
    buf_fini(texts);
}

int64_t settler_tick(struct settler *owner, int64_t now_ms)
{
    struct settlement **at, *s, *due = NULL;
    int64_t next_ms = CLOCK_NEVER;

    mutex_lock(&owner->lock);
    for (at = &owner->later; (s = *at) != NULL;) {
        if (s->due_ms > now_ms) {
            next_ms = clock_earlier(next_ms, s->due_ms);
            at = &s->next;
            continue;
        }
        *at = s->next;
        s->next = due;
        due = s;
    }
    mutex_unlock(&owner->lock);
    while ((s = due) != NULL) {
        due = s->next;
        send_step(s);
    }
    return next_ms;
}

bool settler_wait(struct settler *owner, int64_t deadline_ms)
{
    bool done;

    mutex_lock(&owner->lock);
    while (owner->open > 0 && cond_wait_until(&owner->settled, &owner->lock, deadline_ms))
        ;
    done = owner->open == 0;
    mutex_unlock(&owner->lock);
    return done;
}

struct settler *settler_new(const struct settler_options *options)
{
    struct settler *owner = calloc(1, sizeof *owner);

    if (!owner)
        return NULL;
    owner->options = *options;
    mutex_init(&owner->lock);
    cond_init(&owner->settled);
    owner->loop = link_loop_new("settle", REST_US);
    atomic_init(&owner->connections, options->connections);
    owner->links = calloc(options->connections_most, sizeof(struct link *));
    for (unsigned i = 0; owner->loop && owner->links && i < options->connections_most; i++) {
        struct link_options o = {.loop = owner->loop,
                                 .name = "settle",
                                 .number = i,
                                 .settings = options->settings,
                                 .window = WINDOW,
                                 .patient = true,
                                 .gather = true};

        if (!(owner->links[i] = link_new(&o)))
            break;
        link_hold(owner->links[i], i >= options->connections);
    }
    if (!owner->links || !owner->links[options->connections_most - 1]) {
        settler_free(owner);
        return NULL;
    }
    return owner;
}

int settler_start(struct settler *owner)
{
    int code = 0;

    for (unsigned i = 0; code == 0 && i < owner->options.connections_most; i++)
        code = link_start(owner->links[i]);
    return code;
}

void settler_finish(struct settler *owner, int64_t deadline_ms)
{
    for (unsigned i = 0; owner->links && i < owner->options.connections_most; i++)
        if (owner->links[i])
            link_finish(owner->links[i], deadline_ms);
}

void settler_join(struct settler *owner)
{
    for (unsigned i = 0; owner->links && i < owner->options.connections_most; i++)
        if (owner->links[i])
            link_join(owner->links[i]);
}

void settler_free(struct settler *owner)
{
    struct settlement *s;

    if (!owner)
        return;
    settler_join(owner);
    while ((s = owner->later) != NULL) { /* may send to the links: these refuse it */
        owner->later = s->next;
        give_up(s, "stopped before it could be tried again");
    }
    for (unsigned i = 0; owner->links && i < owner->options.connections_most; i++)
        link_free(owner->links[i]);
    link_loop_free(owner->loop);
    cond_fini(&owner->settled);
    mutex_fini(&owner->lock);
    free(owner->links);
    free(owner);
}

unsigned settler_open(struct settler *owner)
{
    unsigned open;

    mutex_lock(&owner->lock);
    open = owner->open;
    mutex_unlock(&owner->lock);
    return open;
}

void settler_widen(struct settler *owner)
{
    if (settler_connections(owner) == owner->options.connections_most)
        return;
    for (unsigned i = 0; i < owner->options.connections_most; i++)
        link_hold(owner->links[i], false);
    atomic_store(&owner->connections, owner->options.connections_most);
}

unsigned settler_connections(const struct settler *owner)
{
    return atomic_load_explicit(&owner->connections, memory_order_relaxed);
}

unsigned settler_connections_up(const struct settler *owner)
{
    unsigned up = 0;

    for (unsigned i = 0; i < owner->options.connections_most; i++)
        up += link_is_up(owner->links[i]);
    return up;
}

unsigned long settler_reconnects(const struct settler *owner)
{
    unsigned long n = 0;

    for (unsigned i = 0; i < owner->options.connections_most; i++)
        n += link_reconnects(owner->links[i]);
    return n;
}

int64_t settler_heard_ms(struct settler *owner)
{
    int64_t heard_ms;

    mutex_lock(&owner->lock);
    heard_ms = owner->heard_ms;
    mutex_unlock(&owner->lock);
    return heard_ms;
}
