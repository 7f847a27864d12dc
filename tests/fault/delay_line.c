// SPDX-License-Identifier: MIT
#include "tests/fault/delay_line.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/sync.h"

enum { PIPES_MAX = 128, CHUNK_BYTES = 16 << 10, TICK_MS = 1, IDLE_MS = 20 };

/* Bytes under way, or (len 0) the end of the stream. */
struct chunk {
    struct chunk *next;
    int64_t due_ms;
    size_t len;
    char bytes[CHUNK_BYTES];
};

/* One direction of one connection; its other direction is the neighbour in the table. */
struct pipe {
    int from, to;
    struct chunk *head, **tail;
    bool ended;
};

struct delay_line {
    pthread_t thread;
    atomic_bool stop;
    int listener, target_port, delay_ms;
    char url[64];
    /* only the thread */
    struct pipe *pipes[PIPES_MAX];
    int n;
};

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

static void no_delay(int fd)
{
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void add_pipe(struct delay_line *d, int from, int to)
{
    struct pipe *p = calloc(1, sizeof *p);

    if (!p)
        abort();
    p->from = from;
    p->to = to;
    p->tail = &p->head;
    d->pipes[d->n++] = p;
}

static void accept_one(struct delay_line *d)
{
    struct sockaddr_in target = loopback(d->target_port);
    int near = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);
    int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (near < 0 || far < 0 || d->n + 2 > PIPES_MAX ||
        connect(far, (struct sockaddr *)&target, sizeof target) != 0) {
        close(near);
        close(far);
        return;
    }
    no_delay(near);
    no_delay(far);
    add_pipe(d, near, far);
    add_pipe(d, far, near);
}

static void take_in(struct delay_line *d, struct pipe *p)
{
    struct chunk *c = calloc(1, sizeof *c);
    ssize_t n;

    if (!c)
        abort();
    n = recv(p->from, c->bytes, sizeof c->bytes, MSG_DONTWAIT);
    c->len = n > 0 ? (size_t)n : 0;
    c->due_ms = clock_ms() + d->delay_ms;
    p->ended = n <= 0;
    *p->tail = c;
    p->tail = &c->next;
}

static void let_out(struct pipe *p, int64_t now)
{
    struct chunk *c;

    while ((c = p->head) != NULL && c->due_ms <= now) {
        if (!(p->head = c->next))
            p->tail = &p->head;
        if (c->len == 0)
            shutdown(p->to, SHUT_WR);
        else
            (void)send(p->to, c->bytes, c->len, MSG_NOSIGNAL);
        free(c);
    }
}

/* Removes the connections that have ended in both directions, or all of them. */
static void clean_up(struct delay_line *d, bool all)
{
    for (int i = 0; i < d->n; i += 2) {
        struct pipe *a = d->pipes[i], *b = d->pipes[i + 1];

        if (!all && !(a->ended && b->ended && !a->head && !b->head))
            continue;
        let_out(a, INT64_MAX);
        let_out(b, INT64_MAX);
        close(a->from);
        close(a->to);
        free(a);
        free(b);
        d->n -= 2;
        d->pipes[i] = d->pipes[d->n];
        d->pipes[i + 1] = d->pipes[d->n + 1];
        i -= 2;
    }
}

static void *run(void *arg)
{
    struct delay_line *d = arg;
    struct pollfd fds[PIPES_MAX + 1];

    while (!atomic_load(&d->stop)) {
        bool under_way = false;
        int n = d->n;

        for (int i = 0; i < n; i++) {
            fds[i] = (struct pollfd){.fd = d->pipes[i]->ended ? -1 : d->pipes[i]->from,
                                     .events = POLLIN};
            under_way = under_way || d->pipes[i]->head;
        }
        fds[n] = (struct pollfd){.fd = d->listener, .events = POLLIN};
        (void)poll(fds, (nfds_t)n + 1, under_way ? TICK_MS : IDLE_MS);
        for (int i = 0; i < n; i++) {
            if (fds[i].revents)
                take_in(d, d->pipes[i]);
            let_out(d->pipes[i], clock_ms());
        }
        clean_up(d, false);
        if (fds[n].revents)
            accept_one(d);
    }
    clean_up(d, true);
    return NULL;
}

struct delay_line *delay_line_start(int target_port, int delay_ms)
{
    struct delay_line *d = calloc(1, sizeof *d);
    struct sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;

    if (!d)
        return NULL;
    d->target_port = target_port;
    d->delay_ms = delay_ms;
    d->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->listener < 0 || bind(d->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(d->listener, PIPES_MAX) != 0 ||
        getsockname(d->listener, (struct sockaddr *)&at, &size) != 0 ||
        thread_start(&d->thread, "delay-line", 0, run, d) != 0) {
        close(d->listener);
        free(d);
        return NULL;
    }
    snprintf(d->url, sizeof d->url, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    return d;
}

void delay_line_free(struct delay_line *d)
{
    if (!d)
        return;
    atomic_store(&d->stop, true);
    thread_join(d->thread);
    close(d->listener);
    free(d);
}

const char *delay_line_url(const struct delay_line *d)
{
    return d->url;
}
