// SPDX-License-Identifier: MIT
#include "common/fetch/budget.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/fetch/forecast.h"

enum {
    ROUND_TRIPS = 2,      /* how many of them are asked ahead: the rate may grow */
    SETTLING_TIMES = 4,   /* with the finished ones that Faktory does not know yet, so many times */
    SETTLING_SLACK = 200, /* as many as may be in hand, and some */
    SETTLED_PART = 4,
};

struct budget {
    unsigned capacity, extra_max; /* immutable */

    pthread_mutex_t lock;
    pthread_cond_t unasked; /* asked and delivering became 0 */
    /* guarded by lock */
    unsigned lanes;
    unsigned asked, in_hand, settling;
    unsigned delivering; /* in hand, and on the way to the receiver */
    bool hungry;
    struct forecast forecast;
};

struct budget *budget_new(unsigned lanes, unsigned capacity, unsigned extra_max)
{
    struct budget *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->lanes = lanes;
    b->capacity = capacity;
    b->extra_max = extra_max;
    forecast_init(&b->forecast, capacity, clock_us());
    mutex_init(&b->lock);
    cond_init(&b->unasked);
    return b;
}

void budget_free(struct budget *b)
{
    if (!b)
        return;
    cond_fini(&b->unasked);
    mutex_fini(&b->lock);
    free(b);
}

void budget_set_lanes(struct budget *b, unsigned lanes)
{
    mutex_lock(&b->lock);
    b->lanes = lanes;
    mutex_unlock(&b->lock);
}

static unsigned limit_locked(const struct budget *b)
{
    double extra = forecast_jobs(&b->forecast) * ROUND_TRIPS;

    return b->capacity + (extra < b->extra_max ? (unsigned)extra : b->extra_max);
}

static unsigned room(unsigned limit, unsigned used)
{
    return used < limit ? limit - used : 0;
}

/* How many more jobs may be in hand, and how many more until too many are unsettled. */
static unsigned rooms_locked(const struct budget *b, unsigned limit, unsigned *settling)
{
    unsigned used = b->asked + b->in_hand;

    *settling = room(SETTLING_TIMES * limit + SETTLING_SLACK, used + b->settling);
    return room(limit, used);
}

unsigned budget_share(struct budget *b)
{
    unsigned share;

    mutex_lock(&b->lock);
    share = (limit_locked(b) + b->lanes - 1) / b->lanes;
    mutex_unlock(&b->lock);
    return share;
}

unsigned budget_ask(struct budget *b, unsigned want)
{
    unsigned limit, most, most_settling;

    mutex_lock(&b->lock);
    limit = limit_locked(b);
    most = rooms_locked(b, limit, &most_settling);
    if (most > most_settling)
        most = most_settling;
    if (want > most) {
        want = most;
        b->hungry = true;
    }
    b->asked += want;
    mutex_unlock(&b->lock);
    return want;
}

/* Hunger is worth acting on when there is room. Room that was made by Faktory's answers comes job
 * by job while it is the bottleneck: then wait for some of it, for fewer and larger writes. */
static bool take_hunger_locked(struct budget *b)
{
    unsigned limit, most, most_settling;

    if (!b->hungry)
        return false;
    limit = limit_locked(b);
    most = rooms_locked(b, limit, &most_settling);
    if (most == 0 || most_settling <= limit / SETTLED_PART)
        return false;
    b->hungry = false;
    return true;
}

bool budget_answered(struct budget *b, bool job)
{
    bool hungry = false;

    mutex_lock(&b->lock);
    b->asked--;
    if (job) {
        b->in_hand++;
        b->delivering++;
        forecast_begun(&b->forecast, clock_us());
    } else
        hungry = take_hunger_locked(b);
    if (b->asked == 0 && b->delivering == 0)
        cond_broadcast(&b->unasked);
    mutex_unlock(&b->lock);
    return hungry;
}

void budget_delivered(struct budget *b)
{
    mutex_lock(&b->lock);
    b->delivering--;
    if (b->asked == 0 && b->delivering == 0)
        cond_broadcast(&b->unasked);
    mutex_unlock(&b->lock);
}

bool budget_finished(struct budget *b)
{
    bool hungry;

    mutex_lock(&b->lock);
    b->in_hand--;
    b->settling++;
    forecast_finished(&b->forecast, clock_us());
    hungry = take_hunger_locked(b);
    mutex_unlock(&b->lock);
    return hungry;
}

bool budget_settled(struct budget *b)
{
    bool hungry;

    mutex_lock(&b->lock);
    b->settling--;
    hungry = take_hunger_locked(b);
    mutex_unlock(&b->lock);
    return hungry;
}

void budget_set_rtt(struct budget *b, int64_t rtt_us)
{
    mutex_lock(&b->lock);
    b->forecast.rtt_us = rtt_us;
    mutex_unlock(&b->lock);
}

int64_t budget_rtt_us(struct budget *b)
{
    int64_t rtt_us;

    mutex_lock(&b->lock);
    rtt_us = b->forecast.rtt_us;
    mutex_unlock(&b->lock);
    return rtt_us;
}

bool budget_wait_unasked(struct budget *b, int64_t deadline_ms)
{
    bool done;

    mutex_lock(&b->lock);
    while (b->asked + b->delivering > 0 && cond_wait_until(&b->unasked, &b->lock, deadline_ms))
        ;
    done = b->asked + b->delivering == 0;
    mutex_unlock(&b->lock);
    return done;
}

void budget_look(struct budget *b, unsigned *asked, unsigned *in_hand)
{
    mutex_lock(&b->lock);
    *asked = b->asked;
    *in_hand = b->in_hand;
    mutex_unlock(&b->lock);
}
