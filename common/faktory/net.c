// SPDX-License-Identifier: MIT
#include "common/faktory/net.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/clock.h"

struct net {
    int fd;

    /* while it connects */
    const struct net_options *options;
    struct addrinfo *list, *next; /* addresses; those not tried yet */
    int64_t step_deadline_ms;     /* of the attempt under way */
    char where[320];              /* host:port, for messages */

    int64_t read_ms, write_ms; /* once it is connected */
};

static void set_option(int fd, int level, int name, int64_t value)
{
    int v = value > INT_MAX ? INT_MAX : (int)value;

    /* Best effort: a kernel without one of these still has the time-outs below. */
    (void)setsockopt(fd, level, name, &v, sizeof v);
}

static void set_timeout(int fd, int name, int64_t ms)
{
    struct timeval t = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    (void)setsockopt(fd, SOL_SOCKET, name, &t, sizeof t);
}

static void set_options(struct net *n)
{
    const struct net_options *o = n->options;
    int fd = n->fd;

    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, o->keepalive_idle_ms / 1000);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, o->keepalive_interval_ms / 1000);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, o->keepalive_count);
    /* How long sent bytes may stay unconfirmed before the kernel gives the connection up. */
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, o->write_ms);
    n->read_ms = o->read_ms;
    n->write_ms = o->write_ms;
    set_timeout(fd, SO_RCVTIMEO, o->read_ms);
    set_timeout(fd, SO_SNDTIMEO, o->write_ms);
}

/* ---- connecting ---- */

