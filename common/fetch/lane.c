// SPDX-License-Identifier: MIT
#include "common/fetch/lane.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/faktory/backoff.h"
#include "common/faktory/link.h"

enum {
    ERROR_FIRST_MS = 100,
    ERROR_MOST_MS = 5000,
    /* For each so many microseconds of a round trip a lane begins with one FETCH more after a dry
     * spell, and grows by one more with each job: tries cost little, round trips a lot. */
    STEP_US = 4000,
    FIRST_WINDOW_MAX = 16,
    GROWTH_MAX = 8,
};

/* A FETCH that is or may be in flight. */
struct fetch {
    struct link_command command; /* first: done() gets the fetch back from it */
    struct lane *lane;
    struct fetch *next_free;
    bool waits; /* a waiting FETCH, not a try */
};

struct lane {
    struct lane_options options; /* immutable */
    struct link *link;           /* immutable after start */
    struct buf wait_line, try_line;

    pthread_mutex_t lock;
    /* guarded by lock */
    struct fetch *fetches, *free; /* window_max + 1 of them */
    unsigned in_flight;
    unsigned window, last_window;
    bool waiting; /* a waiting FETCH is in flight */
    bool dry;     /* the last answer was empty */
    bool had_job; /* over this connection */
    bool quiet;
    int64_t paused_until_ms;
    int64_t heard_ms;
    struct backoff backoff;
};

/* ---- sending ---- */

/* How many FETCHes are wanted now; *waits: it is one that waits. Tries are sent when half of the
 * window has come back: fewer, larger writes. */
static unsigned wanted_locked(const struct lane *l, bool *waits)
{
    unsigned target;

    *waits = l->dry;
    if (l->quiet || l->waiting || clock_ms() < l->paused_until_ms || !link_is_up(l->link))
        return 0;
    if (l->dry)
        return 1;
    target = budget_share(l->options.budget);
    if (target > l->window)
        target = l->window;
    return l->in_flight <= target / 2 ? target - l->in_flight : 0;
}

static struct fetch *take_free_locked(struct lane *l, bool waits)
{
    struct fetch *f = l->free;
    const struct buf *line = waits ? &l->wait_line : &l->try_line;

    l->free = f->next_free;
    f->waits = waits;
    f->command.text = line->data;
    f->command.len = line->len;
    l->in_flight++;
    l->waiting = l->waiting || waits;
    return f;
}

static void put_free_locked(struct lane *l, struct fetch *f)
{
    f->next_free = l->free;
    l->free = f;
    l->in_flight--;
    if (f->waits)
        l->waiting = false;
}

void lane_fill(struct lane *l)
{
    struct link_command *chain = NULL;
    unsigned n;
    bool waits;

    mutex_lock(&l->lock);
    n = wanted_locked(l, &waits);
    n = n > 0 ? budget_ask(l->options.budget, n) : 0;
    for (unsigned i = 0; i < n; i++) {
        struct fetch *f = take_free_locked(l, waits);

        f->command.next = chain;
        chain = &f->command;
    }
    mutex_unlock(&l->lock);

    while (chain) {
        struct link_command *c = chain;

        chain = c->next;
        if (!link_submit(l->link, c))
            c->done(c, LINK_UNSENT, NULL, "stopping");
    }
}

int64_t lane_resume(struct lane *l, int64_t now_ms)
{
    int64_t next_ms = CLOCK_NEVER;
    bool due;

    mutex_lock(&l->lock);
    due = l->paused_until_ms != 0 && l->paused_until_ms <= now_ms;
    if (due)
        l->paused_until_ms = 0;
    else if (l->paused_until_ms != 0)
        next_ms = l->paused_until_ms;
    mutex_unlock(&l->lock);
    if (due)
        lane_fill(l);
    return next_ms;
}

void lane_quiet(struct lane *l)
{
    mutex_lock(&l->lock);
    l->quiet = true;
    mutex_unlock(&l->lock);
}

/* ---- answers; on the link's thread ---- */

