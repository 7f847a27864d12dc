// SPDX-License-Identifier: MIT
#include "common/fetch/consumer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/faktory/link.h"
#include "common/fetch/budget.h"
#include "common/fetch/consumer_shape.h"
#include "common/fetch/heartbeat.h"
#include "common/fetch/lane.h"
#include "common/fetch/settler.h"

enum {
    REST_US = 2000, /* of busy lanes: the budget has jobs in hand for longer than that */
    WID_RANDOM_BYTES = 8,
    WID_MAX = 96,
    TICKER_STACK_BYTES = 128 << 10,
    TICKER_TURN_MS = 1000, /* how long it sleeps at most, so that one that hangs can be told */
};

struct consumer {
    struct consumer_options options; /* immutable, as is all up to `lock` */
    char wid[WID_MAX];
    struct buf queues;
    struct faktory_identity identity;
    struct budget *budget;
    struct consumer_shape far, near; /* it begins far, and ends near once the round trip says so */
    struct link_loop *loop;          /* of all lanes */
    struct lane **lanes;             /* options.lanes of them */
    atomic_uint lanes_used;          /* only grows */
    struct settler *settler;
    struct heartbeat *heartbeat;
    pthread_t ticker;
    bool ticking; /* the thread was started */

    pthread_mutex_t lock;
    pthread_cond_t tick; /* the ticker's: next_ms or stopping changed */
    /* guarded by lock */
    int64_t next_ms;
    int64_t turn_ms; /* when the ticker turns next, at the latest */
    bool stopping;
};

/* ---- the ticker: everything that happens at a time ---- */

static void tick_at(void *ctx, int64_t at_ms)
{
    struct consumer *c = ctx;

    mutex_lock(&c->lock);
    if (at_ms < c->next_ms) {
        c->next_ms = at_ms;
        cond_signal(&c->tick);
    }
    mutex_unlock(&c->lock);
}

/* Does what is due, and says when to come back. Everybody is asked, because next_ms remembers only
 * the earliest of the times that were wished for. */
static int64_t tick(struct consumer *c, int64_t now_ms)
{
    int64_t next_ms =
        clock_earlier(settler_tick(c->settler, now_ms), heartbeat_tick(c->heartbeat, now_ms));

    for (unsigned i = 0; i < c->options.lanes; i++)
        next_ms = clock_earlier(next_ms, lane_resume(c->lanes[i], now_ms));
    return next_ms;
}

static void *tick_run(void *arg)
{
    struct consumer *c = arg;

    mutex_lock(&c->lock);
    while (!c->stopping) {
        int64_t now_ms = clock_ms();

        if (now_ms < c->next_ms) {
            c->turn_ms = clock_earlier(c->next_ms, now_ms + TICKER_TURN_MS);
            cond_wait_until(&c->tick, &c->lock, c->turn_ms);
            continue;
        }
        c->next_ms = CLOCK_NEVER;
        c->turn_ms = now_ms;
        mutex_unlock(&c->lock);
        tick_at(c, tick(c, now_ms));
        mutex_lock(&c->lock);
    }
    mutex_unlock(&c->lock);
    return NULL;
}

static unsigned lanes_used(const struct consumer *c)
{
    return atomic_load_explicit(&c->lanes_used, memory_order_relaxed);
}

/*
 * Lanes connect only behind the heartbeat. Faktory refuses FETCH (it sleeps for 2 s each time) to
 * a quiet or stopping worker, but only on the connection that introduced the worker first: that
 * must be one that never fetches, or a lane's whole window would take minutes to drain.
 */
static void on_heartbeat(void *ctx, bool up)
{
    struct consumer *c = ctx;

    for (unsigned i = 0; i < lanes_used(c); i++)
        lane_hold(c->lanes[i], !up);
}

/* The heartbeat's thread, as on_heartbeat(). */
static void widen(struct consumer *c)
{
    settler_widen(c->settler);
    for (unsigned i = lanes_used(c); i < c->options.lanes; i++)
        lane_hold(c->lanes[i], false);
    budget_set_lanes(c->budget, c->options.lanes);
    atomic_store(&c->lanes_used, c->options.lanes);
}

static void on_round_trip(void *ctx, int64_t rtt_us)
{
    struct consumer *c = ctx;

    budget_set_rtt(c->budget, rtt_us);
    if (consumer_is_near(rtt_us))
        widen(c);
}

/* ---- outcomes ---- */

static void refill(void *ctx)
{
    struct consumer *c = ctx;

    for (unsigned i = 0; i < c->options.lanes; i++)
        lane_fill(c->lanes[i]);
}

/* The job has left the receiver's hands: lanes that went hungry may ask again. */
static void finished(struct consumer *c)
{
    if (budget_finished(c->budget))
        refill(c);
}

