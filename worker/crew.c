// SPDX-License-Identifier: MIT
/*
 * Properties
 *   An item that waits while a thread is idle is run within about one thread switch. A burst of
 *   tiny items is worked off by a few warm threads; a burst of long ones spreads over all threads.
 *   Thousands of idle threads cost nothing: they are not touched.
 *
 * Operation
 *   Idle threads form a stack, each with a condition variable of its own, so the one that went idle
 *   last, whose stack and cache are warm, is called first. A call is under way from the moment a
 *   thread is popped off the stack until it runs. Adding an item calls one idle thread unless a
 *   call is under way already. A thread that takes an item and leaves others behind calls the next
 *   one (again, unless a call is under way). So calls form a chain: each link costs one wake-up,
 *   and the chain ends by itself when the threads that are awake keep up. A called thread that
 *   finds nothing goes back onto the stack. A thread that comes from an item and finds no next one
 *   lingers first: it gives way once (sched_yield), counts as called meanwhile, and looks again.
 *   With tiny jobs that saves many of the wake-ups, which are most of what such a job costs.
 *   While items have lately been quick, those that a thread leaves behind are not worth a call: it
 *   is back in a moment. In case it is not, one idle thread is the lookout: it looks every LOOK_MS,
 *   and where nothing was taken meanwhile it ends that habit and calls. After a while without items
 *   the lookout goes to sleep like the others, and everything is called for again.
 *
 * Safety
 *   One lock guards queue, stack and counts; it is never held while an item runs, and condition
 *   variables are signalled after it is released (the lookout's call, a rare one, excepted). No
 * item can be forgotten: an item waits only while a call is under way, a thread lingers, a lookout
 *   stands, or every thread runs something; all of these look at the queue next. `item` of a seat
 * is set under the lock and taken by an atomic exchange, so of the thread that runs it and
 * crew_take_running() exactly one gets it.
 */
#include "worker/crew.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/service/limits.h"

enum {
    QUICK_US = 50,  /* items that take less are quick: a thread switch costs as much */
    SLOW_US = 200,  /* no item counts as slower */
    LAST_ITEMS = 8, /* over so many is averaged */
    WORTH_US = 200, /* work that waits for each running thread before another one is called */
    LOOK_MS = 2,    /* longest wait behind an item that turned out not to be quick, or twice that */
    LOOKS_MOST = 10, /* looks without any item before the lookout goes to sleep */
};

struct crew_seat {
    struct crew *crew;
    pthread_t thread;
    _Atomic(void *) item; /* what it runs, until that is claimed or taken */
    _Atomic int64_t started_us;

    /* guarded by the crew's lock */
    pthread_cond_t called_up;
    bool called;
    struct crew_seat *below; /* on the stack of idle seats */
};

struct crew {
    /* fixed after start */
    struct crew_options options;
    struct crew_seat *seats;
    unsigned n_seats; /* threads that run */

    pthread_mutex_t lock;
    /* guarded by lock */
    void **ring;
    unsigned first, waiting;
    struct crew_seat *idle;
    bool calling;   /* a seat was called and did not run yet */
    bool lingering; /* a seat gave way once and is about to look again */
    struct crew_seat *lookout;
    double item_us;      /* what an item took lately */
    unsigned long taken; /* items, ever */
    bool open, closed, stopping;
    unsigned running;
    unsigned done_watchers;
    pthread_cond_t done; /* waiting == 0 && running == 0 */
};

/* ---- queue and calls ---- */

static void *pop_locked(struct crew *c)
{
    void *item = c->ring[c->first];

    c->first = c->first + 1 == c->options.waiting_max ? 0 : c->first + 1;
    c->waiting--;
    return item;
}

static bool done_locked(const struct crew *c)
{
    return c->waiting == 0 && c->running == 0;
}

static void tell_done_locked(struct crew *c)
{
    if (c->done_watchers > 0 && done_locked(c))
        cond_broadcast(&c->done);
}

static bool quick_locked(const struct crew *c)
{
    return c->item_us <= QUICK_US;
}

static void note_item_locked(struct crew *c, int64_t us)
{
    c->item_us += ((double)(us < SLOW_US ? us : SLOW_US) - c->item_us) / LAST_ITEMS;
}

