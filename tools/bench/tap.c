// SPDX-License-Identifier: MIT
#include "tools/bench/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/jid.h"

enum { CONNECTIONS_MAX = 600, READ_BYTES = 64 << 10, LINE_KEPT = 64, STACK_BYTES = 256 << 10 };
enum { WORKER, SERVER, ENDS };

struct relay {
    int fd[ENDS];
    char line[LINE_KEPT + 1]; /* the beginning of the worker's current line */
    size_t line_len;          /* of all of it */
    bool fetched;
};

struct tap {
    /* fixed after start */
    int listener, wake[2];
    struct sockaddr_in to;
    char url[64];
    pthread_t thread;

    /* the thread's */
    struct relay relays[CONNECTIONS_MAX];
    int n_relays;
    char bytes[READ_BYTES];

    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t passed;
    struct tap_counts counts;
    char expected[JID_CHARS + 1];
    int64_t acked_us;
};

/* ---- what passes ---- */

static bool is_verb(const struct relay *r, const char *verb)
{
    size_t len = strlen(verb);

    return strncmp(r->line, verb, len) == 0 && strchr(" \r\n", r->line[len]);
}

static void note_line(struct tap *t, struct relay *r, int64_t at_us)
{
    mutex_lock(&t->lock);
    t->counts.commands++;
    if (is_verb(r, "FETCH")) {
        t->counts.fetches++;
        if (!r->fetched)
            t->counts.fetchers++;
        r->fetched = true;
    } else if (is_verb(r, "BEAT"))
        t->counts.beats++;
    else if (is_verb(r, "ACK")) {
        t->counts.acks++;
        if (t->expected[0] && strstr(r->line, t->expected)) {
            t->acked_us = at_us;
            cond_broadcast(&t->passed);
        }
    }
    mutex_unlock(&t->lock);
}

static void note(struct tap *t, struct relay *r, const char *bytes, size_t n, int64_t at_us)
{
    for (size_t i = 0; i < n; i++) {
        if (r->line_len < LINE_KEPT) {
            r->line[r->line_len] = bytes[i];
            r->line[r->line_len + 1] = '\0';
        }
        r->line_len++;
        if (bytes[i] == '\n') {
            note_line(t, r, at_us);
            r->line_len = 0;
        }
    }
}

/* ---- relaying ---- */

static bool send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Moves what one end has sent to the other; false when the connection is over. */
static bool move(struct tap *t, struct relay *r, int from)
{
    ssize_t n = recv(r->fd[from], t->bytes, READ_BYTES, 0);

    if (n <= 0)
        return false;
    if (from == WORKER)
        note(t, r, t->bytes, (size_t)n, clock_us());
    return send_all(r->fd[1 - from], t->bytes, (size_t)n);
}

static void accept_one(struct tap *t)
{
    struct relay *r = &t->relays[t->n_relays];
    int one = 1;

    memset(r, 0, sizeof *r);
    r->fd[WORKER] = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC);
    if (r->fd[WORKER] < 0)
        return;
    r->fd[SERVER] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(r->fd[SERVER], (struct sockaddr *)&t->to, sizeof t->to) != 0) {
        close(r->fd[SERVER]);
        close(r->fd[WORKER]);
        return;
    }
    for (int i = 0; i < ENDS; i++)
        setsockopt(r->fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    t->n_relays++;
    mutex_lock(&t->lock);
    t->counts.connections++;
    mutex_unlock(&t->lock);
}

static void close_relay(struct tap *t, int i)
{
    close(t->relays[i].fd[WORKER]);
    close(t->relays[i].fd[SERVER]);
    t->relays[i] = t->relays[--t->n_relays];
}

static void *run(void *arg)
{
    static struct pollfd polled[CONNECTIONS_MAX * ENDS + 2]; /* one tap at a time */
    struct tap *t = arg;

    for (;;) {
        int n = t->n_relays;
        nfds_t all = (nfds_t)n * ENDS + 2;

        polled[0] = (struct pollfd){.fd = t->wake[0], .events = POLLIN};
        polled[1] = (struct pollfd){.fd = n < CONNECTIONS_MAX ? t->listener : -1, .events = POLLIN};
        for (int i = 0; i < n * ENDS; i++)
            polled[i + 2] =
                (struct pollfd){.fd = t->relays[i / ENDS].fd[i % ENDS], .events = POLLIN};
        poll(polled, all, -1);
        if (polled[0].revents)
            return NULL;
        /* backwards: closing one moves the last one to its place */
        for (int i = n - 1; i >= 0; i--)
            for (int end = WORKER; end < ENDS; end++)
                if (polled[i * ENDS + end + 2].revents && !move(t, &t->relays[i], end)) {
                    close_relay(t, i);
                    break;
                }
        if (polled[1].revents)
            accept_one(t);
    }
}

/* ---- life ---- */

static int listen_somewhere(struct tap *t)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (t->listener < 0 || bind(t->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(t->listener, CONNECTIONS_MAX) != 0 ||
        getsockname(t->listener, (struct sockaddr *)&at, &len) != 0)
        return ERR_IO;
    snprintf(t->url, sizeof t->url, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    return 0;
}

static void tap_free(struct tap *t)
{
    while (t->n_relays > 0)
        close_relay(t, t->n_relays - 1);
    if (t->listener >= 0)
        close(t->listener);
    for (int i = 0; i < 2; i++)
        if (t->wake[i] >= 0)
            close(t->wake[i]);
    mutex_fini(&t->lock);
    cond_fini(&t->passed);
    free(t);
}

struct tap *tap_start(const char *host, const char *port, struct err_text *why)
{
    struct tap *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->listener = t->wake[0] = t->wake[1] = -1;
    mutex_init(&t->lock);
    cond_init(&t->passed);
    t->to.sin_family = AF_INET;
    t->to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    inet_pton(AF_INET, host, &t->to.sin_addr);
    if (listen_somewhere(t) == 0 && pipe2(t->wake, O_CLOEXEC) == 0 &&
        thread_start(&t->thread, "tap", STACK_BYTES, run, t) == 0)
        return t;
    err_set(why, ERR_IO, "the relay cannot be started: %s", strerror(errno));
    tap_free(t);
    return NULL;
}

void tap_stop(struct tap *t)
{
    ssize_t n;

    if (!t)
        return;
    do
        n = write(t->wake[1], "x", 1);
    while (n < 0 && errno == EINTR);
    thread_join(t->thread);
    tap_free(t);
}

const char *tap_url(const struct tap *t)
{
    return t->url;
}

void tap_look(struct tap *t, struct tap_counts *counts)
{
    mutex_lock(&t->lock);
    *counts = t->counts;
    mutex_unlock(&t->lock);
}

void tap_expect(struct tap *t, const char *jid)
{
    mutex_lock(&t->lock);
    snprintf(t->expected, sizeof t->expected, "%s", jid);
    t->acked_us = 0;
    mutex_unlock(&t->lock);
}

int64_t tap_wait_ack(struct tap *t, int64_t deadline_ms)
{
    int64_t at_us;
    bool in_time = true;

    mutex_lock(&t->lock);
    while (t->acked_us == 0 && in_time)
        in_time = cond_wait_until(&t->passed, &t->lock, deadline_ms);
    at_us = t->acked_us;
    mutex_unlock(&t->lock);
    return at_us;
}