static void on_settled(void *ctx)
{
    struct consumer *c = ctx;

    if (budget_settled(c->budget))
        refill(c);
}

/* finished() comes before the settler hears of it: the answer may be quicker than we are. */
void consumer_ack(struct consumer *c, struct job *job)
{
    finished(c);
    settler_ack(c->settler, job);
}

void consumer_fail(struct consumer *c, struct job *job, const char *errtype, const char *message,
                   bool permanent)
{
    finished(c);
    settler_fail(c->settler, job, errtype, message, permanent);
}

static void refuse(void *ctx, struct job *job, const char *why)
{
    log_warn("job cannot be read, it goes to the dead set jid=%s why=\"%s\"", job->jid, why);
    consumer_fail(ctx, job, "UnreadableJob", why, true);
}

void consumer_hand_back(struct consumer *c, struct job *job)
{
    finished(c);
    settler_hand_back(c->settler, job);
}

void consumer_store(struct consumer *c, struct job *job, struct buf *texts)
{
    finished(c);
    settler_store(c->settler, job, texts);
}

/* ---- start ---- */

static void make_wid(struct consumer *c)
{
    unsigned char random[WID_RANDOM_BYTES];
    int n = snprintf(c->wid, sizeof c->wid, "%.60s-", c->options.hostname);

    arc4random_buf(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        n += snprintf(c->wid + n, sizeof c->wid - (size_t)n, "%02x", random[i]);
}

static bool join_queues(struct consumer *c)
{
    for (size_t i = 0; i < c->options.n_queues; i++) {
        if (i > 0)
            buf_add_char(&c->queues, ' ');
        buf_add_str(&c->queues, c->options.queues[i]);
    }
    return !c->queues.failed;
}

static bool make_lanes(struct consumer *c)
{
    unsigned n = c->options.lanes;

    c->loop = link_loop_new("fetch", REST_US);
    c->lanes = calloc(n, sizeof(struct lane *));
    for (unsigned i = 0; c->loop && c->lanes && i < n; i++) {
        struct lane_options o = {.loop = c->loop,
                                 .number = i,
                                 .settings = c->options.settings,
                                 .identity = &c->identity,
                                 .queues = c->queues.data,
                                 .window_max = c->options.window_max,
                                 .poll_interval_ms = c->options.poll_interval_ms,
                                 .budget = c->budget,
                                 .metrics = &c->options.metrics,
                                 .deliver = c->options.deliver,
                                 .deliver_ctx = c->options.ctx,
                                 .refuse = refuse,
                                 .refuse_ctx = c,
                                 .refill = refill,
                                 .refill_ctx = c,
                                 .resume_at = tick_at,
                                 .resume_ctx = c};

        if (!(c->lanes[i] = lane_new(&o)))
            return false;
    }
    return c->loop && c->lanes;
}

static bool make_parts(struct consumer *c)
{
    struct heartbeat_options beat = {.settings = c->options.settings,
                                     .identity = &c->identity,
                                     .wished = c->options.wished,
                                     .wished_ctx = c->options.ctx,
                                     .round_trip = on_round_trip,
                                     .round_trip_ctx = c,
                                     .on_state = on_heartbeat,
                                     .state_ctx = c,
                                     .tick_at = tick_at,
                                     .tick_ctx = c};
    struct settler_options settle = {.settings = c->options.settings,
                                     .connections = c->far.settlers,
                                     .connections_most = c->near.settlers,
                                     .metrics = &c->options.metrics,
                                     .settled = on_settled,
                                     .tick_at = tick_at,
                                     .ctx = c};

    return join_queues(c) &&
           (c->budget = budget_new(lanes_used(c), c->options.capacity,
                                   c->options.lanes * c->options.window_max)) &&
           (c->settler = settler_new(&settle)) && (c->heartbeat = heartbeat_new(&beat)) &&
           make_lanes(c);
}

/* The heartbeat first, so that Faktory never sees a silent worker; the lanes last. */
static bool start_parts(struct consumer *c)
{
    if (heartbeat_start(c->heartbeat) != 0 || settler_start(c->settler) != 0)
        return false;
    c->ticking = thread_start(&c->ticker, "consumer-tick", TICKER_STACK_BYTES, tick_run, c) == 0;
    for (unsigned i = 0; c->ticking && i < c->options.lanes; i++)
        if (lane_start(c->lanes[i]) != 0)
            return false;
    return c->ticking;
}

int consumer_start(const struct consumer_options *options, struct consumer **out)
{
    struct consumer *c = calloc(1, sizeof *c);

    if (!c)
        return ERR_NOMEM;
    c->options = *options;
    c->far = consumer_shape(options->lanes, CLOCK_NEVER);
    c->near = consumer_shape(options->lanes, 0);
    atomic_init(&c->lanes_used, c->far.lanes);
    c->options.lanes = c->near.lanes;
    if (c->options.window_max == 0)
        c->options.window_max = CONSUMER_WINDOW_AUTO;
    make_wid(c);
    c->identity = (struct faktory_identity){
        .wid = c->wid, .hostname = c->options.hostname, .labels = c->options.labels};
    mutex_init(&c->lock);
    cond_init(&c->tick);
    c->turn_ms = clock_ms();
    *out = c;
    if (make_parts(c) && start_parts(c))
        return 0;
    *out = NULL;
    consumer_stop(c, 0);
    return ERR_NOMEM;
}

/* ---- stop ---- */

void consumer_quiet(struct consumer *c, enum consumer_wish state)
{
    for (unsigned i = 0; i < c->options.lanes; i++)
        lane_quiet(c->lanes[i]);
    heartbeat_set_state(c->heartbeat, state);
    tick_at(c, 0);
}

bool consumer_wait_fetched(struct consumer *c, int64_t deadline_ms)
{
    return budget_wait_unasked(c->budget, deadline_ms);
}

bool consumer_wait_settled(struct consumer *c, int64_t deadline_ms)
{
    return settler_wait(c->settler, deadline_ms);
}

/* Ends every thread. They call each other's parts, so none of these goes before all have ended. */
static void end_threads(struct consumer *c, int64_t deadline_ms)
{
    if (c->ticking) {
        mutex_lock(&c->lock);
        c->stopping = true;
        cond_signal(&c->tick);
        mutex_unlock(&c->lock);
        thread_join(c->ticker);
    }
    for (unsigned i = 0; c->lanes && i < c->options.lanes; i++)
        if (c->lanes[i])
            lane_finish(c->lanes[i], deadline_ms);
    if (c->settler)
        settler_finish(c->settler, deadline_ms);
    if (c->heartbeat)
        heartbeat_finish(c->heartbeat, deadline_ms);
    for (unsigned i = 0; c->lanes && i < c->options.lanes; i++)
        if (c->lanes[i])
            lane_join(c->lanes[i]);
    if (c->settler)
        settler_join(c->settler);
    if (c->heartbeat)
        heartbeat_join(c->heartbeat);
}

/* Works on a half-started consumer too. */
void consumer_stop(struct consumer *c, int64_t deadline_ms)
{
    end_threads(c, deadline_ms);
    settler_free(c->settler); /* tells the lanes of the room it makes */
    for (unsigned i = 0; c->lanes && i < c->options.lanes; i++)
        lane_free(c->lanes[i]);
    link_loop_free(c->loop);
    heartbeat_free(c->heartbeat);
    budget_free(c->budget);
    buf_fini(&c->queues);
    free(c->lanes);
    cond_fini(&c->tick);
    mutex_fini(&c->lock);
    free(c);
}

/* ---- view ---- */

static int64_t ticker_late_ms(struct consumer *c)
{
    int64_t turn_ms, now_ms = clock_ms();

    mutex_lock(&c->lock);
    turn_ms = c->turn_ms;
    mutex_unlock(&c->lock);
    return turn_ms < now_ms ? now_ms - turn_ms : 0;
}

void consumer_look(struct consumer *c, struct consumer_state *state)
{
    int64_t settler_ms = settler_heard_ms(c->settler), beat_ms = heartbeat_heard_ms(c->heartbeat);

    *state = (struct consumer_state){
        .lanes = lanes_used(c),
        .lanes_most = c->options.lanes,
        .connections = lanes_used(c) + settler_connections(c->settler) + 1,
        .connections_up = settler_connections_up(c->settler) + heartbeat_is_up(c->heartbeat),
        .reconnects = settler_reconnects(c->settler) + heartbeat_reconnects(c->heartbeat),
        .settling = settler_open(c->settler),
        .rtt_us = heartbeat_rtt_us(c->heartbeat),
        .heard_ms = settler_ms > beat_ms ? settler_ms : beat_ms,
        .late_ms = ticker_late_ms(c),
    };
    budget_look(c->budget, &state->fetches, &state->in_hand);
    for (unsigned i = 0; i < c->options.lanes; i++) {
        int64_t heard_ms = lane_heard_ms(c->lanes[i]);

        state->lanes_up += lane_is_up(c->lanes[i]);
        state->window += lane_window(c->lanes[i]);
        state->reconnects += lane_reconnects(c->lanes[i]);
        if (heard_ms > state->heard_ms)
            state->heard_ms = heard_ms;
    }
    state->connections_up += state->lanes_up;
}

unsigned consumer_window(const struct consumer *c, unsigned lane)
{
    return lane_window(c->lanes[lane]);
}