/* What waits is done sooner by those who run than by another one who is called. */
static bool can_wait_locked(const struct crew *c)
{
    return c->lookout && c->running > 0 && quick_locked(c) &&
           c->waiting * c->item_us <= (double)c->running * WORTH_US;
}

/* The seat to call for what waits, or NULL when none is needed or none is idle. */
static struct crew_seat *next_call_locked(struct crew *c)
{
    struct crew_seat *seat = c->idle;

    if (!c->open || c->waiting == 0 || c->calling || c->lingering || !seat || can_wait_locked(c))
        return NULL;
    c->idle = seat->below;
    c->calling = true;
    seat->called = true;
    return seat;
}

static void call(struct crew_seat *seat)
{
    if (seat)
        cond_signal(&seat->called_up);
}

/* ---- the threads ---- */

/* Until it is called, or sees that an item was not quick, or that there are no items any more. */
static void stand_lookout_locked(struct crew_seat *seat)
{
    struct crew *c = seat->crew;
    unsigned long seen = c->taken;

    c->lookout = seat;
    for (unsigned looks = 0; !seat->called && looks < LOOKS_MOST; looks++) {
        if (cond_wait_until(&seat->called_up, &c->lock, clock_ms() + LOOK_MS))
            continue;
        if (c->taken != seen)
            looks = 0;
        else if (c->waiting > 0) {
            c->item_us = SLOW_US;
            call(next_call_locked(c));
            break;
        }
        seen = c->taken;
    }
    c->lookout = NULL;
}

static void go_idle_locked(struct crew_seat *seat)
{
    struct crew *c = seat->crew;

    seat->called = false;
    seat->below = c->idle;
    c->idle = seat;
    if (!c->lookout && quick_locked(c) && c->taken > 0)
        stand_lookout_locked(seat);
    while (!seat->called)
        cond_wait(&seat->called_up, &c->lock);
    c->calling = false;
}

/* Gives way once before going to sleep: what fetches jobs then often brings the next one. */
static void linger_locked(struct crew *c)
{
    c->lingering = true;
    mutex_unlock(&c->lock);
    sched_yield();
    mutex_lock(&c->lock);
    c->lingering = false;
}

/* Waits for an item and makes it the seat's; NULL: the crew is stopping. */
static void *take_item(struct crew_seat *seat)
{
    struct crew *c = seat->crew;
    struct crew_seat *next = NULL;
    int64_t now_us = clock_us();
    void *item = NULL;
    bool warm = crew_started_us(seat) > 0; /* it comes from an item */

    mutex_lock(&c->lock);
    if (warm)
        note_item_locked(c, now_us - crew_started_us(seat));
    while (!c->stopping && (!c->open || c->waiting == 0)) {
        if (warm && !c->lingering)
            linger_locked(c);
        else
            go_idle_locked(seat);
        warm = false;
        now_us = clock_us();
    }
    if (c->open && c->waiting > 0) {
        item = pop_locked(c);
        c->taken++;
        c->running++;
        atomic_store_explicit(&seat->started_us, now_us, memory_order_relaxed);
        atomic_store(&seat->item, item);
        next = next_call_locked(c);
    }
    mutex_unlock(&c->lock);
    call(next);
    return item;
}

static void item_ended(struct crew *c)
{
    mutex_lock(&c->lock);
    c->running--;
    tell_done_locked(c);
    mutex_unlock(&c->lock);
}

static void *seat_main(void *arg)
{
    struct crew_seat *seat = arg;
    struct crew *c = seat->crew;
    void *item;

    while ((item = take_item(seat)) != NULL) {
        c->options.run(c->options.ctx, seat, item);
        item_ended(c);
    }
    return NULL;
}

bool crew_claim(struct crew_seat *seat)
{
    return atomic_exchange(&seat->item, NULL) != NULL;
}

int64_t crew_started_us(const struct crew_seat *seat)
{
    return atomic_load_explicit(&seat->started_us, memory_order_relaxed);
}

/* ---- life ---- */

static void free_crew(struct crew *c)
{
    for (unsigned i = 0; c->seats && i < c->options.threads; i++)
        cond_fini(&c->seats[i].called_up);
    free(c->seats);
    free(c->ring);
    cond_fini(&c->done);
    mutex_fini(&c->lock);
    free(c);
}

