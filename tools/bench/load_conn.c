// SPDX-License-Identifier: MIT
#include "tools/bench/load_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 16 << 10, ANSWER_MAX = 8 << 20 };

int load_conn_open(struct load_conn *c, const char *port, struct err_text *why)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int one = 1;

    memset(c, 0, sizeof *c);
    c->in.max = ANSWER_MAX;
    at.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof at) != 0)
        return err_set(why, ERR_IO, "connecting to the API: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return 0;
}

void load_conn_close(struct load_conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_fini(&c->in);
}

int load_conn_send(struct load_conn *c, const struct buf *request, bool *more, struct err_text *why)
{
    while (c->sent < request->len) {
        ssize_t n = send(c->fd, request->data + c->sent, request->len - c->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0)
            return err_set(why, ERR_IO, "sending to the API: %s", strerror(errno));
        c->sent += (size_t)n;
    }
    *more = c->sent < request->len;
    return 0;
}

static int fill_in(struct load_conn *c, struct err_text *why)
{
    char *to = buf_reserve(&c->in, READ_BYTES);
    ssize_t n = to ? recv(c->fd, to, READ_BYTES, 0) : -1;

    if (!to)
        return err_set(why, ERR_FULL, "the API's answer is over %d bytes", ANSWER_MAX);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n == 0)
        return err_set(why, ERR_CLOSED, "the API closed a connection");
    if (n < 0)
        return err_set(why, ERR_IO, "reading from the API: %s", strerror(errno));
    buf_commit(&c->in, (size_t)n);
    return (int)n;
}

/* 1 when head and body are there. */
static int complete(struct load_conn *c, int *status, struct err_text *why)
{
    const char *text = buf_str(&c->in), *end = strstr(text, "\r\n\r\n"), *length;
    size_t head;

    if (!end)
        return 0;
    head = (size_t)(end - text) + 4;
    length = strcasestr(text, "\r\nContent-Length:");
    if (strncmp(text, "HTTP/1.1 ", 9) != 0 || !length || length > end)
        return err_set(why, ERR_PROTOCOL, "not an answer of the API: %.40s", text);
    if (c->in.len < head + strtoul(length + 17, NULL, 10))
        return 0;
    *status = (int)strtol(text + 9, NULL, 10);
    c->body = head;
    return 1;
}

int load_conn_receive(struct load_conn *c, int *status, struct err_text *why)
{
    int n = fill_in(c, why);

    return n > 0 ? complete(c, status, why) : n;
}

void load_conn_next(struct load_conn *c)
{
    buf_clear(&c->in);
    c->sent = 0;
    c->body = 0;
}
