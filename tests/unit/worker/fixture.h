// SPDX-License-Identifier: MIT
/* fixture - a job as a handler gets it, made from the JSON text of its arguments. */
#ifndef TESTS_UNIT_WORKER_FIXTURE_H
#define TESTS_UNIT_WORKER_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/support/suite.h"
#include "worker/handler_job.h"

/* Never stops anything. */
static struct handler_stop fixture_stop = {CLOCK_NEVER, CLOCK_NEVER};

static struct job *fixture_job(const char *type, const char *args, const char *more)
{
    char text[4096];
    struct err_text why = {""};
    struct job *job;

    snprintf(text, sizeof text,
             "{\"jid\":\"0123456789abcdef\",\"jobtype\":\"%s\",\"queue\":\"default\","
             "\"reserve_for\":600,\"retry\":25,\"args\":%s%s}",
             type, args, more);
    job = job_parse(text, strlen(text), &why);
    if (!job)
        fprintf(stderr, "%s: %s\n", why.text, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    return job;
}

/* What a handler said about a job with these arguments. */
struct fixture_said {
    enum handler_word word;
    char errtype[HANDLER_ERRTYPE_MAX + 1];
    char text[HANDLER_MESSAGE_MAX + 1]; /* the result or the message */
};

__attribute__((unused)) static struct fixture_said fixture_run(wf_handler *run, const char *args)
{
    struct job *job = fixture_job("test", args, "");
    struct fixture_said said = {.word = HANDLER_SILENT};
    struct buf result = BUF_INIT(0);
    struct wf_job call;

    handler_job_begin(&call, job, &fixture_stop);
    run(&call);
    said.word = call.word;
    snprintf(said.errtype, sizeof said.errtype, "%s", call.errtype);
    handler_job_result(&call, &result);
    snprintf(said.text, sizeof said.text, "%s", buf_str(result.len > 0 ? &result : &call.text));
    buf_fini(&result);
    handler_job_end(&call);
    job_free(job);
    return said;
}

#endif
