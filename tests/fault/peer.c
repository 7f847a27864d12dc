// SPDX-License-Identifier: MIT
#include "tests/fault/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "tests/support/wait.h"

enum {
    CONNECTIONS_MAX = 256,
    VERB_MAX = 16,
    VERBS_MAX = 32,
    LINE_MAX_BYTES = 32 << 20,
    READ_BYTES = 64 << 10,
    TRICKLE_MS = 1,
    SPLIT_MS = 20,
    CONTROL_TIMEOUT_MS = 10000,
    BIND_TRIES = 10,
};

struct conn {
    int fd;
    int number;
    struct buf in;
    size_t recorded; /* bytes of `in` whose lines are among the events */
    struct buf out;
    size_t sent;
    bool busy; /* an answer is under way */
    enum peer_action action;
    size_t split;
    int64_t not_before; /* when the answer goes on */
    bool mute, deaf;
};

struct count {
    char verb[VERB_MAX];
    int n;
};

struct peer {
    pthread_t thread;
    int port, wake;
    char url[64];
    struct event_log *log;
    /* only the peer's thread */
    int listener, accepted;
    struct conn *conns[CONNECTIONS_MAX];
    int open;
    struct count counts[VERBS_MAX];
    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct peer_rule *rules;
    int rule_count;
    bool stop, drop, listen; /* wishes */
    bool listening;
    int wishes, fulfilled; /* how many of them were made and were seen to */
};

/* What Faktory does. Ends with a rule that fits everything. */
static const struct peer_rule usual[] = {
    {.verb = "HI", .bytes = "+HI {\"v\":2}\r\n"},
    {.verb = "FETCH", .bytes = "$-1\r\n", .delay_ms = 50},
    {.verb = "PUSHB", .bulk = "{}"},
    {.verb = "INFO", .bulk = "{}"},
    {.verb = "END", .action = PEER_CLOSE},
    {.verb = "*", .bytes = "+OK\r\n"},
};

/* The number that this command has among those with its verb, itself included. */
static int count_verb(struct peer *p, const char *verb)
{
    for (int i = 0; i < VERBS_MAX; i++) {
        if (p->counts[i].n == 0)
            snprintf(p->counts[i].verb, VERB_MAX, "%s", verb);
        if (strcmp(p->counts[i].verb, verb) == 0)
            return ++p->counts[i].n;
    }
    return 0;
}

static struct peer_rule choose_rule(struct peer *p, const char *line, int nth, int all,
                                    int connection)
{
    struct peer_rule found = {.verb = NULL};

    mutex_lock(&p->lock);
    for (int i = 0; i < p->rule_count && !found.verb; i++) {
        const struct peer_rule *r = &p->rules[i];
        int n = strcmp(r->verb, "*") == 0 ? all : nth;

        if (event_starts(line, r->verb) && (r->nth == 0 || r->nth == n) &&
            (r->connection == 0 || r->connection == connection))
            found = *r;
    }
    mutex_unlock(&p->lock);
    for (int i = 0; !found.verb; i++)
        if (event_starts(line, usual[i].verb))
            found = usual[i];
    return found;
}

/* Begins what the rule for this line says. */
static void begin(struct peer *p, struct conn *c, const char *line)
{
    char verb[VERB_MAX];
    struct peer_rule rule;
    int nth, all;

    snprintf(verb, sizeof verb, "%.*s", (int)strcspn(line, " "), line);
    nth = count_verb(p, verb);
    all = count_verb(p, "*");
    rule = choose_rule(p, line, nth, all, c->number);
    buf_clear(&c->out);
    if (rule.make)
        rule.make(&c->out, line, nth, rule.arg);
    else if (rule.bulk)
        buf_addf(&c->out, "$%zu\r\n%s\r\n", strlen(rule.bulk), rule.bulk);
    else if (rule.bytes)
        buf_add(&c->out, rule.bytes, rule.bytes_len ? rule.bytes_len : strlen(rule.bytes));
    if (rule.action == PEER_SWALLOW)
        buf_clear(&c->out);
    c->sent = 0;
    c->busy = true;
    c->action = rule.action;
    c->split = rule.split;
    c->not_before = clock_ms() + rule.delay_ms;
}

static void end_conn(struct peer *p, struct conn *c, bool reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    for (int i = 0; i < p->open; i++)
        if (p->conns[i] == c)
            p->conns[i--] = p->conns[--p->open];
    if (reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->fd);
    buf_fini(&c->in);
    buf_fini(&c->out);
    free(c);
}

