// SPDX-License-Identifier: MIT
/* The part of a request that libmicrohttpd has nothing to do with: memory, body, answering later.
 */
#include "common/http/http_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/sync.h"
#include "common/http/http_answers.h"

/* ---- memory ---- */

struct http_request *http_request_new(struct http_server *s)
{
    struct http_request *r = s->shelf;
    struct buf body, headers;

    if (r) {
        s->shelf = r->next;
        s->n_shelf--;
        body = r->body;
        headers = r->headers;
        buf_clear(&body);
        buf_clear(&headers);
    } else {
        if (!(r = malloc(sizeof *r)))
            return NULL;
        body = (struct buf)BUF_INIT(s->options.body_max_bytes);
        headers = (struct buf)BUF_INIT(HTTP_REPLY_HEADERS);
    }
    memset(r, 0, offsetof(struct http_request, small));
    r->server = s;
    r->body = body;
    r->headers = headers;
    r->small[0] = '\0';
    return r;
}

static void really_free(struct http_request *r)
{
    buf_fini(&r->body);
    buf_fini(&r->headers);
    free(r);
}

void http_request_free(struct http_request *r)
{
    struct http_server *s = r->server;

    if (s->n_shelf >= HTTP_SHELF_MAX) {
        really_free(r);
        return;
    }
    if (r->body.cap > HTTP_KEPT_BODY)
        buf_fini(&r->body);
    r->next = s->shelf;
    s->shelf = r;
    s->n_shelf++;
}

void http_request_shelf_fini(struct http_server *s)
{
    while (s->shelf) {
        struct http_request *r = s->shelf;

        s->shelf = r->next;
        really_free(r);
    }
    s->n_shelf = 0;
}

/* ---- body ---- */

void http_request_refuse(struct http_request *r, unsigned status, const char *sentence)
{
    const struct http_own_answer *own = http_own_answer(status);

    assert(own); /* documents are made of that table */
    if (r->refused)
        return;
    r->refused = status;
    r->refusal = sentence ? sentence : own->sentence;
}

int http_request_add_body(struct http_request *r, const char *data, size_t n)
{
    size_t max = r->server->options.body_max_bytes;

    /* received is at most 2 * max here, n at most the connection's memory: no overflow. */
    r->received += n;
    if (r->received > max) {
        http_request_refuse(r, 413, NULL);
        r->close = true;
    }
    if (r->received / 2 > max)
        return ERR_FULL;
    if (r->refused)
        return 0; /* read and forget, so that the connection stays usable */
    if (r->body.len == 0 && r->small_len + n < sizeof r->small) {
        memcpy(r->small + r->small_len, data, n);
        r->small_len += n;
        r->small[r->small_len] = '\0';
        return 0;
    }
    if (r->body.len == 0)
        buf_add(&r->body, r->small, r->small_len);
    buf_add(&r->body, data, n);
    if (r->body.failed) {
        buf_fini(&r->body);
        http_request_refuse(r, 503, "there is no memory for this body");
    }
    return 0;
}

const char *http_body(const struct http_request *r, size_t *len)
{
    *len = r->body.len > 0 ? r->body.len : r->small_len;
    return r->body.len > 0 ? r->body.data : r->small;
}

const char *http_path(const struct http_request *r)
{
    return r->path;
}

/* ---- reply ---- */

void http_add_header(struct http_request *r, const char *name, const char *value)
{
    buf_add(&r->headers, name, strlen(name) + 1);
    buf_add(&r->headers, value, strlen(value) + 1);
}

/* ---- answering later ---- */

void http_defer(struct http_request *r, http_resume_fn *fn, void *state)
{
    r->deferred = true;
    r->resume = fn;
    r->resume_state = state;
}

void http_wake(struct http_server *s)
{
    uint64_t one = 1;

    while (write(s->wake_fd, &one, sizeof one) < 0)
        if (errno != EINTR)
            return; /* EAGAIN: the counter is full, so poll() returns anyway */
}

void http_resume(struct http_request *r)
{
    struct http_server *s = r->server;

    mutex_lock(&s->lock);
    r->next = NULL;
    *s->done_tail = r;
    s->done_tail = &r->next;
    if (s->asleep) {
        s->asleep = false;
        /* Inside the lock, though it is a system call (one that cannot block): as soon as the
         * loop can take this request, http_stop() may free the server. */
        http_wake(s);
    }
    mutex_unlock(&s->lock);
}

bool http_may_sleep(struct http_server *s)
{
    bool may;

    mutex_lock(&s->lock);
    may = !s->done;
    s->asleep = may;
    mutex_unlock(&s->lock);
    return may;
}

struct http_request *http_take_done(struct http_server *s)
{
    struct http_request *list;

    mutex_lock(&s->lock);
    s->asleep = false;
    list = s->done;
    s->done = NULL;
    s->done_tail = &s->done;
    mutex_unlock(&s->lock);
    return list;
}
