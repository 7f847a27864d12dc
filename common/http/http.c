// SPDX-License-Identifier: MIT
/*
 * The server's life and its loop. libmicrohttpd's epoll mode runs without a thread of its own: a
 * loop of ours polls its epoll descriptor and an eventfd, resumes what was answered, and calls
 * MHD_run(), which never blocks. (The library's internal epoll thread waits again before it
 * handles what it collected when exactly 128 connections, or a multiple, are ready at once.)
 */
#include "common/http/http.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/http/http_conn.h"
#include "common/http/http_exchange.h"
#include "common/http/http_internal.h"
#include "common/http/http_listen.h"

enum {
    POOL_BYTES = 16 * 1024, /* per connection: headers, and the window a body comes through */
    END_TURN_MS = 20,       /* longest sleep while stopping */
    END_REMIND_MS = 5000,   /* how often a stop that waits for deferred requests says so */
};

/* ---- the loop ---- */

/* Milliseconds that the library allows us to sleep, at most `most`. */
static int sleep_ms(struct http_server *s, int64_t most)
{
    MHD_UNSIGNED_LONG_LONG theirs;

    if (s->library->get_timeout(s->daemon, &theirs) == MHD_YES && theirs < (uint64_t)most)
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
        s->library->resume_connection(r->mhd);
    }
    s->library->run(s->daemon);
    http_conn_cut_slow(s);
}

static void stop_listening(struct http_server *s)
{
    MHD_socket listener = s->library->quiesce_daemon(s->daemon);

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
    s->library->stop_daemon(s->daemon);
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

    return s->library->start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        http_exchange_request, s, MHD_OPTION_EXTERNAL_LOGGER, log_library,
        NULL, /* first, or the others print to stderr */
        MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, s->options.connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        idle_s, MHD_OPTION_NOTIFY_CONNECTION, http_exchange_connection, s,
        MHD_OPTION_URI_LOG_CALLBACK, http_exchange_line, s, MHD_OPTION_NOTIFY_COMPLETED,
        http_exchange_completed, s, MHD_OPTION_END);
}

/* Frees what is there of a server whose thread does not run. */
static void server_free(struct http_server *s)
{
    if (s->daemon)
        s->library->stop_daemon(s->daemon);
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
    const struct http_library *library = http_library_load(why);
    struct http_server *s;
    int listener;

    if (!library)
        return NULL;
    if (!(s = server_new(options))) {
        err_set(why, ERR_NOMEM, "no memory or descriptors for the http server");
        return NULL;
    }
    s->library = library;
    s->options.connections_max = http_fit_connections(options->connections_max);
    listener = http_listen(options->bind_addr, &s->port, why);
    if (listener < 0)
        goto fail;
    if (!(s->daemon = start_daemon(s, listener))) {
        err_set(why, ERR_NOMEM, "libmicrohttpd could not be started");
        close(listener);
        goto fail;
    }
    s->epoll_fd = s->library->get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
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
