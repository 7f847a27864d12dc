// SPDX-License-Identifier: MIT
/*
 * http_internal - what the files of this room share: the server, its connections, one request.
 * For common/http/ only. Unless a field says otherwise it belongs to the loop thread.
 */
#ifndef COMMON_HTTP_HTTP_INTERNAL_H
#define COMMON_HTTP_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/http/http.h"
#include "common/http/http_metrics.h"

struct MHD_Connection;
struct MHD_Daemon;
struct http_library;

enum {
    HTTP_SMALL_BODY = 512,         /* bodies up to here need no memory of their own */
    HTTP_KEPT_BODY = 16 * 1024,    /* a body buffer up to here stays with a request on the shelf */
    HTTP_SHELF_MAX = 256,          /* finished request structs kept for reuse */
    HTTP_REPLY_HEADERS = 4 * 1024, /* most bytes that http_add_header takes for one reply */
};

/* What a connection is doing, which decides its deadline. */
enum http_phase {
    HTTP_IDLE,      /* no request line yet: new, or between two requests */
    HTTP_RECEIVING, /* request line seen, request not complete */
    HTTP_WORKING,   /* complete, not answered: no deadline of ours */
    HTTP_REPLYING,  /* answered, on its way to the client */
};

/* One TCP connection. */
struct http_conn {
    struct http_conn *prev, *next;
    int fd;
    enum http_phase phase;
    int64_t deadline_ms; /* when it is cut, in the phases that have a deadline */
    bool nul_in_target;  /* of the request being received */
};

struct http_request {
    struct http_server *server; /* set once: read by http_resume on any thread */
    struct http_request *next;  /* in done (guarded by its lock) or on the shelf */
    struct MHD_Connection *mhd;
    struct http_conn *conn;

    const char *path;
    size_t metrics_row; /* of the route, or the row of unknown paths */
    const struct http_route *route;
    int64_t complete_us; /* when the request was complete; 0: not yet */

    unsigned refused;     /* the status to answer once the request is complete; 0: none */
    const char *refusal;  /* the sentence for it */
    bool close;           /* the answer says Connection: close */
    bool replied, failed; /* failed: no answer could be queued, cut the connection */
    bool deferred;
    bool gone; /* the client left before the resume function ran */
    http_resume_fn *resume;
    void *resume_state;

    size_t received; /* body bytes so far, kept or not */
    size_t small_len;
    struct buf body;    /* the body once it is larger than `small` */
    struct buf headers; /* name NUL value NUL ..., for the reply */
    char small[HTTP_SMALL_BODY];
};

struct http_server {
    /* fixed after start */
    struct http_options options;
    const struct http_library *library;
    struct MHD_Daemon *daemon;
    int epoll_fd;
    int wake_fd; /* eventfd: something is in done, or stopping began */
    unsigned port;
    pthread_t thread;
    struct http_metrics *metrics;

    /* the loop thread's */
    int64_t now_ms; /* refreshed once per turn */
    int64_t next_tick_ms;
    bool quiesced;
    bool hurry; /* no sleep in the next turn */
    struct http_conn *conns;
    size_t n_conns;
    size_t n_suspended;
    struct http_request *shelf;
    size_t n_shelf;

    /* any thread's */
    _Atomic int64_t due_ms;    /* when the loop turns next, at the latest */
    atomic_bool stopping;      /* new requests get 503 */
    atomic_bool ending;        /* http_stop was called; end_deadline_ms is set */
    int64_t end_deadline_ms;   /* written before `ending` */
    pthread_mutex_t lock;      /* guards the three below */
    struct http_request *done; /* resumed, oldest first, for the loop to take */
    struct http_request **done_tail;
    bool asleep; /* the loop is in poll(), or about to be: the next resume wakes it */
};

/* A clean request from the shelf or from malloc; NULL: no memory. */
struct http_request *http_request_new(struct http_server *s);
void http_request_free(struct http_request *r);
void http_request_shelf_fini(struct http_server *s);

/* Takes a piece of the body. ERR_FULL: past all patience, cut; ERR_NOMEM is answered with 503. */
int http_request_add_body(struct http_request *r, const char *data, size_t n);

/* Decides on an answer that is given when the request is complete (the first decision stays): a
 * status of http_answers.h, and its sentence when this one is NULL. */
void http_request_refuse(struct http_request *r, unsigned status, const char *sentence);

/* Makes poll() return. Any thread. */
void http_wake(struct http_server *s);

/*
 * Before the loop sleeps: true when it may; every later http_resume() then wakes it. After it
 * woke: the list of resumed requests.
 */
bool http_may_sleep(struct http_server *s);
struct http_request *http_take_done(struct http_server *s);

#endif
