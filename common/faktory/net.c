// SPDX-License-Identifier: MIT
#include "common/faktory/net.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/clock.h"

struct net {
    int fd;
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

static void set_options(int fd, const struct net_options *o)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, o->keepalive_idle_ms / 1000);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, o->keepalive_interval_ms / 1000);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, o->keepalive_count);
    /* How long sent bytes may stay unconfirmed before the kernel gives the connection up. */
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, o->write_ms);
    set_timeout(fd, SO_RCVTIMEO, o->read_ms);
    set_timeout(fd, SO_SNDTIMEO, o->write_ms);
}

/* connect() with a deadline: non-blocking, poll, ask for the outcome. 0 or an errno. */
static int connect_within(int fd, const struct sockaddr *addr, socklen_t len, int64_t ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int64_t deadline = clock_ms() + ms;
    int error = 0;
    socklen_t size = sizeof error;

    if (connect(fd, addr, len) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    for (;;) {
        int ready = poll(&p, 1, clock_poll_ms(deadline, INT_MAX));

        if (ready > 0)
            break;
        if (ready == 0)
            return ETIMEDOUT;
        if (errno != EINTR)
            return errno;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return errno;
    return error;
}

/* One address: a connected blocking socket, or -1 with errno. */
static int connect_address(const struct addrinfo *a, const struct net_options *o)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    int error;

    if (fd < 0)
        return -1;
    error = connect_within(fd, a->ai_addr, a->ai_addrlen, o->connect_ms);
    if (error == 0 && fcntl(fd, F_SETFL, 0) < 0)
        error = errno;
    if (error != 0) {
        close(fd);
        errno = error;
        return -1;
    }
    set_options(fd, o);
    return fd;
}

struct net *net_connect(const char *host, const char *port, const struct net_options *o,
                        struct err_text *why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    struct net *n = NULL;
    int fd = -1, code = getaddrinfo(host, port, &hints, &list);

    if (code != 0) {
        err_set(why, ERR_IO, "cannot resolve %s: %s", host, gai_strerror(code));
        return NULL;
    }
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = connect_address(a, o);
    if (fd < 0)
        err_set(why, ERR_IO, "cannot connect to %s:%s: %s", host, port, strerror(errno));
    else if (!(n = malloc(sizeof *n))) {
        close(fd);
        err_set(why, ERR_NOMEM, "out of memory");
    } else
        n->fd = fd;
    freeaddrinfo(list);
    return n;
}

void net_close(struct net *n)
{
    if (!n)
        return;
    close(n->fd);
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

int net_send(struct net *n, const void *bytes, size_t len, struct err_text *why)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t sent = send(n->fd, at, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return failure(errno, "sending", why);
        at += sent;
        len -= (size_t)sent;
    }
    return 0;
}

static int receive(struct net *n, void *to, size_t room, int flags, struct err_text *why)
{
    for (;;) {
        ssize_t got = recv(n->fd, to, room > INT_MAX ? INT_MAX : room, flags);

        if (got > 0)
            return (int)got;
        if (got == 0)
            return err_set(why, ERR_CLOSED, "Faktory closed the connection");
        if (errno == EINTR)
            continue;
        if ((errno == EAGAIN || errno == EWOULDBLOCK) && (flags & MSG_DONTWAIT))
            return ERR_ABSENT;
        return failure(errno, "waiting for an answer", why);
    }
}

int net_recv(struct net *n, void *to, size_t room, struct err_text *why)
{
    return receive(n, to, room, 0, why);
}

int net_try_recv(struct net *n, void *to, size_t room, struct err_text *why)
{
    return receive(n, to, room, MSG_DONTWAIT, why);
}

void net_wake_at(struct net *n, int bytes)
{
    set_option(n->fd, SOL_SOCKET, SO_RCVLOWAT, bytes);
}

int net_fd(const struct net *n)
{
    return n->fd;
}