/* Sends the next piece of the answer. False when the connection is gone. */
static bool send_piece(struct conn *c)
{
    size_t left = c->out.len - c->sent, piece = left;
    ssize_t n;

    if (left == 0)
        return true;
    if (c->action == PEER_TRICKLE)
        piece = 1;
    if (c->action == PEER_SPLIT && c->sent < c->split && c->split - c->sent < left)
        piece = c->split - c->sent;
    n = send(c->fd, c->out.data + c->sent, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    c->sent += (size_t)n;
    if (c->action == PEER_TRICKLE)
        c->not_before = clock_ms() + TRICKLE_MS;
    else if (c->action == PEER_SPLIT && c->sent == c->split)
        c->not_before = clock_ms() + SPLIT_MS;
    return true;
}

/* The next complete line of `in` from `from` on: its length without CRLF, *whole with it. */
static bool find_line(const struct buf *in, size_t from, size_t *len, size_t *whole)
{
    char *lf = in->len > from ? memchr(in->data + from, '\n', in->len - from) : NULL;

    if (!lf)
        return false;
    *whole = (size_t)(lf - in->data) - from + 1;
    *len = *whole - 1;
    if (*len > 0 && lf[-1] == '\r')
        (*len)--;
    return true;
}

static bool next_command(struct peer *p, struct conn *c)
{
    size_t len, whole;
    char *line;

    if (c->mute || !find_line(&c->in, 0, &len, &whole))
        return false;
    if ((line = strndup(c->in.data, len)) != NULL)
        begin(p, c, line);
    free(line);
    buf_consume(&c->in, whole);
    c->recorded -= whole;
    return true;
}

/* Does all that can be done now. The connection may be gone afterwards. */
static void advance(struct peer *p, struct conn *c)
{
    while (c->busy || next_command(p, c)) {
        size_t before = c->sent;

        if (clock_ms() < c->not_before)
            return;
        if (!send_piece(c)) {
            end_conn(p, c, false);
            return;
        }
        if (c->sent < c->out.len) {
            if (c->sent == before)
                return; /* the socket is full: poll() says when it goes on */
            continue;
        }
        c->busy = false;
        c->deaf = c->action == PEER_DEAF;
        c->mute = c->deaf || c->action == PEER_STALL;
        if (c->action == PEER_CLOSE || c->action == PEER_RESET) {
            end_conn(p, c, c->action == PEER_RESET);
            return;
        }
    }
}

static void read_more(struct peer *p, struct conn *c)
{
    char *to = buf_reserve(&c->in, READ_BYTES);
    ssize_t n = to ? recv(c->fd, to, READ_BYTES, MSG_DONTWAIT) : 0;
    size_t len, whole;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        event_log_add(p->log, c->number, "EOF", 3);
        end_conn(p, c, false);
        return;
    }
    buf_commit(&c->in, (size_t)n);
    for (; find_line(&c->in, c->recorded, &len, &whole); c->recorded += whole)
        event_log_add(p->log, c->number, c->in.data + c->recorded, len);
    advance(p, c);
}

static void accept_one(struct peer *p)
{
    int one = 1, fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    struct conn *c = fd >= 0 && p->open < CONNECTIONS_MAX ? calloc(1, sizeof *c) : NULL;

    if (!c) {
        if (fd >= 0)
            close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->fd = fd;
    c->number = ++p->accepted;
    c->in = (struct buf)BUF_INIT(LINE_MAX_BYTES);
    p->conns[p->open++] = c;
    event_log_add(p->log, c->number, "HI", 2);
    begin(p, c, "HI");
    advance(p, c);
}

/* Listens on p->port, or on any free port when that is 0. */
static int open_listener(struct peer *p)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int one = 1, fd;

    for (int i = 0; i < BIND_TRIES; i++) {
        int port = p->port ? p->port : free_port();

        if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
            return ERR_IO;
        at.sin_port = htons((uint16_t)port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 128) == 0) {
            p->port = port;
            p->listener = fd;
            return 0;
        }
        close(fd);
    }
    return ERR_IO;
}

/* Does what the control calls asked for. False when the peer shall end. */
static bool obey(struct peer *p)
{
    bool stop, drop, on;
    int wishes;

    mutex_lock(&p->lock);
    stop = p->stop;
    drop = p->drop || stop;
    on = p->listen && !stop;
    wishes = p->wishes;
    p->drop = false;
    mutex_unlock(&p->lock);
    while (drop && p->open > 0)
        end_conn(p, p->conns[0], true);
    if (!on && p->listener >= 0) {
        close(p->listener);
        p->listener = -1;
    } else if (on && p->listener < 0)
        open_listener(p);
    mutex_lock(&p->lock);
    p->listening = p->listener >= 0;
    p->fulfilled = wishes;
    cond_broadcast(&p->changed);
    mutex_unlock(&p->lock);
    return !stop;
}

