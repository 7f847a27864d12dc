// SPDX-License-Identifier: MIT
/*
 * http_load - many requests at once: N keep-alive connections to 127.0.0.1, each with a thread that
 * sends the next request of the whole run when its answer came. Every answer is kept, in the order
 * of the requests, for the test to look at afterwards.
 *
 * Raw sockets, HTTP/1.1 with Content-Length answers only: what it cannot read counts as unanswered.
 * Start, ask and finish from one thread; `make` is called from the connections' threads.
 */
#ifndef TESTS_SUPPORT_HTTP_LOAD_H
#define TESTS_SUPPORT_HTTP_LOAD_H

#include <stdint.h>

#include "common/base/buf.h"

struct http_load {
    int port;
    int connections;
    int requests;       /* of all connections together */
    const char *method; /* NULL: POST */
    int timeout_ms;     /* for one answer; 0: 30 seconds */
    /* Writes path and body of request n (0 ...). From several threads at once. */
    void (*make)(int n, struct buf *path, struct buf *body, void *arg);
    void *arg;
};

struct http_load_answer {
    int status; /* 0: no answer (refused, closed early, too late) */
    char *body; /* NULL without an answer */
    int64_t us; /* from the first byte sent to the last byte read */
};

struct http_load_run;

/* Starts the connections; NULL when there is no room for their threads. `load` is copied. */
struct http_load_run *http_load_start(const struct http_load *load);

/* Requests that have ended so far, answered or not. */
int http_load_progress(const struct http_load_run *run);

/* Sends nothing new; what is under way is still answered. Requests never sent have status 0. */
void http_load_stop(struct http_load_run *run);

/* Waits for the end; the answers, `requests` of them, belong to the run. */
const struct http_load_answer *http_load_finish(struct http_load_run *run);

/* Finishes and frees. NULL is allowed. */
void http_load_free(struct http_load_run *run);

#endif
