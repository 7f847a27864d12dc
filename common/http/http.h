// SPDX-License-Identifier: MIT
/*
 * http - an HTTP/1.1 server for small JSON calls, on libmicrohttpd driven by a loop of our own.
 * http_library.h is the one file that includes microhttpd.h.
 *
 * One loop thread runs everything of HTTP: handlers are called on it with the whole body and must
 * not block. A handler either replies at once or defers: the connection is then suspended, any
 * thread calls http_resume() when the answer is known, and the loop thread calls the resume
 * function, which replies. The caller of http_defer() must make sure that http_resume() comes, by
 * a deadline of its own: a suspended connection has no time-out.
 *
 * What the server answers itself, before any handler, is the table of http_answers.h.
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

/* Runs on the loop thread; replies or defers before it returns (else: 500, and an error line). */
typedef void http_handler(struct http_request *r, void *ctx);

struct http_route {
    const char *method; /* "GET" also answers HEAD */
    const char *path;   /* exact */
    http_handler *handler;
    const char *summary; /* one line, for documents */
};

struct http_options {
    const char *bind_addr; /* "127.0.0.1:3000", "[::1]:3000", "0.0.0.0:0" (0: any free port) */
    const struct http_route *routes; /* borrowed until http_stop, like their texts */
    size_t n_routes;
    void *ctx; /* given to every handler */

    /* Over it: 413. A chunked body has no announced length: it is read and dropped up to twice this
     * much and answered at its end; beyond that the connection is cut. */
    size_t body_max_bytes;

    /* For a request to arrive, counted from its request line, and as long again for that line of a
     * new connection. Then 408 if the line was there, and the connection is cut. */
    int64_t request_timeout_ms;

    /* Silence after which a connection is closed: between requests, or anywhere but in a deferred
     * one. Rounded up to whole seconds. */
    int64_t idle_timeout_ms;

    /* Clients beyond it wait, unanswered, in the backlog of the listening socket until one of these
     * leaves. The limit of open files is raised for it; where the system refuses, fewer are served
     * and a warning is logged. */
    unsigned connections_max;

    /* NULL: none. Else (prefix "wf_api") wf_api_http_requests_total{route,status},
     * _http_request_seconds{route}, _http_connections, _http_deferred. Unknown paths are counted as
     * route="other". Both are borrowed until http_stop. */
    struct metrics *metrics;
    const char *metrics_prefix;
};

/* Binds, starts the loop thread. NULL with `why` set (address in use, bad address, no memory). */
struct http_server *http_start(const struct http_options *options, struct err_text *why);

/* The port that is bound: interesting when 0 was asked for. */
unsigned http_port(const struct http_server *s);

/* For how long the loop thread is overdue: it turns at least once a second, 0 while it does. Any
 * thread; 0 for NULL. */
int64_t http_late_ms(struct http_server *s);

/*
 * The first step of stopping, from any thread: takes no new connection, answers new requests on
 * kept-alive ones with 503 and `Connection: close`. Deferred requests go on. Does not block.
 */
void http_quiesce(struct http_server *s);

/*
 * Quiesces, waits until every deferred request was resumed (the caller sees to that: it is waited
 * for without end, with an error line every few seconds), then until clients have taken their
 * answers or clock_ms() reaches the deadline; ends the loop and frees the server. NULL is allowed.
 */
void http_stop(struct http_server *s, int64_t deadline_ms);

/* ---- inside handlers and resume functions; loop thread only ---- */

const char *http_path(const struct http_request *r);
/* The body, never NULL; *len may be 0. Lives as long as the request. */
const char *http_body(const struct http_request *r, size_t *len);
/* A query parameter (decoded) or header, or NULL. Lives as long as the request. */
const char *http_query(const struct http_request *r, const char *name);
const char *http_header(const struct http_request *r, const char *name);

/* Adds a header to the reply to come; copied. Values are ours; no CR or LF; 4 KiB in all. */
void http_add_header(struct http_request *r, const char *name, const char *value);

/*
 * Replies with the contents of `body`, which is emptied (its memory is handed on, not copied).
 * Exactly once per request. A body that failed becomes a 500; content_type NULL sends none.
 */
void http_reply(struct http_request *r, unsigned status, const char *content_type,
                struct buf *body);

/* Replies {"error":"<sentence>"}; with 503 also a Retry-After of one second. */
__attribute__((format(printf, 3, 4))) void http_reply_error(struct http_request *r, unsigned status,
                                                            const char *fmt, ...);

#define HTTP_JSON "application/json"

/* ---- answering later ---- */

typedef void http_resume_fn(struct http_request *r, void *state);

/*
 * Suspends the request; `fn(r, state)` will run on the loop thread after http_resume(r), and
 * replies; it may not defer again. It runs even when the client has left meanwhile: the reply then
 * goes nowhere, http_query and http_header give NULL.
 */
void http_defer(struct http_request *r, http_resume_fn *fn, void *state);

/*
 * From any thread, exactly once per deferred request, even before the handler that deferred it has
 * returned; r may be gone when this returns. Cheap: the loop is woken only if it sleeps.
 */
void http_resume(struct http_request *r);

#endif
