// SPDX-License-Identifier: MIT
#include "tests/fault/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/jid.h"
#include "common/faktory/job.h"
#include "tests/support/wait.h"

struct faktory_settings rig_settings(const char *url)
{
    struct faktory_settings s = {.net = {.connect_ms = 2000,
                                         .read_ms = 1000,
                                         .write_ms = 2000,
                                         .keepalive_idle_ms = 60000,
                                         .keepalive_interval_ms = 10000,
                                         .keepalive_count = 3}};

    if (url_parse(url, &s.url, NULL) != 0)
        abort(); /* the test's own URL */
    return s;
}

/* ---- jobs to push ---- */

struct rig_job {
    struct push_job job; /* first: settled() gets the rig's job back from it */
    struct rig_jobs *jobs;
    struct buf text;
    char jid[JID_CHARS + 1];
    int outcome;    /* guarded by the lock of its jobs */
    unsigned times; /* guarded */
};

struct rig_jobs {
    struct rig_job *all;
    unsigned n;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned settled, twice; /* guarded by lock */
};

static void settled(struct push_job *job, enum push_outcome outcome, const char *why)
{
    struct rig_job *j = (struct rig_job *)job;
    struct rig_jobs *jobs = j->jobs;

    (void)why;
    mutex_lock(&jobs->lock);
    j->outcome = (int)outcome;
    if (j->times++ == 0)
        jobs->settled++;
    else
        jobs->twice++;
    cond_broadcast(&jobs->changed);
    mutex_unlock(&jobs->lock);
}

struct rig_jobs *rig_jobs_new(unsigned n, const char *queue, int64_t retry, int64_t within_ms)
{
    struct rig_jobs *jobs = calloc(1, sizeof *jobs);

    if (!jobs || !(jobs->all = calloc(n, sizeof *jobs->all)))
        abort();
    jobs->n = n;
    mutex_init(&jobs->lock);
    cond_init(&jobs->changed);
    for (unsigned i = 0; i < n; i++) {
        struct rig_job *j = &jobs->all[i];
        struct job_spec spec = {.jid = j->jid,
                                .type = "noop",
                                .queue = queue,
                                .args = {"[]", 2},
                                .retry = retry,
                                .reserve_for_s = 60};

        jid_make(j->jid);
        job_write(&j->text, &spec);
        j->jobs = jobs;
        j->outcome = RIG_UNSETTLED;
        j->job = (struct push_job){.jid = j->jid,
                                   .text = j->text.data,
                                   .len = j->text.len,
                                   .deadline_ms = clock_ms() + within_ms,
                                   .settled = settled};
    }
    return jobs;
}

void rig_jobs_pack(struct rig_jobs *jobs, unsigned pack_max)
{
    for (unsigned i = 0; i < jobs->n; i++) {
        struct push_job *job = &jobs->all[i].job;

        job->pack_max = pack_max;
        job->queue = "default";
        job->retry = 25;
        job->reserve_for_s = 60;
    }
}

void rig_jobs_free(struct rig_jobs *jobs)
{
    for (unsigned i = 0; i < jobs->n; i++)
        buf_fini(&jobs->all[i].text);
    cond_fini(&jobs->changed);
    mutex_fini(&jobs->lock);
    free(jobs->all);
    free(jobs);
}

int rig_jobs_add(struct rig_jobs *jobs, struct pusher *p, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++)
        jobs->all[i].job.next = i + 1 < from + n ? &jobs->all[i + 1].job : NULL;
    return pusher_add(p, &jobs->all[from].job, n, NULL);
}

bool rig_jobs_wait(struct rig_jobs *jobs, unsigned n, int64_t timeout_ms)
{
    int64_t deadline = clock_ms() + timeout_ms;
    bool done;

    mutex_lock(&jobs->lock);
    while (jobs->settled < n && cond_wait_until(&jobs->changed, &jobs->lock, deadline))
        ;
    done = jobs->settled >= n;
    mutex_unlock(&jobs->lock);
    return done;
}

unsigned rig_jobs_settled(struct rig_jobs *jobs)
{
    unsigned n;

    mutex_lock(&jobs->lock);
    n = jobs->settled;
    mutex_unlock(&jobs->lock);
    return n;
}

unsigned rig_jobs_twice(struct rig_jobs *jobs)
{
    unsigned n;

    mutex_lock(&jobs->lock);
    n = jobs->twice;
    mutex_unlock(&jobs->lock);
    return n;
}

