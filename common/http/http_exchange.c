// SPDX-License-Identifier: MIT
/*
 * Suspend first, publish after: a handler that defers may be resumed by another thread before it
 * has returned. That only puts the request on the done list; the loop, which suspends the
 * connection when the handler returns, takes from the list outside of MHD_run().
 */
#include "common/http/http_exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/http/http_admit.h"
#include "common/http/http_conn.h"
#include "common/http/http_internal.h"
#include "common/json/json_write.h"

static struct http_conn *conn_of(const struct http_server *s, struct MHD_Connection *c)
{
    return s->library->get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* ---- replying ---- */

static void add_reply_headers(struct MHD_Response *m, const struct http_request *r)
{
    const struct http_library *mhd = r->server->library;
    const char *at = r->headers.data, *end = at + r->headers.len;

    while (r->headers.len > 0 && at < end) {
        const char *value = at + strlen(at) + 1;

        mhd->add_response_header(m, at, value);
        at = value + strlen(value) + 1;
    }
    if (r->close || atomic_load_explicit(&r->server->stopping, memory_order_relaxed))
        mhd->add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* Hands the bytes of `body` over without a copy. A body that could not be built becomes a 500. */
static struct MHD_Response *make_response(const struct http_library *mhd, struct buf *body,
                                          unsigned *status)
{
    static const char no_memory[] = "{\"error\":\"there is no memory for the answer\"}";
    size_t len = body->len;
    char *data = buf_take(body);
    struct MHD_Response *m;

    if (!data) {
        buf_fini(body);
        *status = 500;
        return mhd->create_response_from_buffer(sizeof no_memory - 1, (void *)(uintptr_t)no_memory,
                                                MHD_RESPMEM_PERSISTENT);
    }
    m = mhd->create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
    if (!m)
        free(data);
    return m;
}

void http_reply(struct http_request *r, unsigned status, const char *content_type, struct buf *body)
{
    struct http_server *s = r->server;
    const struct http_library *mhd = s->library;
    struct MHD_Response *m;

    if (r->replied || r->gone) {
        if (!r->gone)
            log_error("a request was answered twice path=%s status=%u", r->path, status);
        buf_fini(body);
        return;
    }
    r->replied = true;
    m = make_response(mhd, body, &status);
    if (m) {
        if (content_type)
            mhd->add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
        add_reply_headers(m, r);
        r->failed = mhd->queue_response(r->mhd, status, m) != MHD_YES;
        mhd->destroy_response(m);
    } else {
        r->failed = true;
    }
    http_conn_replying(s, r->conn);
    if (s->metrics)
        http_metrics_count(s->metrics, r->metrics_row, status,
                           r->complete_us > 0 ? clock_us() - r->complete_us : -1);
}

void http_reply_error(struct http_request *r, unsigned status, const char *fmt, ...)
{
    struct buf body = BUF_INIT(0);
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_add_str(&body, "{\"error\":");
    json_write_cstr(&body, text);
    buf_add_char(&body, '}');
    if (status == 503)
        http_add_header(r, "Retry-After", "1");
    http_reply(r, status, HTTP_JSON, &body);
}

static const char *look_up(const struct http_request *r, enum MHD_ValueKind kind, const char *name)
{
    return r->gone ? NULL : r->server->library->lookup_connection_value(r->mhd, kind, name);
}

const char *http_query(const struct http_request *r, const char *name)
{
    return look_up(r, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *r, const char *name)
{
    return look_up(r, MHD_HEADER_KIND, name);
}

/* ---- one request, from its headers to its answer ---- */

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                      size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    (void)value_len;
    http_head_add(cls, name, name_len, value);
    return MHD_YES;
}

static void reply_refusal(struct http_request *r)
{
    http_reply_error(r, r->refused, "%s", r->refusal);
}

static void begin(struct http_request *r, const char *method, const char *version)
{
    struct http_head h = {.http10 = strcmp(version, MHD_HTTP_VERSION_1_1) != 0};

    r->server->library->get_connection_values_n(r->mhd, MHD_HEADER_KIND, collect_header, &h);
    http_admit(r, &h, method);
    if (r->refused && r->close)
        reply_refusal(r);
}

/* What came of a handler or a resume function: an answer, a suspension, or a bug. */
static enum MHD_Result settle(struct http_request *r)
{
    struct http_server *s = r->server;

    if (!r->replied && r->deferred) {
        s->library->suspend_connection(r->mhd);
        s->n_suspended++;
        http_metrics_deferred(s->metrics, 1);
        return MHD_YES;
    }
    if (!r->replied) {
        log_error("a handler neither answered nor deferred path=%s", r->path);
        http_reply_error(r, 500, "this call gave no answer");
    }
    return r->failed ? MHD_NO : MHD_YES;
}

static void resume(struct http_request *r)
{
    http_resume_fn *fn = r->resume;

    r->deferred = false;
    r->resume = NULL;
    fn(r, r->resume_state);
}

static void dispatch(struct http_request *r)
{
    struct http_server *s = r->server;

    r->conn->phase = HTTP_WORKING;
    if (s->metrics)
        r->complete_us = clock_us();
    http_admit_stopping(r);
    if (r->refused)
        reply_refusal(r);
    else
        r->route->handler(r, s->options.ctx);
}

/*
 * The library calls this once for the headers, once for each piece of the body, once at its end
 * and, for a suspended request, once more after the resume. Only here may an answer be queued.
 */
enum MHD_Result http_exchange_request(void *cls, struct MHD_Connection *c, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *size, void **state)
{
    struct http_server *s = cls;
    struct http_request *r = *state;

    if (!r) {
        if (!(r = http_request_new(s)))
            return MHD_NO;
        *state = r;
        r->mhd = c;
        r->conn = conn_of(s, c);
        r->path = url;
        begin(r, method, version);
        return r->failed ? MHD_NO : MHD_YES;
    }
    if (*size > 0) {
        size_t n = *size;

        *size = 0;
        return http_request_add_body(r, data, n) == 0 ? MHD_YES : MHD_NO;
    }
    if (r->replied)
        return MHD_YES;
    if (r->resume)
        resume(r);
    else
        dispatch(r);
    return settle(r);
}

/* Answered, or the client is gone. A resume function always runs: it owns its state. */
void http_exchange_completed(void *cls, struct MHD_Connection *c, void **state,
                             enum MHD_RequestTerminationCode why)
{
    struct http_server *s = cls;
    struct http_request *r = *state;

    (void)why;
    http_conn_idle(s, conn_of(s, c));
    *state = NULL;
    if (!r)
        return;
    if (r->resume) {
        r->gone = true;
        resume(r);
    }
    http_request_free(r);
}

/* ---- connections ---- */

void http_exchange_connection(void *cls, struct MHD_Connection *c, void **context,
                              enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = cls;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = http_conn_open(
            s, s->library->get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    } else {
        http_conn_close(s, *context);
        *context = NULL;
    }
}

/* The request line as it came. (A decoded path would end at a %00, unseen.) */
void *http_exchange_line(void *cls, const char *target, struct MHD_Connection *c)
{
    http_conn_receiving(cls, conn_of(cls, c), target);
    return NULL;
}
