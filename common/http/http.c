// SPDX-License-Identifier: MIT
/*
 * The only file that knows libmicrohttpd. Its epoll mode runs without a thread of its own: a loop
 * of ours polls its epoll descriptor and an eventfd, resumes what was answered, and calls
 * MHD_run(), which never blocks. (The library's internal epoll thread waits again before it
 * handles what it collected when exactly 128 connections, or a multiple, are ready at once.)
 *
 * Suspend first, publish after: a handler that defers may be resumed by another thread before it
 * has returned. That only puts the request on the done list; the loop, which suspends the
 * connection when the handler returns, takes from the list outside of MHD_run().
 */
#include "common/http/http.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/http/http_admit.h"
#include "common/http/http_conn.h"
#include "common/http/http_internal.h"
#include "common/http/http_listen.h"
#include "common/json/json_write.h"

enum {
    POOL_BYTES = 16 * 1024, /* per connection: headers, and the window a body comes through */
    END_TURN_MS = 20,       /* longest sleep while stopping */
    END_REMIND_MS = 5000,   /* how often a stop that waits for deferred requests says so */
};

/* ---- the library ---- */

/*
 * It is loaded when a server starts, not with the program: with all that it brings along it is
 * 2.7 MB of a process that may never serve HTTP, such as a worker without WORKER_METRICS_ADDR.
 */
#define MHD_CALLS(X)                                                                               \
    X(add_response_header)                                                                         \
    X(create_response_from_buffer)                                                                 \
    X(destroy_response)                                                                            \
    X(get_connection_info)                                                                         \
    X(get_connection_values_n)                                                                     \
    X(get_daemon_info)                                                                             \
    X(get_timeout)                                                                                 \
    X(lookup_connection_value)                                                                     \
    X(queue_response)                                                                              \
    X(quiesce_daemon)                                                                              \
    X(resume_connection)                                                                           \
    X(run)                                                                                         \
    X(start_daemon)                                                                                \
    X(stop_daemon)                                                                                 \
    X(suspend_connection)

static struct mhd_library {
#define DECLARE(name) __typeof__(MHD_##name) *(name);
    MHD_CALLS(DECLARE)
#undef DECLARE
    bool loaded;
} mhd;

static const struct {
    const char *symbol;
    size_t offset;
} mhd_calls[] = {
#define ROW(name) {"MHD_" #name, offsetof(struct mhd_library, name)},
    MHD_CALLS(ROW)
#undef ROW
};

/* Before any server's thread; servers are started one after the other. */
static int load_library(struct err_text *why)
{
    void *library = mhd.loaded ? NULL : dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);

    if (mhd.loaded)
        return 0;
    if (!library)
        return err_set(why, ERR_ABSENT, "libmicrohttpd (Debian: libmicrohttpd12): %s", dlerror());
    for (size_t i = 0; i < sizeof mhd_calls / sizeof mhd_calls[0]; i++) {
        void *call = dlsym(library, mhd_calls[i].symbol);

        if (!call)
            return err_set(why, ERR_ABSENT, "libmicrohttpd: %s", dlerror());
        memcpy((char *)&mhd + mhd_calls[i].offset, &call, sizeof call);
    }
    mhd.loaded = true;
    return 0;
}