/* Begins with the next address that allows it; else -1 and errno. */
static int begin_next(struct net *n)
{
    int error = EADDRNOTAVAIL;

    for (; n->next; n->next = n->next->ai_next) {
        const struct addrinfo *a = n->next;

        n->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        if (n->fd >= 0 && (connect(n->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS ||
                           errno == EINTR)) {
            n->next = a->ai_next;
            n->step_deadline_ms = clock_ms() + n->options->connect_ms;
            return 0;
        }
        error = errno;
        if (n->fd >= 0)
            close(n->fd);
        n->fd = -1;
    }
    errno = error;
    return -1;
}

static int cannot_connect(const struct net *n, int error, struct err_text *why)
{
    return err_set(why, ERR_IO, "cannot connect to %s: %s", n->where, strerror(error));
}

struct net *net_begin(const char *host, const char *port, const struct net_options *o,
                      struct err_text *why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct net *n = calloc(1, sizeof *n);
    int code;

    if (!n) {
        err_set(why, ERR_NOMEM, "out of memory");
        return NULL;
    }
    n->fd = -1;
    n->options = o;
    snprintf(n->where, sizeof n->where, "%s:%s", host, port);
    if ((code = getaddrinfo(host, port, &hints, &n->list)) != 0) {
        err_set(why, ERR_IO, "cannot resolve %s: %s", host, gai_strerror(code));
        net_close(n);
        return NULL;
    }
    n->next = n->list;
    if (begin_next(n) != 0) {
        cannot_connect(n, errno, why);
        net_close(n);
        return NULL;
    }
    return n;
}

/* How the attempt under way ended: 0, an errno, or EINPROGRESS. */
static int attempt_state(const struct net *n)
{
    struct pollfd p = {.fd = n->fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;

    if (poll(&p, 1, 0) <= 0)
        return clock_ms() < n->step_deadline_ms ? EINPROGRESS : ETIMEDOUT;
    return getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

int net_step(struct net *n, struct err_text *why)
{
    int error = attempt_state(n);

    if (error == 0 && fcntl(n->fd, F_SETFL, 0) < 0)
        error = errno;
    if (error == EINPROGRESS)
        return 0;
    if (error != 0) {
        close(n->fd);
        n->fd = -1;
        return n->next && begin_next(n) == 0 ? 0 : cannot_connect(n, error, why);
    }
    set_options(n);
    freeaddrinfo(n->list);
    n->list = n->next = NULL;
    return 1;
}

int64_t net_step_deadline_ms(const struct net *n)
{
    return n->step_deadline_ms;
}

void net_wait(const struct net *n, short events, int64_t deadline_ms)
{
    struct pollfd p = {.fd = n->fd, .events = events};

    (void)poll(&p, 1, clock_poll_ms(deadline_ms, INT_MAX));
}

struct net *net_connect(const char *host, const char *port, const struct net_options *o,
                        struct err_text *why)
{
    struct net *n = net_begin(host, port, o, why);
    int code = 0;

    while (n && (code = net_step(n, why)) == 0)
        net_wait(n, POLLOUT, n->step_deadline_ms);
    if (code < 0) {
        net_close(n);
        n = NULL;
    }
    return n;
}

void net_close(struct net *n)
{
    if (!n)
        return;
    if (n->fd >= 0)
        close(n->fd);
    if (n->list)
        freeaddrinfo(n->list);
    free(n);
}

static int failure(int error, const char *doing, struct err_text *why)
{
    switch (error) {
    case EAGAIN: /* what SO_SNDTIMEO and SO_RCVTIMEO say */
        return err_set(why, ERR_TIMEOUT, "timed out while %s", doing);
    case EPIPE:
    case ECONNRESET:
    case ETIMEDOUT: /* TCP_USER_TIMEOUT or keep-alive gave up */
        return err_set(why, ERR_CLOSED, "connection lost while %s: %s", doing, strerror(error));
    default:
        return err_set(why, ERR_IO, "%s: %s", doing, strerror(error));
    }
}

/* After EINTR, with which a stopped process goes on, too: the kernel would begin a time-out anew,
 * so from the deadline on what is tried again does not block. */
static int flags_again(int flags, int64_t deadline_ms)
{
    return clock_ms() < deadline_ms ? flags : flags | MSG_DONTWAIT;
}

static ssize_t send_some(struct net *n, const void *bytes, size_t len, int flags)
{
    int64_t deadline_ms = flags & MSG_DONTWAIT ? 0 : clock_ms() + n->write_ms;
    ssize_t sent;

    while ((sent = send(n->fd, bytes, len, MSG_NOSIGNAL | flags)) < 0 && errno == EINTR)
        flags = flags_again(flags, deadline_ms);
    return sent;
}

int net_send(struct net *n, const void *bytes, size_t len, struct err_text *why)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t sent = send_some(n, at, len, 0);

        if (sent < 0)
            return failure(errno, "sending", why);
        at += sent;
        len -= (size_t)sent;
    }
    return 0;
}

int net_try_send(struct net *n, const void *bytes, size_t len, struct err_text *why)
{
    ssize_t sent = send_some(n, bytes, len > INT_MAX ? INT_MAX : len, MSG_DONTWAIT);

    if (sent < 0 && errno == EAGAIN)
        return ERR_ABSENT;
    return sent < 0 ? failure(errno, "sending", why) : (int)sent;
}

/* > 0; or ERR_CLOSED; or ERR_IO, and errno says why. */
static int receive(struct net *n, void *to, size_t room, int flags, struct err_text *why)
{
    int64_t deadline_ms = flags & MSG_DONTWAIT ? 0 : clock_ms() + n->read_ms;
    ssize_t got;

    room = room > INT_MAX ? INT_MAX : room;
    while ((got = recv(n->fd, to, room, flags)) < 0 && errno == EINTR)
        flags = flags_again(flags, deadline_ms);
    if (got > 0)
        return (int)got;
    return got < 0 ? ERR_IO : err_set(why, ERR_CLOSED, "Faktory closed the connection");
}

int net_recv(struct net *n, void *to, size_t room, struct err_text *why)
{
    int got = receive(n, to, room, 0, why);

    return got == ERR_IO ? failure(errno, "waiting for an answer", why) : got;
}

int net_try_recv(struct net *n, void *to, size_t room, struct err_text *why)
{
    int got = receive(n, to, room, MSG_DONTWAIT, why);

    if (got == ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ERR_ABSENT;
    return got == ERR_IO ? failure(errno, "waiting for an answer", why) : got;
}

int net_fd(const struct net *n)
{
    return n->fd;
}