static void widen_locked(struct lane *l)
{
    int64_t steps = budget_rtt_us(l->options.budget) / STEP_US;
    unsigned first = steps < FIRST_WINDOW_MAX ? (unsigned)steps : FIRST_WINDOW_MAX;

    if (l->dry) { /* the first job after a dry spell */
        l->dry = false;
        l->window = l->last_window / 2 > first ? l->last_window / 2 : first;
    }
    l->window += steps < GROWTH_MAX ? (unsigned)steps + 1 : GROWTH_MAX;
    if (l->window > l->options.window_max) /* which may have been made smaller meanwhile */
        l->window = l->options.window_max;
}

static void grow_locked(struct lane *l)
{
    if (l->dry || l->window < l->options.window_max) /* else there is nothing to ask the budget */
        widen_locked(l);
    l->had_job = true;
    backoff_reset(&l->backoff);
}

static void run_dry_locked(struct lane *l)
{
    if (!l->dry)
        l->last_window = l->window;
    l->dry = true;
    l->window = 1;
    backoff_reset(&l->backoff);
}

/*
 * A try that found nothing by waiting 2 s for it: this server keeps no set under "queues" (it is
 * not a 1.9, or was flushed), and tries block like any FETCH. Then a wide window would strand
 * FETCHes for minutes: keep it small.
 */
static void distrust_tries_locked(struct lane *l)
{
    enum { SMALL_WINDOW = 4 };

    if (l->had_job && l->options.window_max > SMALL_WINDOW) {
        log_info("this Faktory makes every FETCH wait: fetching with a window of %d", SMALL_WINDOW);
        l->options.window_max = SMALL_WINDOW;
    }
}

/* The FETCH brought nothing: what it held of the budget is free for all lanes. */
static void give_back(struct lane *l)
{
    if (budget_answered(l->options.budget, false))
        l->options.refill(l->options.refill_ctx);
}

static void pause_lane(struct lane *l, int64_t ms)
{
    int64_t at;

    mutex_lock(&l->lock);
    l->paused_until_ms = at = clock_ms() + ms;
    mutex_unlock(&l->lock);
    l->options.resume_at(l->options.resume_ctx, at);
}

static void on_empty(struct lane *l, const struct fetch *f, bool waited)
{
    counter_add(l->options.metrics->empty, 1);
    mutex_lock(&l->lock);
    run_dry_locked(l);
    if (waited && !f->waits)
        distrust_tries_locked(l);
    mutex_unlock(&l->lock);
    if (f->waits && l->options.poll_interval_ms > 0)
        pause_lane(l, l->options.poll_interval_ms);
}

static void on_error(struct lane *l, const struct resp_reply *reply)
{
    char shown[160];
    int64_t pause_ms;

    resp_show(reply, shown, sizeof shown);
    counter_add(l->options.metrics->fetch_errors, 1);
    if (resp_holds(reply, "cannot add element in the working set")) {
        counter_add(l->options.metrics->lost_in_server, 1);
        log_error("Faktory took a job from its queue and lost it: %s", shown);
    } else
        log_warn("FETCH failed: %s", shown);
    mutex_lock(&l->lock);
    l->dry = true;
    l->window = 1;
    pause_ms = backoff_next_ms(&l->backoff);
    mutex_unlock(&l->lock);
    pause_lane(l, pause_ms);
}

static void on_job(struct lane *l, const struct resp_reply *reply)
{
    struct err_text why;
    struct job *job = job_parse(reply->text, reply->len, &why);
    bool readable = job != NULL;

    mutex_lock(&l->lock);
    grow_locked(l);
    mutex_unlock(&l->lock);
    if (!readable && !(job = job_salvage(reply->text, reply->len))) {
        log_error("cannot read a fetched job, it stays reserved: %s", why.text);
        give_back(l);
        return;
    }
    counter_add(l->options.metrics->fetched, 1);
    (void)budget_answered(l->options.budget, true);
    if (readable)
        l->options.deliver(l->options.deliver_ctx, job);
    else
        l->options.refuse(l->options.refuse_ctx, job, why.text);
    budget_delivered(l->options.budget);
}

static void on_answer(struct lane *l, const struct fetch *f, const struct resp_reply *reply)
{
    if (reply->kind == RESP_BULK) {
        on_job(l, reply);
        return;
    }
    if (reply->kind == RESP_NIL)
        on_empty(l, f, true);
    else if (!f->waits && resp_holds(reply, "WRONGTYPE"))
        on_empty(l, f, false);
    else
        on_error(l, reply);
    give_back(l);
}

