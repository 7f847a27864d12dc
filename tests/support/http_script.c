// SPDX-License-Identifier: MIT
#include "tests/support/http_script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/sync.h"

enum { REQUEST_MAX = 16 << 20, PATIENCE_S = 20, LINE_ROOM = 128 };

struct http_script {
    const struct http_script_step *steps; /* immutable, like what follows */
    size_t n_steps;
    int fd;
    char url[48];
    pthread_t thread;
    atomic_bool stopping;

    pthread_mutex_t lock;
    /* guarded by lock; a request is not touched once it is counted */
    size_t n;
    struct {
        char line[LINE_ROOM];
        char *body;
    } requests[HTTP_SCRIPT_REQUESTS_MAX];
};

/* Bytes of the body that the head announces; 0 without one. */
static size_t body_bytes(const char *head)
{
    for (const char *line = head; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            return strtoul(line + 15, NULL, 10);
    return 0;
}

/* Reads a whole request. The length of its head, or 0 when none came. */
static size_t read_request(int fd, struct buf *text)
{
    for (;;) {
        const char *end = strstr(buf_str(text), "\r\n\r\n");
        size_t head = end ? (size_t)(end - text->data) + 4 : 0;
        char *to;
        ssize_t n;

        if (head > 0 && text->len >= head + body_bytes(text->data))
            return head;
        if (!(to = buf_reserve(text, 64 << 10)))
            return 0;
        n = recv(fd, to, 64 << 10, 0);
        if (n <= 0)
            return 0;
        buf_commit(text, (size_t)n);
    }
}

/* Keeps the request; its number. */
static size_t keep(struct http_script *s, const struct buf *text, size_t head)
{
    size_t number;

    mutex_lock(&s->lock);
    number = s->n;
    if (number < HTTP_SCRIPT_REQUESTS_MAX) {
        snprintf(s->requests[number].line, LINE_ROOM, "%.*s", (int)strcspn(text->data, "\r"),
                 text->data);
        s->requests[number].body = strdup(text->data + head);
        s->n++;
    }
    mutex_unlock(&s->lock);
    return number;
}

static void answer(int fd, const struct http_script_step *step)
{
    const char *body = step->body ? step->body : "";
    struct buf out = BUF_INIT(0);

    if (step->status == 0)
        return;
    buf_addf(&out, "HTTP/1.1 %d Because\r\nContent-Length: %zu\r\n%s\r\n%s", step->status,
             strlen(body), step->headers ? step->headers : "", body);
    (void)!send(fd, out.data, out.len, MSG_NOSIGNAL);
    buf_fini(&out);
}

static void *serve(void *arg)
{
    struct http_script *s = arg;
    const struct timeval patience = {.tv_sec = PATIENCE_S};

    for (;;) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        struct buf text = BUF_INIT(REQUEST_MAX);
        size_t head, number;

        if (fd < 0 || atomic_load(&s->stopping)) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if ((head = read_request(fd, &text)) > 0) {
            number = keep(s, &text, head);
            answer(fd, &s->steps[number < s->n_steps ? number : s->n_steps - 1]);
        }
        buf_fini(&text);
        close(fd);
    }
}

static int listen_somewhere(struct http_script *s, struct err_text *why)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(s->fd, 16) != 0 ||
        getsockname(s->fd, (struct sockaddr *)&a, &len) != 0)
        return err_set(why, ERR_IO, "cannot listen: %s", strerror(errno));
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(a.sin_port));
    return 0;
}

struct http_script *http_script_start(const struct http_script_step *steps, size_t n,
                                      struct err_text *why)
{
    struct http_script *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->steps = steps;
    s->n_steps = n;
    mutex_init(&s->lock);
    if (listen_somewhere(s, why) == 0 && thread_start(&s->thread, "http-script", 0, serve, s) == 0)
        return s;
    if (s->fd >= 0)
        close(s->fd);
    mutex_fini(&s->lock);
    free(s);
    return NULL;
}

void http_script_stop(struct http_script *s)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    (void)shutdown(s->fd, SHUT_RDWR); /* accept() returns */
    thread_join(s->thread);
    close(s->fd);
    for (size_t i = 0; i < s->n; i++)
        free(s->requests[i].body);
    mutex_fini(&s->lock);
    free(s);
}

const char *http_script_url(const struct http_script *s)
{
    return s->url;
}

size_t http_script_count(struct http_script *s)
{
    size_t n;

    mutex_lock(&s->lock);
    n = s->n;
    mutex_unlock(&s->lock);
    return n;
}

const char *http_script_line(struct http_script *s, size_t n)
{
    return n < http_script_count(s) ? s->requests[n].line : "";
}

const char *http_script_body(struct http_script *s, size_t n)
{
    return n < http_script_count(s) ? s->requests[n].body : "";
}
