// SPDX-License-Identifier: MIT
/*
 * http - an HTTP/1.1 server for small JSON calls, on libmicrohttpd driven by a loop of our own.
 * http.c is the one file that includes microhttpd.h.
 *
 * One loop thread runs everything of HTTP: handlers are called on it with the whole body and must
 * not block. A handler either replies at once or defers: the connection is then suspended, any
 * thread calls http_resume() when the answer is known, and the loop thread calls the resume
 * function, which replies. The caller of http_defer() must make sure that http_resume() comes, by
 * a deadline of its own: a suspended connection has no time-out.
 *
 * Answered here, before any handler: 400 (malformed, duplicate Content-Length, Content-Length with
 * Transfer-Encoding, unknown transfer coding), 404, 405 with Allow, 408 and closing of clients that
 * are slow to send a request, 411, 413, 415 for a body that says it is not JSON, 431, 503 while
 * stopping. Every error body is {"error":"..."}.
 */
#ifndef COMMON_HTTP_HTTP_H
#define COMMON_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/metrics/metrics.h"

struct http_server;
struct http_request;

/* Runs on the loop thread; replies or defers before it returns (else: 500). */
typedef void http_handler(struct http_request *r, void *ctx);

struct http_route {
    const char *method; /* "GET" also answers HEAD */
    const char *path;   /* exact */
    http_handler *handler;
    const char *summary; /* one line, for documents */
};

struct http_options {
    const char *bind_addr; /* "127.0.0.1:3000", "[::1]:3000", "0.0.0.0:0" (0: any free port) */
    const struct http_route *routes;
    size_t n_routes;
    void *ctx;                  /* given to every handler */
    size_t body_max_bytes;      /* over it: 413 */
    int64_t request_timeout_ms; /* for the whole request to arrive, counted from its first byte */
    int64_t idle_timeout_ms;    /* between requests of a kept-alive connection */
    unsigned connections_max;
    struct metrics *metrics;    /* NULL: none; else wf_http_* are registered there */
    const char *metrics_prefix; /* "wf_api" gives wf_api_http_requests_total{route,status} ... */
};

/* Binds, starts the loop thread. NULL with `why` set (address in use, bad address, no memory). */
struct http_server *http_start(const struct http_options *options, struct err_text *why);

/* The port that is bound: interesting when 0 was asked for. */
unsigned http_port(const struct http_server *s);

/*
 * The first step of stopping, from any thread: takes no new connection, answers new requests on
 * kept-alive ones with 503 and `Connection: close`. Deferred requests go on. Does not block.
 */
void http_quiesce(struct http_server *s);

/*
 * Waits until every deferred request was resumed and answered, but not longer than the deadline
 * for clients to take their answers; then ends the loop and frees the server. The caller has made
 * sure that all deferred requests are being resumed.
 */
void http_stop(struct http_server *s, int64_t deadline_ms);

/* ---- inside handlers and resume functions; loop thread only ---- */

const char *http_path(const struct http_request *r);
/* The body, never NULL; *len may be 0. Lives as long as the request. */
const char *http_body(const struct http_request *r, size_t *len);
/* A query parameter or header, or NULL. Lives as long as the request. */
const char *http_query(const struct http_request *r, const char *name);
const char *http_header(const struct http_request *r, const char *name);

/* Adds a header to the reply to come. Values are ours; no CR or LF. */
void http_add_header(struct http_request *r, const char *name, const char *value);

/* Replies with the contents of `body`, which is emptied. Exactly once per request. */
void http_reply(struct http_request *r, unsigned status, const char *content_type,
                struct buf *body);

/* Replies {"error":"<sentence>"}. */
__attribute__((format(printf, 3, 4))) void http_reply_error(struct http_request *r,
                                                            unsigned status, const char *fmt, ...);

#define HTTP_JSON "application/json"

/* ---- answering later ---- */

typedef void http_resume_fn(struct http_request *r, void *state);

/* Suspends the request; `fn(r, state)` will run on the loop thread after http_resume(r). */
void http_defer(struct http_request *r, http_resume_fn *fn, void *state);

/* From any thread, exactly once per deferred request; r may be gone when this returns. */
void http_resume(struct http_request *r);

#endif