static void fetch_done(struct link_command *command, enum link_fate fate,
                       const struct resp_reply *reply, const char *why)
{
    struct fetch *f = (struct fetch *)command;
    struct lane *l = f->lane;
    struct fetch was = *f;

    (void)why;
    mutex_lock(&l->lock);
    put_free_locked(l, f);
    if (fate == LINK_ANSWERED)
        l->heard_ms = clock_ms();
    mutex_unlock(&l->lock);
    if (fate == LINK_ANSWERED) {
        on_answer(l, &was, reply);
        lane_fill(l);
        return;
    }
    if (fate == LINK_UNKNOWN)
        counter_add(l->options.metrics->stranded, 1);
    give_back(l);
}

static void lane_state(void *ctx, bool up, const char *why)
{
    struct lane *l = ctx;

    (void)why;
    if (!up)
        return;
    mutex_lock(&l->lock);
    l->dry = true;
    l->had_job = false;
    l->window = 1;
    l->paused_until_ms = 0;
    mutex_unlock(&l->lock);
    lane_fill(l);
}

/* ---- life ---- */

void lane_hold(struct lane *l, bool hold)
{
    link_hold(l->link, hold);
}

static bool prepare(struct lane *l)
{
    unsigned n = l->options.window_max + 1;

    buf_add_str(&l->wait_line, "FETCH ");
    buf_add_str(&l->wait_line, l->options.queues);
    buf_add(&l->try_line, l->wait_line.data, l->wait_line.len);
    buf_add_str(&l->wait_line, "\r\n");
    buf_add_str(&l->try_line, " queues\r\n");
    if (l->wait_line.failed || l->try_line.failed || !(l->fetches = calloc(n, sizeof *l->fetches)))
        return false;
    for (unsigned i = 0; i < n; i++) {
        struct fetch *f = &l->fetches[i];

        f->lane = l;
        f->command.deadline_ms = CLOCK_NEVER; /* the read time-out bounds it, reply by reply */
        f->command.done = fetch_done;
        f->next_free = l->free;
        l->free = f;
    }
    return true;
}

struct lane *lane_new(const struct lane_options *options)
{
    struct lane *l = calloc(1, sizeof *l);
    struct link_options o = {.loop = options->loop,
                             .name = "fetch",
                             .number = options->number,
                             .settings = options->settings,
                             .identity = options->identity,
                             .window = options->window_max + 1,
                             .on_state = lane_state,
                             .ctx = l};

    if (!l)
        return NULL;
    l->options = *options;
    l->backoff = (struct backoff){.first_ms = ERROR_FIRST_MS, .most_ms = ERROR_MOST_MS};
    mutex_init(&l->lock);
    if (!prepare(l) || !(l->link = link_new(&o))) {
        lane_free(l);
        return NULL;
    }
    lane_hold(l, true);
    return l;
}

int lane_start(struct lane *l)
{
    return link_start(l->link);
}

void lane_finish(struct lane *l, int64_t deadline_ms)
{
    link_finish(l->link, deadline_ms);
}

void lane_join(struct lane *l)
{
    link_join(l->link);
}

void lane_free(struct lane *l)
{
    if (!l)
        return;
    link_free(l->link);
    buf_fini(&l->wait_line);
    buf_fini(&l->try_line);
    mutex_fini(&l->lock);
    free(l->fetches);
    free(l);
}

bool lane_is_up(const struct lane *l)
{
    return link_is_up(l->link);
}

unsigned lane_window(struct lane *l)
{
    unsigned window;

    mutex_lock(&l->lock);
    window = l->window;
    mutex_unlock(&l->lock);
    return window;
}

int64_t lane_heard_ms(struct lane *l)
{
    int64_t heard_ms;

    mutex_lock(&l->lock);
    heard_ms = l->heard_ms;
    mutex_unlock(&l->lock);
    return heard_ms;
}

unsigned long lane_reconnects(const struct lane *l)
{
    return link_reconnects(l->link);
}
