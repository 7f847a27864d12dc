// SPDX-License-Identifier: MIT
#include "common/http/http_probe.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/http/http_listen.h"

enum { REQUEST_MAX = 512, STEP_BYTES = 4096, SHOWN_BYTES = 120 };

struct probe {
    const char *addr; /* as the server was told, for errors */
    int64_t deadline_ms;
    int fd;
    struct err_text *why;
};

static int failed(const struct probe *p, int error)
{
    return err_set(p->why, ERR_IO, "%s: %s", p->addr, strerror(error));
}

/* Waits until the socket is ready for `events`, or has failed; 0 or an error. */
static int await(const struct probe *p, short events)
{
    struct pollfd f = {.fd = p->fd, .events = events};
    int ready;

    do
        ready = poll(&f, 1, clock_poll_ms(p->deadline_ms, INT_MAX));
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return failed(p, errno);
    if (ready == 0)
        return err_set(p->why, ERR_TIMEOUT, "%s: no answer within %d ms", p->addr, HTTP_PROBE_MS);
    return 0;
}

static int connect_to(struct probe *p, const struct addrinfo *ai)
{
    int code, error = 0;
    socklen_t size = sizeof error;

    if (p->fd >= 0) /* of an address that did not work */
        close(p->fd);
    p->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0)
        return failed(p, errno);
    if (connect(p->fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return failed(p, errno);
    if ((code = await(p, POLLOUT)) != 0)
        return code;
    if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    return error == 0 ? 0 : failed(p, error);
}

/* Linux takes a wildcard address for this machine, so what the server was told is what we ask. */
static int open_probe(struct probe *p)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[HTTP_HOST_MAX];
    const char *port;
    int code;

    if (http_split_addr(p->addr, host, sizeof host, &port) != 0 ||
        strspn(port, "0") == strlen(port))
        return err_set(p->why, ERR_INVALID,
                       "\"%s\" cannot be asked: expected HOST:PORT with a port other than 0",
                       p->addr);
    if ((code = getaddrinfo(host, port, &hints, &found)) != 0)
        return err_set(p->why, ERR_IO, "%s: %s", p->addr, gai_strerror(code));
    code = ERR_IO;
    for (const struct addrinfo *ai = found; ai && code != 0; ai = ai->ai_next)
        code = connect_to(p, ai);
    freeaddrinfo(found);
    return code;
}

/* The request is smaller than any socket buffer: a fresh connection takes it in one piece. */
static int ask(const struct probe *p, const char *path)
{
    char request[REQUEST_MAX];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, p->addr);
    ssize_t sent;

    if (len < 0 || len >= (int)sizeof request)
        return err_set(p->why, ERR_INVALID, "the path %s is too long", path);
    sent = send(p->fd, request, (size_t)len, MSG_NOSIGNAL);
    if (sent < 0)
        return failed(p, errno);
    return sent == len ? 0 : err_set(p->why, ERR_IO, "%s: took half a request", p->addr);
}

/* Reads until the server has closed. */
static int hear(const struct probe *p, struct buf *reply)
{
    for (;;) {
        char *room = buf_reserve(reply, STEP_BYTES);
        int code = room ? await(p, POLLIN) : err_set(p->why, ERR_NOMEM, "out of memory");
        ssize_t got;

        if (code != 0)
            return code;
        got = recv(p->fd, room, STEP_BYTES, 0);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return failed(p, errno);
        if (got > 0)
            buf_commit(reply, (size_t)got);
        if (reply->len > HTTP_PROBE_REPLY_MAX)
            return err_set(p->why, ERR_PROTOCOL, "%s: an answer of more than %d bytes", p->addr,
                           HTTP_PROBE_REPLY_MAX);
    }
}

/* The status in "HTTP/1.1 200 OK", or -1. */
static int status_of(const char *text)
{
    static const char version[] = "HTTP/1.";
    const char *minor = text + sizeof version - 1;

    if (strncmp(text, version, sizeof version - 1) != 0 || (*minor != '0' && *minor != '1') ||
        minor[1] != ' ' || strspn(minor + 2, "0123456789") != 3)
        return -1;
    return (int)strtol(minor + 2, NULL, 10);
}

static int judge(const struct probe *p, struct buf *reply, struct buf *body)
{
    const char *text = buf_str(reply), *rest = strstr(text, "\r\n\r\n");
    int status = status_of(text);

    if (reply->len == 0)
        return err_set(p->why, ERR_CLOSED, "%s: closed without an answer", p->addr);
    if (!rest || status < 0)
        return err_set(p->why, ERR_PROTOCOL, "%s: not an answer of HTTP", p->addr);
    rest += strlen("\r\n\r\n");
    if (status != 200)
        return err_set(p->why, ERR_REFUSED, "%s: %d %.*s", p->addr, status, SHOWN_BYTES, rest);
    buf_add_str(body, rest);
    return 0;
}

int http_probe(const char *bind_addr, const char *path, struct buf *body, struct err_text *why)
{
    struct probe p = {
        .addr = bind_addr, .deadline_ms = clock_ms() + HTTP_PROBE_MS, .fd = -1, .why = why};
    struct buf reply = BUF_INIT(0);
    int code = open_probe(&p);

    if (code == 0 && (code = ask(&p, path)) == 0 && (code = hear(&p, &reply)) == 0)
        code = judge(&p, &reply, body);
    if (p.fd >= 0)
        close(p.fd);
    buf_fini(&reply);
    return code;
}
