// SPDX-License-Identifier: MIT
#include "worker/handler_job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/json/json_write.h"

/* How long before the end of its reservation a job's time is up: for the outcome to get there. */
enum { MARGIN_MS = 5000 };

void handler_job_begin(struct wf_job *call, const struct job *job, const struct handler_stop *stop)
{
    call->job = job;
    call->stop = stop;
    call->deadline_ms = job->fetched_ms + job->reserve_for_s * 1000 - MARGIN_MS;
    call->word = HANDLER_SILENT;
    call->number = 0;
    call->text = (struct buf)BUF_INIT(0);
    call->errtype[0] = '\0';
    call->strings = NULL;
    call->n_strings = 0;
}

void handler_job_end(struct wf_job *call)
{
    for (size_t i = 0; i < call->n_strings; i++)
        free(call->strings[i]);
    free(call->strings);
    buf_fini(&call->text);
}

const char *handler_job_keep(struct wf_job *call, char *string)
{
    char **more = NULL;

    if (string)
        more = realloc(call->strings, (call->n_strings + 1) * sizeof *more);
    if (!more) {
        free(string);
        return NULL;
    }
    call->strings = more;
    return more[call->n_strings++] = string;
}

void handler_job_result(const struct wf_job *call, struct buf *out)
{
    if (call->word == HANDLER_NUMBER)
        json_write_double(out, call->number);
    else if (call->word == HANDLER_JSON)
        buf_add(out, buf_str(&call->text), call->text.len);
}

/* ---- the job, as the handler asks for it ---- */

const char *wf_jid(struct wf_job *job)
{
    struct buf first = BUF_INIT(0);
    const char *jid;

    if (job->job->custom.len == 0)
        return job->job->jid;
    job_first_jid(job->job, &first);
    jid = handler_job_keep(job, buf_take(&first));
    return jid ? jid : job->job->jid;
}

const char *wf_type(const struct wf_job *job)
{
    return job->job->type;
}

int64_t wf_attempt(const struct wf_job *job)
{
    return job->job->attempt;
}

int64_t wf_ms_left(const struct wf_job *job)
{
    int64_t until = atomic_load_explicit(&job->stop->cut_ms, memory_order_relaxed);
    int64_t now = clock_ms();

    if (until > job->deadline_ms)
        until = job->deadline_ms;
    return until > now ? until - now : 0;
}

bool wf_should_stop(const struct wf_job *job)
{
    int64_t now = clock_ms();

    return now >= job->deadline_ms ||
           now >= atomic_load_explicit(&job->stop->ask_ms, memory_order_relaxed);
}

/* ---- how it went ---- */

/* True for the first word. */
static bool say(struct wf_job *job, enum handler_word word)
{
    if (job->word != HANDLER_SILENT)
        return false;
    job->word = word;
    return true;
}

/* The work is done whatever the result looks like, so a bad one costs the result, not the job. */
static void check_result(struct wf_job *job)
{
    struct json_slice root;
    struct err_text why;

    if (!job->text.failed && json_check(buf_str(&job->text), job->text.len, &root, &why) == 0)
        return;
    log_error("result dropped: not JSON jid=%s type=%s: %s", wf_jid(job), wf_type(job),
              job->text.failed ? "out of memory" : why.text);
    job->word = HANDLER_DONE;
}

void wf_succeed(struct wf_job *job, const char *result)
{
    if (!say(job, result ? HANDLER_JSON : HANDLER_DONE) || !result)
        return;
    buf_add_str(&job->text, result);
    check_result(job);
}

void wf_succeed_number(struct wf_job *job, double result)
{
    if (say(job, HANDLER_NUMBER))
        job->number = result;
}

void wf_succeed_string(struct wf_job *job, const char *result)
{
    if (!say(job, HANDLER_JSON))
        return;
    json_write_cstr(&job->text, result);
    check_result(job);
}

/* How many bytes of the text are within `max` without half a UTF-8 character at the end. */
static size_t cut(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);

    if (len <= max)
        return len;
    len = max;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static void fail(struct wf_job *job, enum handler_word word, const char *type, const char *format,
                 va_list args)
{
    char message[HANDLER_MESSAGE_MAX + 8];
    size_t len;

    if (!say(job, word))
        return;
    len = cut(type, HANDLER_ERRTYPE_MAX);
    memcpy(job->errtype, type, len);
    job->errtype[len] = '\0';
    vsnprintf(message, sizeof message, format, args);
    buf_add(&job->text, message, cut(message, HANDLER_MESSAGE_MAX));
}

void wf_fail(struct wf_job *job, const char *type, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(job, HANDLER_RETRY, type, format, args);
    va_end(args);
}

void wf_fail_for_good(struct wf_job *job, const char *type, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(job, HANDLER_BURY, type, format, args);
    va_end(args);
}
