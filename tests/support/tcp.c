// SPDX-License-Identifier: MIT
#include "tests/support/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/clock.h"

enum { READ_BYTES = 16 << 10 };

int tcp_connect(unsigned port, int timeout_ms)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), code, why;

    if (fd < 0)
        return -1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    do
        code = connect(fd, (struct sockaddr *)&at, sizeof at);
    while (code != 0 && (errno == EINTR || errno == EALREADY));
    if (code == 0 || errno == EISCONN)
        return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

bool tcp_send(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;

    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

ssize_t tcp_recv(int fd, void *to, size_t room)
{
    ssize_t n;

    do
        n = recv(fd, to, room, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

bool tcp_recv_more(int fd, struct buf *in)
{
    char *to = buf_reserve(in, READ_BYTES);
    ssize_t n = to ? tcp_recv(fd, to, READ_BYTES) : -1;

    if (n <= 0)
        return false;
    buf_commit(in, (size_t)n);
    return true;
}

bool tcp_readable(int fd, int64_t timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t deadline = clock_ms() + timeout_ms;
    int ready;

    do
        ready = poll(&p, 1, clock_poll_ms(deadline, INT_MAX));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}
