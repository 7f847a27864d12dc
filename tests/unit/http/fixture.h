// SPDX-License-Identifier: MIT
/*
 * The server that the tests of this room talk to, and a "store" that answers deferred requests
 * from a thread of its own. Header only, because a unit test is one file. One server at a time,
 * besides those a test starts itself.
 */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/http/http.h"
#include "common/metrics/metrics.h"
#include "tests/support/raw_http.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum {
    FIXTURE_BODY_MAX = 128 * 1024,
    FIXTURE_HELD_MAX = 1024,
    /* more than socket buffers take */ FIXTURE_BIG = 16 * 1024 * 1024
};

/* Deferred requests on their way to the storing thread, or held until a test lets them go. */
static struct fixture {
    struct http_server *server;
    unsigned port;
    struct metrics *metrics;
    pthread_t storer;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct http_request *waiting[FIXTURE_HELD_MAX];
    size_t n_waiting;
    bool hold; /* the storer leaves them waiting */
    bool quit;
    bool blocked, unblock; /* for /block: the loop thread stands still in it */

    atomic_uint resumed; /* resume functions that ran */
} fixture;

static inline void fixture_reply(struct http_request *r, unsigned status, const char *text)
{
    struct buf body = BUF_INIT(0);

    buf_add_str(&body, text);
    http_reply(r, status, "text/plain", &body);
}

static inline void handle_now(struct http_request *r, void *ctx)
{
    (void)ctx;
    fixture_reply(r, 200, "now");
}

static inline void handle_echo(struct http_request *r, void *ctx)
{
    struct buf body = BUF_INIT(0);
    size_t len;
    const char *in = http_body(r, &len);

    (void)ctx;
    buf_add(&body, in, len);
    http_reply(r, 200, HTTP_JSON, &body);
}

static inline void handle_ask(struct http_request *r, void *ctx)
{
    const char *q = http_query(r, "q"), *h = http_header(r, "x-test");
    struct buf body = BUF_INIT(0);

    (void)ctx;
    http_add_header(r, "X-First", "1");
    http_add_header(r, "X-Second", "two");
    buf_addf(&body, "%s q=%s h=%s", http_path(r), q ? q : "-", h ? h : "-");
    http_reply(r, 200, "text/plain", &body);
}

static inline void handle_silent(struct http_request *r, void *ctx)
{
    (void)r;
    (void)ctx;
}

static inline void handle_big(struct http_request *r, void *ctx)
{
    struct buf body = BUF_INIT(0);
    char *to = buf_reserve(&body, FIXTURE_BIG);

    (void)ctx;
    if (to) {
        memset(to, 'x', FIXTURE_BIG);
        buf_commit(&body, FIXTURE_BIG);
    }
    http_reply(r, 200, "text/plain", &body);
}

static inline void answer_later(struct http_request *r, void *state)
{
    struct buf body = BUF_INIT(0);
    size_t len;
    const char *in = http_body(r, &len);

    atomic_fetch_add(&fixture.resumed, 1);
    buf_addf(&body, "later:%.*s", (int)len, in);
    http_reply(r, *(unsigned *)state, "text/plain", &body);
    free(state);
}

static inline void handle_later(struct http_request *r, void *ctx)
{
    unsigned *status = malloc(sizeof *status);

    (void)ctx;
    if (!status)
        abort();
    *status = 202;
    http_defer(r, answer_later, status);
    mutex_lock(&fixture.lock);
    if (fixture.n_waiting == FIXTURE_HELD_MAX)
        abort();
    fixture.waiting[fixture.n_waiting++] = r;
    cond_broadcast(&fixture.changed);
    mutex_unlock(&fixture.lock);
}

static inline void *resume_it(void *r)
{
    http_resume(r);
    return NULL;
}

/* The resume has happened before the handler returns. */
static inline void handle_race(struct http_request *r, void *ctx)
{
    unsigned *status = malloc(sizeof *status);
    pthread_t thread;

    (void)ctx;
    if (!status)
        abort();
    *status = 202;
    http_defer(r, answer_later, status);
    if (thread_start(&thread, "racer", 0, resume_it, r) != 0)
        abort();
    thread_join(thread);
}

