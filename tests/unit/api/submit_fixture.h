// SPDX-License-Identifier: MIT
/*
 * submit_fixture - what stands around the handlers that store jobs: HTTP and the pusher, both
 * played by the test, which decides what becomes of each job, and when, and on which thread. Each
 * test program includes this once; submit_setup() and submit_teardown() go around each test.
 */
#ifndef TESTS_UNIT_API_SUBMIT_FIXTURE_H
#define TESTS_UNIT_API_SUBMIT_FIXTURE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/submit.h"
#include "common/base/clock.h"
#include "tests/support/suite.h"

/* ---- HTTP ---- */

struct http_request {
    const char *path, *body;
    const char *pack; /* ?pack= */
    size_t body_len;
    http_resume_fn *resume;
    void *state;
    unsigned resumed, replied, status;
    char retry_after[16];
    struct buf reply;
};

static struct http_request request;
static pthread_mutex_t resume_lock = PTHREAD_MUTEX_INITIALIZER;

const char *http_path(const struct http_request *r)
{
    return r->path;
}

const char *http_body(const struct http_request *r, size_t *len)
{
    *len = r->body_len;
    return r->body;
}

const char *http_query(const struct http_request *r, const char *name)
{
    return strcmp(name, "pack") == 0 ? r->pack : NULL;
}

void http_add_header(struct http_request *r, const char *name, const char *value)
{
    if (strcmp(name, "Retry-After") == 0)
        snprintf(r->retry_after, sizeof r->retry_after, "%s", value);
}

void http_reply(struct http_request *r, unsigned status, const char *content_type, struct buf *body)
{
    (void)content_type;
    r->replied++;
    r->status = status;
    buf_fini(&r->reply);
    r->reply = *body;
    *body = (struct buf)BUF_INIT(0);
}

void http_reply_error(struct http_request *r, unsigned status, const char *fmt, ...)
{
    struct buf body = BUF_INIT(0);
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_addf(&body, "{\"error\":\"%s\"}", text);
    http_reply(r, status, HTTP_JSON, &body);
}

void http_defer(struct http_request *r, http_resume_fn *fn, void *state)
{
    r->resume = fn;
    r->state = state;
}

void http_resume(struct http_request *r)
{
    pthread_mutex_lock(&resume_lock);
    r->resumed++;
    pthread_mutex_unlock(&resume_lock);
}

/* ---- the pusher ---- */

static struct {
    int code;     /* what pusher_add() is to return */
    bool at_once; /* settle the jobs inside pusher_add() */
    struct push_job *first;
    unsigned n, calls;
    int64_t deadline_ms;
    struct pusher_state state;
} pusher;

static enum push_outcome outcomes[16];

static void settle(struct push_job *job, enum push_outcome outcome)
{
    char why[] = "because"; /* does not outlive the call */

    job->settled(job, outcome, outcome == PUSH_STORED ? NULL : why);
    memset(why, 'x', sizeof why - 1);
}

/* Settles from the last to the first: the order must not matter. */
static void settle_all(struct push_job *job, unsigned i)
{
    if (!job)
        return;
    settle_all(job->next, i + 1);
    settle(job, outcomes[i % 16]);
}

int pusher_add(struct pusher *p, struct push_job *first, unsigned n, struct err_text *why)
{
    (void)p;
    pusher.calls++;
    if (pusher.code != 0)
        return err_set(why, pusher.code, "no room");
    pusher.first = first;
    pusher.n = n;
    pusher.deadline_ms = first->deadline_ms;
    if (pusher.at_once)
        settle_all(first, 0);
    return 0;
}

bool pusher_ask(struct pusher *p, struct link_command *command)
{
    (void)p;
    (void)command;
    return false;
}

void pusher_look(struct pusher *p, struct pusher_state *state)
{
    (void)p;
    *state = pusher.state;
}

/* ---- a request from end to end ---- */

static struct api_config config;
static struct api api;

static void submit_setup(void)
{
    memset(&config, 0, sizeof config);
    config.request_ms = 30000;
    config.queue_max = 1000;
    memset(&api, 0, sizeof api);
    api.config = &config;
    api.queues = queues_new("default,bulk");
    queues_note_exists(api.queues, 0);
    outlet_init(&api.outlet, NULL);
    memset(&pusher, 0, sizeof pusher);
    memset(outcomes, 0, sizeof outcomes);
    memset(&request, 0, sizeof request);
}

static void submit_teardown(void)
{
    buf_fini(&request.reply);
    job_input_fini(&api.input);
    queues_free(api.queues);
}

static void begin(http_handler *handler, const char *path, const char *body)
{
    request.path = path;
    request.body = body;
    request.body_len = strlen(body);
    handler(&request, &api);
}

/* What the loop thread does after http_resume(). */
static void resume(void)
{
    CU_ASSERT_EQUAL(request.resumed, 1);
    CU_ASSERT_EQUAL(request.replied, 0);
    request.resume(&request, request.state);
    CU_ASSERT_EQUAL(request.replied, 1);
}

static void run(http_handler *handler, const char *path, const char *body)
{
    begin(handler, path, body);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pusher.first);
    CU_ASSERT_EQUAL(request.resumed, 0);
    settle_all(pusher.first, 0);
    resume();
}

static bool replied(const char *text)
{
    if (strstr(buf_str(&request.reply), text))
        return true;
    fprintf(stderr, "got: %.1500s\n", buf_str(&request.reply));
    return false;
}

#define THREE                                                                                      \
    "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},{\"type\":\"Divide\",\"args\":"            \
    "{\"a\":1,\"b\":2}},{\"type\":\"t\",\"args\":[]}]}"

#endif