static struct crew *new_crew(const struct crew_options *options)
{
    struct crew *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->options = *options;
    c->item_us = SLOW_US; /* until it is known */
    mutex_init(&c->lock);
    cond_init(&c->done);
    c->seats = calloc(options->threads, sizeof *c->seats);
    c->ring = calloc(options->waiting_max, sizeof *c->ring);
    for (unsigned i = 0; c->seats && i < options->threads; i++) {
        c->seats[i].crew = c;
        cond_init(&c->seats[i].called_up);
    }
    if (c->seats && c->ring)
        return c;
    free_crew(c);
    return NULL;
}

/* Wakes every seat to see that the crew stops, and joins the threads. */
static void end_threads(struct crew *c)
{
    mutex_lock(&c->lock);
    c->stopping = true;
    for (struct crew_seat *seat = c->idle; seat; seat = seat->below) {
        seat->called = true;
        cond_signal(&seat->called_up);
    }
    c->idle = NULL;
    mutex_unlock(&c->lock);
    for (unsigned i = 0; i < c->n_seats; i++)
        thread_join(c->seats[i].thread);
}

struct crew *crew_start(const struct crew_options *options, struct err_text *why)
{
    struct crew *c = new_crew(options);
    struct buf limits = BUF_INIT(0);

    if (!c) {
        err_set(why, ERR_NOMEM, "no memory for %u threads", options->threads);
        return NULL;
    }
    for (; c->n_seats < options->threads; c->n_seats++) {
        struct crew_seat *seat = &c->seats[c->n_seats];

        if (thread_start(&seat->thread, "handler", options->stack_bytes, seat_main, seat) != 0)
            break;
    }
    if (c->n_seats == options->threads)
        return c;
    limits_describe(&limits); /* before the threads end: they count */
    err_set(why, ERR_NOMEM, "the system gave %u of %u threads (%s)", c->n_seats, options->threads,
            buf_str(&limits));
    buf_fini(&limits);
    end_threads(c);
    free_crew(c);
    return NULL;
}

void crew_open(struct crew *c)
{
    struct crew_seat *seat;

    mutex_lock(&c->lock);
    c->open = true;
    seat = next_call_locked(c);
    mutex_unlock(&c->lock);
    call(seat);
}

bool crew_add(struct crew *c, void *item)
{
    struct crew_seat *seat = NULL;
    unsigned at;
    bool taken;

    mutex_lock(&c->lock);
    taken = !c->closed && c->waiting < c->options.waiting_max;
    if (taken) {
        at = c->first + c->waiting;
        c->ring[at < c->options.waiting_max ? at : at - c->options.waiting_max] = item;
        c->waiting++;
        seat = next_call_locked(c);
    }
    mutex_unlock(&c->lock);
    call(seat);
    return taken;
}

void crew_close(struct crew *c)
{
    mutex_lock(&c->lock);
    c->closed = true;
    mutex_unlock(&c->lock);
}

void *crew_take_waiting(struct crew *c)
{
    void *item;

    mutex_lock(&c->lock);
    item = c->waiting > 0 ? pop_locked(c) : NULL;
    tell_done_locked(c);
    mutex_unlock(&c->lock);
    return item;
}

bool crew_wait_done(struct crew *c, int64_t deadline_ms)
{
    bool done;

    mutex_lock(&c->lock);
    c->done_watchers++;
    while (!done_locked(c) && cond_wait_until(&c->done, &c->lock, deadline_ms))
        ;
    c->done_watchers--;
    done = done_locked(c);
    mutex_unlock(&c->lock);
    return done;
}

unsigned crew_take_running(struct crew *c, void (*take)(void *ctx, void *item, int64_t started_us),
                           void *ctx)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < c->n_seats; i++) {
        void *item = atomic_exchange(&c->seats[i].item, NULL);

        if (!item)
            continue;
        take(ctx, item, crew_started_us(&c->seats[i]));
        taken++;
    }
    return taken;
}

bool crew_stop(struct crew *c, int64_t deadline_ms)
{
    if (!c)
        return true;
    crew_close(c);
    if (!crew_wait_done(c, deadline_ms))
        return false;
    end_threads(c);
    free_crew(c);
    return true;
}

void crew_look(struct crew *c, struct crew_state *state)
{
    mutex_lock(&c->lock);
    state->threads = c->n_seats;
    state->running = c->running;
    state->waiting = c->waiting;
    mutex_unlock(&c->lock);
}
