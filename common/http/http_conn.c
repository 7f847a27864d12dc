// SPDX-License-Identifier: MIT
#include "common/http/http_conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum { TICK_MIN_MS = 10, TICK_MAX_MS = 1000 };

struct http_conn *http_conn_open(struct http_server *s, int fd)
{
    struct http_conn *c = calloc(1, sizeof *c);

    if (!c) {
        log_error("no memory for a connection");
        abort();
    }
    c->fd = fd;
    c->deadline_ms = s->now_ms + s->options.request_timeout_ms;
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    s->n_conns++;
    http_metrics_connections(s->metrics, 1);
    return c;
}

void http_conn_close(struct http_server *s, struct http_conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    /* At the limit the library listens again only in the MHD_run() after this one. */
    if (s->n_conns == s->options.connections_max)
        s->hurry = true;
    s->n_conns--;
    http_metrics_connections(s->metrics, -1);
    free(c);
}

void http_conn_receiving(struct http_server *s, struct http_conn *c, const char *target)
{
    c->phase = HTTP_RECEIVING;
    c->deadline_ms = s->now_ms + s->options.request_timeout_ms;
    c->nul_in_target = strstr(target, "%00") != NULL;
}

void http_conn_replying(struct http_server *s, struct http_conn *c)
{
    c->phase = HTTP_REPLYING;
    c->deadline_ms = s->now_ms + s->options.request_timeout_ms + s->options.idle_timeout_ms;
}

/* The library itself ends a connection that is silent for idle_timeout_ms. The deadline here is for
 * a client that keeps it awake with a request line, byte by byte. */
void http_conn_idle(struct http_server *s, struct http_conn *c)
{
    c->phase = HTTP_IDLE;
    c->deadline_ms = s->now_ms + s->options.idle_timeout_ms + s->options.request_timeout_ms;
}

/* Says why, as far as the socket takes it, and ends both directions; the library sees the end. */
static void cut(struct http_server *s, struct http_conn *c)
{
    static const char slow[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
                               "Content-Type: application/json\r\nContent-Length: 47\r\n\r\n"
                               "{\"error\":\"the request took too long to arrive\"}";

    if (c->phase == HTTP_RECEIVING) {
        (void)send(c->fd, slow, sizeof slow - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        http_metrics_count(s->metrics, s->options.n_routes, 408, -1);
    }
    shutdown(c->fd, SHUT_RDWR);
    c->deadline_ms = CLOCK_NEVER;
}

void http_conn_cut_slow(struct http_server *s)
{
    int64_t every = s->options.request_timeout_ms / 8;

    if (s->now_ms < s->next_tick_ms)
        return;
    if (every < TICK_MIN_MS)
        every = TICK_MIN_MS;
    s->next_tick_ms = s->now_ms + (every < TICK_MAX_MS ? every : TICK_MAX_MS);
    for (struct http_conn *c = s->conns; c; c = c->next)
        if (c->phase != HTTP_WORKING && c->deadline_ms <= s->now_ms)
            cut(s, c);
}

void http_conn_end_idle(struct http_server *s)
{
    for (struct http_conn *c = s->conns; c; c = c->next)
        if (c->phase == HTTP_IDLE)
            shutdown(c->fd, SHUT_RD);
}