/* What to poll for on one connection; shortens *until to when its answer goes on. */
static struct pollfd watch(const struct conn *c, int64_t *until)
{
    struct pollfd f = {.fd = c->fd, .events = c->deaf ? 0 : POLLIN};

    if (c->busy && clock_ms() >= c->not_before)
        f.events |= POLLOUT;
    else if (c->busy && c->not_before < *until)
        *until = c->not_before;
    if (f.events == 0)
        f.fd = -1; /* else an RST would wake the loop without end */
    return f;
}

static void *run(void *arg)
{
    struct peer *p = arg;
    struct pollfd fds[CONNECTIONS_MAX + 2];
    struct conn *conns[CONNECTIONS_MAX];

    while (obey(p)) {
        int64_t until = CLOCK_NEVER;
        eventfd_t ignored;
        int n = p->open;

        for (int i = 0; i < n; i++) {
            conns[i] = p->conns[i];
            fds[i] = watch(conns[i], &until);
        }
        fds[n] = (struct pollfd){.fd = p->wake, .events = POLLIN};
        fds[n + 1] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        poll(fds, (nfds_t)n + 2, until == CLOCK_NEVER ? -1 : clock_poll_ms(until, 1000));
        for (int i = 0; i < n; i++) {
            if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
                read_more(p, conns[i]);
            else if (conns[i]->busy)
                advance(p, conns[i]);
        }
        if (fds[n].revents)
            eventfd_read(p->wake, &ignored);
        if (fds[n + 1].revents)
            accept_one(p);
    }
    return NULL;
}

static void release(struct peer *p)
{
    if (p->listener >= 0)
        close(p->listener);
    if (p->wake >= 0)
        close(p->wake);
    event_log_free(p->log);
    cond_fini(&p->changed);
    mutex_fini(&p->lock);
    free(p);
}

struct peer *peer_start(const struct peer_rule *rules, int count, struct err_text *why)
{
    struct peer *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->rules = rules;
    p->rule_count = count;
    p->listen = true;
    p->listener = -1;
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->log = event_log_new();
    mutex_init(&p->lock);
    cond_init(&p->changed);
    if (p->log && p->wake >= 0 && open_listener(p) == 0 &&
        thread_start(&p->thread, "peer", 0, run, p) == 0) {
        snprintf(p->url, sizeof p->url, "tcp://127.0.0.1:%d", p->port);
        return p;
    }
    err_set(why, ERR_IO, "the peer cannot listen: %s", strerror(errno));
    release(p);
    return NULL;
}

/* Wakes the thread and waits until it has seen the wish; to be called with the lock held. */
static bool ask_locked(struct peer *p)
{
    int64_t deadline = clock_ms() + CONTROL_TIMEOUT_MS;
    int wish = ++p->wishes;

    eventfd_write(p->wake, 1);
    while (p->fulfilled < wish && cond_wait_until(&p->changed, &p->lock, deadline))
        ;
    return p->fulfilled >= wish;
}

void peer_free(struct peer *p)
{
    if (!p)
        return;
    mutex_lock(&p->lock);
    p->stop = true;
    ask_locked(p);
    mutex_unlock(&p->lock);
    thread_join(p->thread);
    release(p);
}

int peer_port(const struct peer *p)
{
    return p->port;
}

const char *peer_url(const struct peer *p)
{
    return p->url;
}

void peer_set_rules(struct peer *p, const struct peer_rule *rules, int count)
{
    mutex_lock(&p->lock);
    p->rules = rules;
    p->rule_count = count;
    mutex_unlock(&p->lock);
}

void peer_drop_all(struct peer *p)
{
    mutex_lock(&p->lock);
    p->drop = true;
    ask_locked(p);
    mutex_unlock(&p->lock);
}

int peer_listen(struct peer *p, bool on)
{
    bool done;

    mutex_lock(&p->lock);
    p->listen = on;
    done = ask_locked(p) && p->listening == on;
    mutex_unlock(&p->lock);
    return done ? 0 : ERR_IO;
}

int peer_count(struct peer *p, const char *verb)
{
    return event_log_count(p->log, verb);
}

bool peer_event(struct peer *p, const char *verb, int nth, struct event *out)
{
    return event_log_get(p->log, verb, nth, out);
}

bool peer_wait(struct peer *p, const char *verb, int count, int timeout_ms)
{
    return event_log_wait(p->log, verb, count, timeout_ms);
}
