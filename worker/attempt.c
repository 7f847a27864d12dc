// SPDX-License-Identifier: MIT
#include "worker/attempt.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"

const char attempt_stopped[] = "WorkerStopped";

struct attempts {
    const struct registry *registry; /* fixed */
    struct handler_stop stop;
    _Atomic unsigned long done, failed, given_up;
};

struct attempts *attempts_new(const struct registry *registry)
{
    struct attempts *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->registry = registry;
    attempts_stop_at(a, CLOCK_NEVER, CLOCK_NEVER);
    return a;
}

void attempts_free(struct attempts *a)
{
    free(a);
}

void attempts_stop_at(struct attempts *a, int64_t ask_ms, int64_t cut_ms)
{
    atomic_store(&a->stop.ask_ms, ask_ms);
    atomic_store(&a->stop.cut_ms, cut_ms);
}

/* ---- running ---- */

static void refuse_unknown(const struct attempts *a, struct wf_job *call)
{
    struct buf names = BUF_INIT(0);

    registry_names(a->registry, &names);
    wf_fail_for_good(call, "UnknownJobType",
                     "this worker has no handler for \"%s\"; it has handlers for: %s",
                     wf_type(call), buf_str(&names));
    buf_fini(&names);
}

void attempt_run(struct attempts *a, const struct job *job, struct attempt *it)
{
    struct wf_job *call = &it->call;

    it->entry = registry_find(a->registry, job->type);
    handler_job_begin(call, job, &a->stop);
    if (it->entry->run)
        it->entry->run(call);
    else
        refuse_unknown(a, call);
    if (call->word == HANDLER_SILENT)
        wf_fail_for_good(call, "NoOutcome", "the handler of \"%s\" did not say how it went",
                         wf_type(call));
}

void attempt_end(struct attempt *it)
{
    handler_job_end(&it->call);
}

/* ---- noting ---- */

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

bool attempt_is_permanent(const struct attempt *it)
{
    return it->call.word == HANDLER_BURY;
}

bool attempt_note(struct attempts *a, struct attempt *it, int64_t started_us, int64_t ended_us)
{
    bool permanent = attempt_is_permanent(it);

    warn_if_late(&it->call, ended_us / 1000);
    histogram_observe(it->entry->run_us, ended_us - started_us);
    if (permanent || it->call.word == HANDLER_RETRY) {
        counter_add(permanent ? it->entry->buried : it->entry->failed, 1);
        add_one(&a->failed);
        log_failed(&it->call, permanent);
        return true;
    }
    counter_add(it->entry->done, 1);
    add_one(&a->done);
    if (log_enabled(LOG_DEBUG))
        log_done(&it->call, ended_us - started_us);
    return false;
}

void attempt_give_up(struct attempts *a, const struct job *job, int64_t started_us,
                     struct buf *message)
{
    double seconds = (double)(clock_us() - started_us) * 1e-6;
    struct buf jid = BUF_INIT(0);

    job_first_jid(job, &jid);
    buf_addf(message, "the worker stopped and the job had not ended after %.1f s", seconds);
    log_warn("job did not end jid=%s type=%s attempt=%" PRId64 " errtype=%s message=\"%s\"",
             buf_str(&jid), job->type, job->attempt, attempt_stopped, buf_str(message));
    add_one(&a->given_up);
    counter_add(registry_find(a->registry, job->type)->failed, 1);
    buf_fini(&jid);
}

void attempts_note_refused(struct attempts *a, const struct job *job)
{
    add_one(&a->failed);
    counter_add(registry_find(a->registry, job->type)->buried, 1);
}

void attempts_look(const struct attempts *a, struct attempts_totals *totals)
{
    totals->done = atomic_load(&a->done);
    totals->failed = atomic_load(&a->failed);
    totals->given_up = atomic_load(&a->given_up);
}
