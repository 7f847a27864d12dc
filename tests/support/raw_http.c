// SPDX-License-Identifier: MIT
#include "tests/support/raw_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/tcp.h"

bool raw_open(struct raw_http *c, unsigned port)
{
    c->in = (struct buf)BUF_INIT(0);
    c->fd = tcp_connect(port, RAW_TIMEOUT_MS);
    return c->fd >= 0;
}

void raw_close(struct raw_http *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_fini(&c->in);
}

void raw_reset(struct raw_http *c)
{
    struct linger now = {.l_onoff = 1};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    raw_close(c);
}

bool raw_send(struct raw_http *c, const void *bytes, size_t n)
{
    return tcp_send(c->fd, bytes, n);
}

bool raw_send_text(struct raw_http *c, const char *text)
{
    return raw_send(c, text, strlen(text));
}

static size_t content_length(const char *head)
{
    for (const char *line = head; (line = strstr(line, "\r\n")) != NULL;) {
        line += 2;
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            return strtoul(line + 15, NULL, 10);
    }
    return 0;
}

bool raw_read(struct raw_http *c, struct raw_reply *reply, bool headless)
{
    const char *end;
    size_t head_len, have;

    memset(reply, 0, sizeof *reply);
    while (!(end = strstr(buf_str(&c->in), "\r\n\r\n")))
        if (!tcp_recv_more(c->fd, &c->in))
            return false;
    head_len = (size_t)(end - c->in.data) + 4;
    snprintf(reply->head, sizeof reply->head, "%.*s", (int)head_len, c->in.data);
    if (sscanf(reply->head, "HTTP/1.1 %u", &reply->status) != 1)
        return false;
    buf_consume(&c->in, head_len);
    reply->body_len = content_length(reply->head);
    if (headless || reply->status < 200)
        return true;
    while (c->in.len < reply->body_len)
        if (!tcp_recv_more(c->fd, &c->in))
            return false;
    have = reply->body_len < sizeof reply->body - 1 ? reply->body_len : sizeof reply->body - 1;
    if (have > 0)
        memcpy(reply->body, c->in.data, have);
    buf_consume(&c->in, reply->body_len);
    return true;
}

bool raw_ended(struct raw_http *c)
{
    char byte;

    /* A reset counts as an end too: what was sent after the server stopped reading causes one. */
    return c->in.len == 0 && tcp_recv(c->fd, &byte, 1) <= 0;
}

bool raw_ask(unsigned port, const char *text, struct raw_reply *reply)
{
    struct raw_http c;
    bool ok;

    memset(reply, 0, sizeof *reply);
    if (!raw_open(&c, port))
        return false;
    ok = raw_send_text(&c, text) && raw_read(&c, reply, false);
    raw_close(&c);
    return ok;
}