static struct http_conn *conn_of(struct MHD_Connection *c)
{
    return mhd.get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* ---- replying ---- */

static void add_reply_headers(struct MHD_Response *m, const struct http_request *r)
{
    const char *at = r->headers.data, *end = at + r->headers.len;

    while (r->headers.len > 0 && at < end) {
        const char *value = at + strlen(at) + 1;

        mhd.add_response_header(m, at, value);
        at = value + strlen(value) + 1;
    }
    if (r->close || atomic_load_explicit(&r->server->stopping, memory_order_relaxed))
        mhd.add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* Hands the bytes of `body` over without a copy. A body that could not be built becomes a 500. */
static struct MHD_Response *make_response(struct buf *body, unsigned *status)
{
    static const char no_memory[] = "{\"error\":\"there is no memory for the answer\"}";
    size_t len = body->len;
    char *data = buf_take(body);
    struct MHD_Response *m;

    if (!data) {
        buf_fini(body);
        *status = 500;
        return mhd.create_response_from_buffer(sizeof no_memory - 1, (void *)(uintptr_t)no_memory,
                                               MHD_RESPMEM_PERSISTENT);
    }
    m = mhd.create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
    if (!m)
        free(data);
    return m;
}

void http_reply(struct http_request *r, unsigned status, const char *content_type, struct buf *body)
{
    struct http_server *s = r->server;
    struct MHD_Response *m;

    if (r->replied || r->gone) {
        if (!r->gone)
            log_error("a request was answered twice path=%s status=%u", r->path, status);
        buf_fini(body);
        return;
    }
    r->replied = true;
    m = make_response(body, &status);
    if (m) {
        if (content_type)
            mhd.add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
        add_reply_headers(m, r);
        r->failed = mhd.queue_response(r->mhd, status, m) != MHD_YES;
        mhd.destroy_response(m);
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

const char *http_query(const struct http_request *r, const char *name)
{
    return r->gone ? NULL : mhd.lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *r, const char *name)
{
    return r->gone ? NULL : mhd.lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
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

    mhd.get_connection_values_n(r->mhd, MHD_HEADER_KIND, collect_header, &h);
    http_admit(r, &h, method);
    if (r->refused && r->close)
        reply_refusal(r);
}

/* What came of a handler or a resume function: an answer, a suspension, or a bug. */
static enum MHD_Result settle(struct http_request *r)
{
    struct http_server *s = r->server;

    if (!r->replied && r->deferred) {
        mhd.suspend_connection(r->mhd);
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
static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
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
        r->conn = conn_of(c);
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
static void on_completed(void *cls, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *s = cls;
    struct http_request *r = *state;

    (void)why;
    http_conn_idle(s, conn_of(c));
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

static void on_connection(void *cls, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = http_conn_open(
            cls, mhd.get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    } else {
        http_conn_close(cls, *context);
        *context = NULL;
    }
}

/* The request line as it came. (A decoded path would end at a %00, unseen.) */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *c)
{
    http_conn_receiving(cls, conn_of(c), target);
    return NULL;
}

/* ---- the loop ---- */

/* Milliseconds that the library allows us to sleep, at most `most`. */
static int sleep_ms(struct http_server *s, int64_t most)
{
    MHD_UNSIGNED_LONG_LONG theirs;

    if (mhd.get_timeout(s->daemon, &theirs) == MHD_YES && theirs < (uint64_t)most)
        return (int)theirs;
    return (int)most;
}

static void wait_for_work(struct http_server *s, int64_t most)
{
    struct pollfd p[2] = {{.fd = s->epoll_fd, .events = POLLIN},
                          {.fd = s->wake_fd, .events = POLLIN}};
    int ms = s->hurry ? 0 : sleep_ms(s, most);
    uint64_t count;

    s->hurry = false;
    if (ms == 0 || !http_may_sleep(s))
        return;
    if (poll(p, 2, ms) > 0 && p[1].revents != 0 && read(s->wake_fd, &count, sizeof count) < 0 &&
        errno != EAGAIN)
        log_error("the wake-up of the http loop failed: %s", strerror(errno));
}

/* One turn: sleep, resume what is answered, let the library work. */
static void turn(struct http_server *s, int64_t most_ms)
{
    struct http_request *r, *next;

    atomic_store_explicit(&s->due_ms, s->now_ms + most_ms, memory_order_relaxed);
    wait_for_work(s, most_ms);
    s->now_ms = clock_ms();
    for (r = http_take_done(s); r; r = next) {
        next = r->next;
        s->n_suspended--;
        http_metrics_deferred(s->metrics, -1);
        mhd.resume_connection(r->mhd);
    }
    mhd.run(s->daemon);
    http_conn_cut_slow(s);
}

static void stop_listening(struct http_server *s)
{
    MHD_socket listener = mhd.quiesce_daemon(s->daemon);

    s->quiesced = true;
    if (listener != MHD_INVALID_SOCKET)
        close(listener);
}

/*
 * The end: everything suspended is resumed by those who deferred it (the library aborts the
 * process when it is stopped before that), then clients may take their answers until the deadline.
 */
static void finish(struct http_server *s)
{
    int64_t remind = s->end_deadline_ms + END_REMIND_MS;

    while (s->n_suspended > 0 || (s->n_conns > 0 && s->now_ms < s->end_deadline_ms)) {
        http_conn_end_idle(s);
        turn(s, END_TURN_MS);
        if (s->now_ms >= remind) {
            log_error("stopping waits for answers that nobody gives deferred=%zu", s->n_suspended);
            remind = s->now_ms + END_REMIND_MS;
        }
    }
    mhd.stop_daemon(s->daemon);
    s->daemon = NULL;
}

static void *loop_main(void *arg)
{
    struct http_server *s = arg;

    while (!atomic_load(&s->ending)) {
        int64_t most = s->next_tick_ms - s->now_ms;

        turn(s, most < 1 ? 1 : most);
        if (atomic_load(&s->stopping) && !s->quiesced)
            stop_listening(s);
    }
    if (!s->quiesced)
        stop_listening(s);
    finish(s);
    return NULL;
}

/* ---- start and stop ---- */

/* What the library has to say is about single clients. */
static void log_library(void *cls, const char *fmt, va_list args)
{
    char text[512];
    size_t len;

    (void)cls;
    if (!log_enabled(LOG_DEBUG))
        return;
    vsnprintf(text, sizeof text, fmt, args);
    len = strlen(text);
    if (len > 0 && text[len - 1] == '\n')
        text[len - 1] = '\0';
    log_debug("libmicrohttpd: %s", text);
}

static struct MHD_Daemon *start_daemon(struct http_server *s, int listener)
{
    unsigned idle_s = (unsigned)((s->options.idle_timeout_ms + 999) / 1000);

    return mhd.start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
        MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, /* first, or the others print to stderr */
        MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, s->options.connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        idle_s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK,
        on_request_line, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);
}

/* Frees what is there of a server whose thread does not run. */
static void server_free(struct http_server *s)
{
    if (s->daemon)
        mhd.stop_daemon(s->daemon);
    http_request_shelf_fini(s);
    http_metrics_free(s->metrics);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    mutex_fini(&s->lock);
    free(s);
}

static struct http_server *server_new(const struct http_options *options)
{
    struct http_server *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->options = *options;
    s->done_tail = &s->done;
    s->now_ms = s->next_tick_ms = clock_ms();
    atomic_init(&s->due_ms, s->now_ms);
    mutex_init(&s->lock);
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (options->metrics)
        s->metrics = http_metrics_new(&s->options);
    if (s->wake_fd < 0 || (options->metrics && !s->metrics)) {
        server_free(s);
        return NULL;
    }
    return s;
}

struct http_server *http_start(const struct http_options *options, struct err_text *why)
{
    struct http_server *s;
    int listener;

    if (load_library(why) != 0)
        return NULL;
    if (!(s = server_new(options))) {
        err_set(why, ERR_NOMEM, "no memory or descriptors for the http server");
        return NULL;
    }
    s->options.connections_max = http_fit_connections(options->connections_max);
    listener = http_listen(options->bind_addr, &s->port, why);
    if (listener < 0)
        goto fail;
    if (!(s->daemon = start_daemon(s, listener))) {
        err_set(why, ERR_NOMEM, "libmicrohttpd could not be started");
        close(listener);
        goto fail;
    }
    s->epoll_fd = mhd.get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (thread_start(&s->thread, "http", 0, loop_main, s) != 0) {
        err_set(why, ERR_NOMEM, "no thread for the http server");
        goto fail;
    }
    return s;

fail:
    server_free(s);
    return NULL;
}

unsigned http_port(const struct http_server *s)
{
    return s->port;
}

int64_t http_late_ms(struct http_server *s)
{
    int64_t late_ms = s ? clock_ms() - atomic_load_explicit(&s->due_ms, memory_order_relaxed) : 0;

    return late_ms > 0 ? late_ms : 0;
}

void http_quiesce(struct http_server *s)
{
    atomic_store(&s->stopping, true);
    http_wake(s);
}

void http_stop(struct http_server *s, int64_t deadline_ms)
{
    if (!s)
        return;
    s->end_deadline_ms = deadline_ms;
    atomic_store(&s->stopping, true);
    atomic_store(&s->ending, true);
    http_wake(s);
    thread_join(s->thread);
    server_free(s);
}
