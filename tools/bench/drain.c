// SPDX-License-Identifier: MIT
#include "tools/bench/drain.h"

#include "common/base/clock.h"

enum { STALL_US = 30000000, ENOUGH_US = 800000 };

int drain_sample(struct drain *d, struct server *s, struct err_text *why)
{
    int code = server_info(s, &d->last, why);

    if (code == 0 && d->n < DRAIN_SAMPLES_MAX) {
        d->sample[d->n].at_us = d->last.at_us;
        d->sample[d->n++].done = d->last.processed;
    }
    return code;
}

int drain_watch(struct drain *d, struct server *s, long long jobs, int64_t until_us,
                struct err_text *why)
{
    int64_t next = clock_us(), moved = next;
    long long before = -1;

    for (;;) {
        int code = drain_sample(d, s, why);

        if (code != 0)
            return code;
        if (d->last.failures > 0)
            return err_set(why, ERR_REFUSED, "%lld jobs failed", d->last.failures);
        if (d->last.processed != before)
            moved = d->last.at_us;
        before = d->last.processed;
        bench_progress("%lld of %lld jobs, %.0f/s", before, jobs, drain_rate(d));
        if (before >= jobs || d->last.at_us >= until_us)
            return 0;
        if (d->last.at_us - moved > STALL_US)
            return err_set(why, ERR_TIMEOUT, "nothing moves, with %lld of %lld jobs done", before,
                           jobs);
        next += DRAIN_POLL_US;
        if (!bench_sleep_until(next < until_us ? next : until_us))
            return err_set(why, ERR_STOPPED, "stopped");
    }
}

static double rate_between(const struct drain *d, unsigned from, unsigned to)
{
    double us = (double)(d->sample[to].at_us - d->sample[from].at_us);

    return us > 0 ? (double)(d->sample[to].done - d->sample[from].done) * 1e6 / us : 0;
}

double drain_rate_from(const struct drain *d, unsigned from)
{
    unsigned to = d->n > 0 ? d->n - 1 : 0, first = from;

    while (first < to && d->sample[first].done == 0)
        first++;
    /* the last sample that is not the end: the end itself was some time before its sample */
    while (to > first && d->sample[to - 1].done == d->sample[to].done)
        to--;
    if (to > first + 1 && d->sample[to - 1].at_us - d->sample[first].at_us >= ENOUGH_US)
        to--;
    else if (first > 0)
        first--;
    return to > first ? rate_between(d, first, to) : 0;
}

double drain_rate(const struct drain *d)
{
    return drain_rate_from(d, 0);
}

/* When the n-th job was done, between the samples around it. */
static double time_of(const struct drain *d, double n)
{
    unsigned i = 1;

    while (i + 1 < d->n && (double)d->sample[i].done < n)
        i++;
    double before = (double)d->sample[i - 1].done, gain = (double)d->sample[i].done - before;
    double span = (double)(d->sample[i].at_us - d->sample[i - 1].at_us);

    return (double)d->sample[i - 1].at_us + (gain > 0 ? span * (n - before) / gain : 0);
}

double drain_tenth_rate(const struct drain *d, unsigned tenth)
{
    double jobs, us;

    if (d->n < 2)
        return 0;
    jobs = (double)d->sample[d->n - 1].done;
    us = time_of(d, jobs * tenth / 10) - time_of(d, jobs * (tenth - 1) / 10);
    return us > 0 ? jobs / 10 * 1e6 / us : 0;
}

int drain_check_all_done(const struct server_info *i, long long jobs, struct err_text *why)
{
    if (i->processed == jobs && i->failures == 0 && i->enqueued == 0 && i->working == 0 &&
        i->retries == 0 && i->dead == 0 && i->scheduled == 0)
        return 0;
    return err_set(why, ERR_PROTOCOL,
                   "of %lld jobs %lld were processed; failed %lld, waiting %lld, working %lld, "
                   "retries %lld, dead %lld, scheduled %lld",
                   jobs, i->processed, i->failures, i->enqueued, i->working, i->retries, i->dead,
                   i->scheduled);
}

int drain_check_none_lost(const struct server_info *i, long long jobs, long long strays,
                          struct err_text *why)
{
    long long known = i->processed + i->enqueued + i->working;

    if (known <= jobs && known >= jobs - strays && i->failures == 0)
        return 0;
    return err_set(why, ERR_PROTOCOL,
                   "of %lld jobs %lld are processed, %lld wait, %lld run; failed %lld", jobs,
                   i->processed, i->enqueued, i->working, i->failures);
}
