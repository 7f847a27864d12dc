// SPDX-License-Identifier: MIT
#include "worker/runner.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "worker/handler_job.h"

struct runner {
    /* fixed before the crew is opened */
    const struct registry *registry;
    struct consumer *consumer;

    struct handler_stop stop;
    _Atomic unsigned long done, failed, given_up;
};

struct runner *runner_new(const struct registry *registry)
{
    struct runner *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->registry = registry;
    runner_stop_at(r, CLOCK_NEVER, CLOCK_NEVER);
    return r;
}

void runner_free(struct runner *r)
{
    free(r);
}

void runner_connect(struct runner *r, struct consumer *consumer)
{
    r->consumer = consumer;
}

void runner_stop_at(struct runner *r, int64_t ask_ms, int64_t cut_ms)
{
    atomic_store(&r->stop.ask_ms, ask_ms);
    atomic_store(&r->stop.cut_ms, cut_ms);
}

/* ---- running ---- */

static void refuse_unknown(const struct runner *r, struct wf_job *call)
{
    struct buf names = BUF_INIT(0);

    registry_names(r->registry, &names);
    wf_fail_for_good(call, "UnknownJobType",
                     "this worker has no handler for \"%s\"; it has handlers for: %s",
                     wf_type(call), buf_str(&names));
    buf_fini(&names);
}

static void run_handler(const struct runner *r, const struct registry_entry *entry,
                        struct wf_job *call)
{
    if (entry->run)
        entry->run(call);
    else
        refuse_unknown(r, call);
    if (call->word == HANDLER_SILENT)
        wf_fail_for_good(call, "NoOutcome", "the handler of \"%s\" did not say how it went",
                         wf_type(call));
}

/* ---- telling ---- */

static void log_done(struct wf_job *call, int64_t us)
{
    struct buf result = BUF_INIT(0);

    handler_job_result(call, &result);
    log_debug("job done jid=%s type=%s attempt=%" PRId64 " us=%" PRId64 " args=%.*s result=%s",
              wf_jid(call), wf_type(call), wf_attempt(call), us, (int)call->job->args.len,
              call->job->args.at, result.len > 0 ? buf_str(&result) : "none");
    buf_fini(&result);
}

/* A failure that is final is a person's to look at; one that is tried again is not, yet. */
static void log_failed(struct wf_job *call, bool permanent)
{
    void (*log)(const char *fmt, ...) __attribute__((format(printf, 1, 2))) =
        permanent ? log_warn : log_info;

    log("job failed jid=%s type=%s attempt=%" PRId64 " errtype=%s permanent=%s message=\"%s\"",
        wf_jid(call), wf_type(call), wf_attempt(call), call->errtype, permanent ? "yes" : "no",
        buf_str(&call->text));
}

static void warn_if_late(struct wf_job *call, int64_t ended_ms)
{
    int64_t late_ms = ended_ms - call->job->fetched_ms - call->job->reserve_for_s * 1000;

    if (late_ms > 0)
        log_warn("job ended %" PRId64 " ms after its reservation: Faktory may run it again jid=%s "
                 "type=%s reserve_for=%" PRId64 "s",
                 late_ms, wf_jid(call), wf_type(call), call->job->reserve_for_s);
}

static void add_one(_Atomic unsigned long *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

static void settle(struct runner *r, const struct registry_entry *entry, struct wf_job *call,
                   struct job *job, int64_t us)
{
    bool permanent = call->word == HANDLER_BURY;

    histogram_observe(entry->run_us, us);
    if (permanent || call->word == HANDLER_RETRY) {
        counter_add(permanent ? entry->buried : entry->failed, 1);
        add_one(&r->failed);
        log_failed(call, permanent);
        consumer_fail(r->consumer, job, call->errtype, buf_str(&call->text), permanent);
        return;
    }
    counter_add(entry->done, 1);
    add_one(&r->done);
    if (log_enabled(LOG_DEBUG))
        log_done(call, us);
    consumer_ack(r->consumer, job);
}

void runner_run(void *runner, struct crew_seat *seat, void *item)
{
    struct runner *r = runner;
    struct job *job = item;
    const struct registry_entry *entry = registry_find(r->registry, job->type);
    struct wf_job call;
    int64_t us;

    handler_job_begin(&call, job, &r->stop);
    run_handler(r, entry, &call);
    us = clock_us() - crew_started_us(seat);
    if (crew_claim(seat)) {
        warn_if_late(&call, (crew_started_us(seat) + us) / 1000);
        settle(r, entry, &call, job, us);
    }
    handler_job_end(&call);
}

/* ---- giving up ---- */

void runner_give_up(void *runner, void *item, int64_t started_us)
{
    struct runner *r = runner;
    const struct job *job = item;
    struct err_text why = {""};
    struct job *copy = job_parse(job->text.at, job->text.len, &why);
    double seconds = (double)(clock_us() - started_us) * 1e-6;
    struct buf message = BUF_INIT(0), jid = BUF_INIT(0);

    job_first_jid(job, &jid);
    buf_addf(&message, "the worker stopped and the job had not ended after %.1f s", seconds);
    log_warn("job did not end jid=%s type=%s attempt=%" PRId64 " errtype=WorkerStopped "
             "message=\"%s\"",
             buf_str(&jid), job->type, job->attempt, buf_str(&message));
    add_one(&r->given_up);
    counter_add(registry_find(r->registry, job->type)->failed, 1);
    if (copy)
        consumer_fail(r->consumer, copy, "WorkerStopped", buf_str(&message), false);
    else
        log_error("job could not be given back jid=%s: %s", buf_str(&jid), why.text);
    buf_fini(&message);
    buf_fini(&jid);
}

void runner_look(const struct runner *r, struct runner_totals *totals)
{
    totals->done = atomic_load(&r->done);
    totals->failed = atomic_load(&r->failed);
    totals->given_up = atomic_load(&r->given_up);
}