unsigned rig_jobs_count(struct rig_jobs *jobs, enum push_outcome outcome)
{
    unsigned n = 0;

    mutex_lock(&jobs->lock);
    for (unsigned i = 0; i < jobs->n; i++)
        n += jobs->all[i].outcome == (int)outcome;
    mutex_unlock(&jobs->lock);
    return n;
}

int rig_jobs_outcome(struct rig_jobs *jobs, unsigned i)
{
    int outcome;

    mutex_lock(&jobs->lock);
    outcome = jobs->all[i].outcome;
    mutex_unlock(&jobs->lock);
    return outcome;
}

const char *rig_jobs_jid(const struct rig_jobs *jobs, unsigned i)
{
    return jobs->all[i].jid;
}

/* ---- a consumer and what comes out of it ---- */

struct rig_receiver {
    struct consumer *consumer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    struct job **jobs; /* all that were delivered */
    unsigned delivered, taken, room;
    unsigned wishes;
    enum consumer_wish wish;
};

static void deliver(void *ctx, struct job *job)
{
    struct rig_receiver *r = ctx;

    mutex_lock(&r->lock);
    if (r->delivered == r->room) {
        r->room = r->room ? r->room * 2 : 64;
        if (!(r->jobs = realloc(r->jobs, r->room * sizeof(struct job *))))
            abort();
    }
    r->jobs[r->delivered++] = job;
    cond_broadcast(&r->changed);
    mutex_unlock(&r->lock);
}

static void wished(void *ctx, enum consumer_wish wish)
{
    struct rig_receiver *r = ctx;

    mutex_lock(&r->lock);
    r->wishes++;
    r->wish = wish;
    cond_broadcast(&r->changed);
    mutex_unlock(&r->lock);
}

struct rig_receiver *rig_receiver_start(const struct consumer_options *options)
{
    static const char *const default_queues[] = {"default"};
    struct rig_receiver *r = calloc(1, sizeof *r);
    struct consumer_options o = *options;

    if (!r)
        abort();
    o.deliver = deliver;
    o.wished = wished;
    o.ctx = r;
    if (!o.hostname)
        o.hostname = "rig";
    if (!o.labels)
        o.labels = "[\"c\"]";
    if (!o.queues) {
        o.queues = default_queues;
        o.n_queues = 1;
    }
    mutex_init(&r->lock);
    cond_init(&r->changed);
    if (consumer_start(&o, &r->consumer) == 0)
        return r;
    cond_fini(&r->changed);
    mutex_fini(&r->lock);
    free(r);
    return NULL;
}

struct consumer *rig_consumer(struct rig_receiver *r)
{
    return r->consumer;
}

struct job *rig_take(struct rig_receiver *r, int64_t timeout_ms)
{
    int64_t deadline = clock_ms() + timeout_ms;
    struct job *job = NULL;

    mutex_lock(&r->lock);
    while (r->taken == r->delivered && cond_wait_until(&r->changed, &r->lock, deadline))
        ;
    if (r->taken < r->delivered)
        job = r->jobs[r->taken++];
    mutex_unlock(&r->lock);
    return job;
}

unsigned rig_delivered(struct rig_receiver *r)
{
    unsigned n;

    mutex_lock(&r->lock);
    n = r->delivered;
    mutex_unlock(&r->lock);
    return n;
}

struct look {
    struct rig_receiver *receiver;
    bool (*cond)(const struct consumer_state *state);
    struct consumer_state state;
};

static bool look(void *arg)
{
    struct look *l = arg;

    consumer_look(l->receiver->consumer, &l->state);
    return l->cond(&l->state);
}

bool rig_wait(struct rig_receiver *r, bool (*cond)(const struct consumer_state *state),
              int64_t timeout_ms, struct consumer_state *state)
{
    struct look l = {.receiver = r, .cond = cond};
    bool done = wait_until(look, &l, timeout_ms);

    if (state)
        *state = l.state;
    return done;
}

unsigned rig_wishes(struct rig_receiver *r, enum consumer_wish *last)
{
    unsigned n;

    mutex_lock(&r->lock);
    n = r->wishes;
    if (last)
        *last = r->wish;
    mutex_unlock(&r->lock);
    return n;
}

void rig_receiver_stop(struct rig_receiver *r, int64_t deadline_ms)
{
    consumer_stop(r->consumer, deadline_ms);
    while (r->taken < r->delivered) /* what nobody took */
        job_free(r->jobs[r->taken++]);
    cond_fini(&r->changed);
    mutex_fini(&r->lock);
    free(r->jobs);
    free(r);
}
