// SPDX-License-Identifier: MIT
#include "tests/support/http_load.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "tests/support/tcp.h"

enum { DEFAULT_TIMEOUT_MS = 30000, STACK_BYTES = 256 << 10 };

struct http_load_run {
    struct http_load load;
    struct http_load_answer *answers; /* [n] is written by the thread that sent request n */
    atomic_int next, ended;
    int threads;
    pthread_t thread[];
};

/* One connection; all of it belongs to its thread. */
struct client {
    int fd; /* -1: not connected */
    struct buf in, out, path, body;
};

static void disconnect(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_clear(&c->in);
}

static bool send_request(struct client *c, const struct http_load *load, int n)
{
    buf_clear(&c->out);
    buf_clear(&c->path);
    buf_clear(&c->body);
    load->make(n, &c->path, &c->body, load->arg);
    buf_addf(&c->out,
             "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             load->method ? load->method : "POST", buf_str(&c->path), c->body.len);
    buf_add(&c->out, c->body.data, c->body.len);
    return !c->out.failed && tcp_send(c->fd, c->out.data, c->out.len);
}

/* Reads one answer; what follows it stays in the buffer. */
static bool receive_answer(struct client *c, struct http_load_answer *out)
{
    const char *end, *length;
    size_t head, body;
    bool close_after;

    while (!(end = strstr(buf_str(&c->in), "\r\n\r\n")))
        if (!tcp_recv_more(c->fd, &c->in))
            return false;
    head = (size_t)(end - c->in.data) + 4;
    c->in.data[head - 1] = '\0'; /* the searches below stay within the head */
    length = strcasestr(c->in.data, "\r\nContent-Length:");
    close_after = strcasestr(c->in.data, "\r\nConnection: close") != NULL;
    if (sscanf(c->in.data, "HTTP/1.%*c %d", &out->status) != 1 || !length) {
        out->status = 0;
        return false;
    }
    body = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    while (c->in.len < head + body)
        if (!tcp_recv_more(c->fd, &c->in)) {
            out->status = 0;
            return false;
        }
    out->body = strndup(c->in.data + head, body);
    buf_consume(&c->in, head + body);
    if (close_after)
        disconnect(c);
    return true;
}

static void *run_connection(void *arg)
{
    struct http_load_run *run = arg;
    int timeout_ms = run->load.timeout_ms > 0 ? run->load.timeout_ms : DEFAULT_TIMEOUT_MS;
    struct client c = {.fd = -1};
    int n;

    while ((n = atomic_fetch_add(&run->next, 1)) < run->load.requests) {
        struct http_load_answer *answer = &run->answers[n];
        int64_t started = clock_us();

        if (c.fd < 0)
            c.fd = tcp_connect((unsigned)run->load.port, timeout_ms);
        if (c.fd < 0 || !send_request(&c, &run->load, n) || !receive_answer(&c, answer))
            disconnect(&c);
        answer->us = clock_us() - started;
        atomic_fetch_add(&run->ended, 1);
    }
    disconnect(&c);
    buf_fini(&c.in);
    buf_fini(&c.out);
    buf_fini(&c.path);
    buf_fini(&c.body);
    return NULL;
}

struct http_load_run *http_load_start(const struct http_load *load)
{
    struct http_load_run *run;

    run = calloc(1, sizeof *run + (size_t)load->connections * sizeof run->thread[0]);
    if (!run)
        return NULL;
    run->load = *load;
    run->answers = calloc((size_t)load->requests + 1, sizeof *run->answers);
    while (run->answers && run->threads < load->connections &&
           thread_start(&run->thread[run->threads], "http-load", STACK_BYTES, run_connection,
                        run) == 0)
        run->threads++;
    if (run->threads == load->connections)
        return run;
    http_load_stop(run);
    http_load_free(run);
    return NULL;
}

int http_load_progress(const struct http_load_run *run)
{
    return atomic_load(&run->ended);
}

void http_load_stop(struct http_load_run *run)
{
    atomic_store(&run->next, run->load.requests);
}

const struct http_load_answer *http_load_finish(struct http_load_run *run)
{
    while (run->threads > 0)
        thread_join(run->thread[--run->threads]);
    return run->answers;
}

void http_load_free(struct http_load_run *run)
{
    if (!run)
        return;
    http_load_finish(run);
    for (int i = 0; run->answers && i < run->load.requests; i++)
        free(run->answers[i].body);
    free(run->answers);
    free(run);
}