/* Stands still, and the loop with it, until the test says so: requests pile up meanwhile. */
static inline void handle_block(struct http_request *r, void *ctx)
{
    int64_t deadline = clock_ms() + RAW_TIMEOUT_MS;

    (void)ctx;
    mutex_lock(&fixture.lock);
    fixture.blocked = true;
    cond_broadcast(&fixture.changed);
    while (!fixture.unblock && cond_wait_until(&fixture.changed, &fixture.lock, deadline))
        ;
    fixture.blocked = fixture.unblock = false;
    mutex_unlock(&fixture.lock);
    fixture_reply(r, 200, "unblocked");
}

static const struct http_route fixture_routes[] = {
    {"GET", "/now", handle_now, "at once"},       {"POST", "/echo", handle_echo, "the body"},
    {"GET", "/ask", handle_ask, "query, header"}, {"GET", "/silent", handle_silent, "a bug"},
    {"GET", "/big", handle_big, "16 MiB"},        {"POST", "/later", handle_later, "deferred"},
    {"GET", "/later", handle_later, "deferred"},  {"POST", "/race", handle_race, "resumed early"},
    {"GET", "/block", handle_block, "stands"},
};

static inline struct http_options fixture_options(void)
{
    return (struct http_options){
        .bind_addr = "127.0.0.1:0",
        .routes = fixture_routes,
        .n_routes = sizeof fixture_routes / sizeof *fixture_routes,
        .body_max_bytes = FIXTURE_BODY_MAX,
        .request_timeout_ms = 10000,
        .idle_timeout_ms = 20000,
        .connections_max = 2000,
        .metrics = fixture.metrics,
        .metrics_prefix = "test",
    };
}

/* Resumes in batches what is deferred, like the one who stores jobs does. */
static inline void *store_loop(void *arg)
{
    struct http_request *batch[FIXTURE_HELD_MAX];
    size_t n;

    (void)arg;
    for (;;) {
        mutex_lock(&fixture.lock);
        while ((fixture.n_waiting == 0 || fixture.hold) && !fixture.quit)
            cond_wait(&fixture.changed, &fixture.lock);
        n = fixture.n_waiting;
        memcpy(batch, fixture.waiting, n * sizeof *batch);
        fixture.n_waiting = 0;
        mutex_unlock(&fixture.lock);
        for (size_t i = 0; i < n; i++)
            http_resume(batch[i]);
        if (n == 0)
            return NULL;
    }
}

static inline void fixture_start(const struct http_options *options)
{
    struct err_text why = {""};

    fixture.server = http_start(options, &why);
    if (!fixture.server) {
        printf("       %s\n", why.text);
        abort();
    }
    fixture.port = http_port(fixture.server);
}

/* The setup and teardown of every test; the store runs, the server is the test's to start. */
static inline void fixture_setup(void)
{
    memset(&fixture, 0, sizeof fixture);
    mutex_init(&fixture.lock);
    cond_init(&fixture.changed);
    fixture.metrics = metrics_new();
    if (!fixture.metrics || thread_start(&fixture.storer, "store", 0, store_loop, NULL) != 0)
        abort();
}

static inline void fixture_hold(bool hold)
{
    mutex_lock(&fixture.lock);
    fixture.hold = hold;
    cond_broadcast(&fixture.changed);
    mutex_unlock(&fixture.lock);
}

static inline void fixture_teardown(void)
{
    fixture_hold(false);
    http_stop(fixture.server, clock_ms() + 5000);
    mutex_lock(&fixture.lock);
    fixture.quit = true;
    cond_broadcast(&fixture.changed);
    mutex_unlock(&fixture.lock);
    thread_join(fixture.storer);
    metrics_free(fixture.metrics);
    cond_fini(&fixture.changed);
    mutex_fini(&fixture.lock);
}

/* Conditions for wait_until(). */
static inline bool fixture_waiting_is(void *n)
{
    bool is;

    mutex_lock(&fixture.lock);
    is = fixture.n_waiting == *(const size_t *)n;
    mutex_unlock(&fixture.lock);
    return is;
}

static inline bool fixture_is_blocked(void *unused)
{
    bool is;

    (void)unused;
    mutex_lock(&fixture.lock);
    is = fixture.blocked;
    mutex_unlock(&fixture.lock);
    return is;
}

static inline void fixture_unblock(void)
{
    mutex_lock(&fixture.lock);
    fixture.unblock = true;
    cond_broadcast(&fixture.changed);
    mutex_unlock(&fixture.lock);
}

static inline int64_t fixture_gauge(const char *name)
{
    return gauge_value(metrics_gauge(fixture.metrics, name, "", NULL));
}

static inline bool fixture_no_connections(void *unused)
{
    (void)unused;
    return fixture_gauge("test_http_connections") == 0;
}

#endif
