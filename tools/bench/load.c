// SPDX-License-Identifier: MIT
#include "tools/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/faktory/jid.h"
#include "tools/bench/bench.h"
#include "tools/bench/load_conn.h"

enum { EVENTS = 256, SILENCE_MAX_US = 35000000 };

struct jid {
    char text[JID_CHARS];
};

struct driver {
    const struct load *load;
    struct load_result *out;
    struct buf request; /* the same for all: what the API does with it does not depend on a and b */
    struct load_conn *conns;
    unsigned *idle; /* ring of those without a request; each has its turn: the API ends idle ones */
    unsigned idle_first, n_idle;
    unsigned started, answered; /* requests */
    int epoll;
    int64_t began_us;
    struct jid *jids;
    size_t jids_max;
};

static void add_idle(struct driver *d, unsigned conn)
{
    d->idle[(d->idle_first + d->n_idle++) % d->load->connections] = conn;
}

static unsigned take_idle(struct driver *d)
{
    unsigned conn = d->idle[d->idle_first];

    d->idle_first = (d->idle_first + 1) % d->load->connections;
    d->n_idle--;
    return conn;
}

/* ---- the request ---- */

static void write_request(struct buf *out, const struct load *l)
{
    struct buf body = BUF_INIT(0);
    unsigned batch = l->batch;
    char pack[24] = "";

    if (batch == 0)
        buf_add_str(&body, "{\"a\":1,\"b\":2}");
    else {
        buf_add_str(&body, "{\"jobs\":[");
        for (unsigned i = 0; i < batch; i++)
            buf_addf(&body, "%s{\"type\":\"Add\",\"args\":{\"a\":%u,\"b\":2}}", i ? "," : "", i);
        buf_add_str(&body, "]}");
    }
    if (l->pack > 0)
        snprintf(pack, sizeof pack, "?pack=%u", l->pack);
    buf_addf(out,
             "POST /jobs/%s%s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             batch ? "batch" : "add", pack, body.len);
    buf_add(out, body.data, body.len);
    buf_fini(&body);
}

/* ---- the answer ---- */

/* Keeps the ids of an answer: strings of the length of an id, behind "job_id" or "job_ids". */
static int keep_ids(struct driver *d, const char *body, struct err_text *why)
{
    unsigned want = d->load->batch ? d->load->batch : 1, got = 0;
    const char *at = strstr(body, "\"job_id");

    for (at = at ? strchr(at, ':') : NULL; at && got < want; got++) {
        const char *open = strchr(at, '"'), *close = open ? strchr(open + 1, '"') : NULL;

        if (!close || close - open - 1 != JID_CHARS || d->out->jobs == d->jids_max)
            break;
        memcpy(d->jids[d->out->jobs++].text, open + 1, JID_CHARS);
        at = close + 1;
    }
    return got == want ? 0
                       : err_set(why, ERR_PROTOCOL, "%u ids instead of %u: %.80s", got, want, body);
}

static int take_answer(struct driver *d, struct load_conn *c, int status, struct err_text *why)
{
    int code;

    if (status != 202)
        return err_set(why, ERR_REFUSED, "the API answered %d: %.120s", status,
                       buf_str(&c->in) + c->body);
    if ((code = keep_ids(d, buf_str(&c->in) + c->body, why)) != 0)
        return code;
    hist_record(&d->out->latency_us, clock_us() - c->intended_us);
    d->answered++;
    load_conn_next(c);
    add_idle(d, (unsigned)(c - d->conns));
    return 0;
}

/* ---- the loop ---- */

static int watch(struct driver *d, struct load_conn *c, int how, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    return epoll_ctl(d->epoll, how, c->fd, &e);
}

static int send_more(struct driver *d, struct load_conn *c, struct err_text *why)
{
    bool had = c->sent > 0, more = false;
    int code = load_conn_send(c, &d->request, &more, why);

    if (more || had)
        (void)watch(d, c, EPOLL_CTL_MOD, EPOLLIN | (more ? (uint32_t)EPOLLOUT : 0));
    return code;
}

static int64_t due_us(const struct driver *d, unsigned request)
{
    if (d->load->rate <= 0)
        return 0;
    return d->began_us + (int64_t)((double)request * 1e6 / d->load->rate);
}

/* Starts every request that is due and has a connection. */
static int start_due(struct driver *d, struct err_text *why)
{
    int code = 0;

    while (code == 0 && d->n_idle > 0 && d->started < d->load->requests) {
        int64_t now = clock_us(), due = due_us(d, d->started);
        struct load_conn *c;

        if (due > now)
            break;
        c = &d->conns[take_idle(d)];
        c->intended_us = due > 0 ? due : now;
        d->started++;
        code = send_more(d, c, why);
    }
    return code;
}

static int handle(struct driver *d, const struct epoll_event *e, struct err_text *why)
{
    struct load_conn *c = e->data.ptr;
    int status = 0, code = 0;

    if (e->events & EPOLLOUT)
        code = send_more(d, c, why);
    if (code == 0 && e->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        code = load_conn_receive(c, &status, why);
    return code > 0 ? take_answer(d, c, status, why) : code;
}

/* Waits for answers, but not beyond the next request that is due. */
static int wait_events(struct driver *d, struct epoll_event *events)
{
    int64_t wait = 1000000;
    struct timespec t;

    if (d->load->rate > 0 && d->n_idle > 0 && d->started < d->load->requests) {
        int64_t left = due_us(d, d->started) - clock_us();

        wait = left < 0 ? 0 : left;
    }
    t = (struct timespec){.tv_sec = wait / 1000000, .tv_nsec = wait % 1000000 * 1000};
    return epoll_pwait2(d->epoll, events, EVENTS, &t, NULL);
}

static int loop(struct driver *d, struct err_text *why)
{
    struct epoll_event events[EVENTS];
    int64_t heard = clock_us();
    int code = 0;

    d->began_us = d->out->began_us = heard;
    while (code == 0 && d->answered < d->load->requests) {
        int n = 0;

        if ((code = start_due(d, why)) == 0)
            n = wait_events(d, events);
        /* who has his answer asks again, before anybody else is looked at: clients are not in step
         */
        for (int i = 0; i < n && code == 0; i++)
            if ((code = handle(d, &events[i], why)) == 0)
                code = start_due(d, why);
        if (n > 0)
            heard = clock_us();
        if (code == 0 && d->started > d->answered && clock_us() - heard > SILENCE_MAX_US)
            code = err_set(why, ERR_TIMEOUT, "the API is silent with %u requests unanswered",
                           d->started - d->answered);
        if (code == 0 && bench_stopped())
            code = err_set(why, ERR_STOPPED, "stopped");
    }
    d->out->seconds = (double)(clock_us() - d->began_us) * 1e-6;
    return code;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct jid));
}

static int check_unique(struct driver *d, struct err_text *why)
{
    qsort(d->jids, d->out->jobs, sizeof *d->jids, compare);
    for (unsigned i = 1; i < d->out->jobs; i++)
        if (compare(&d->jids[i - 1], &d->jids[i]) == 0)
            return err_set(why, ERR_PROTOCOL, "the API gave the id %.*s twice", JID_CHARS,
                           d->jids[i].text);
    return 0;
}

static int open_all(struct driver *d, struct err_text *why)
{
    unsigned n = d->load->connections;

    d->jids_max = (size_t)d->load->requests * (d->load->batch ? d->load->batch : 1);
    d->conns = calloc(n, sizeof *d->conns);
    d->idle = calloc(n, sizeof *d->idle);
    d->jids = calloc(d->jids_max, sizeof *d->jids);
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    write_request(&d->request, d->load);
    if (!d->conns || !d->idle || !d->jids || d->epoll < 0 || d->request.failed)
        return err_set(why, ERR_NOMEM, "no memory for %u connections", n);
    for (unsigned i = 0; i < n; i++)
        d->conns[i].fd = -1;
    for (unsigned i = 0; i < n; i++) {
        int code = load_conn_open(&d->conns[i], d->load->port, why);

        if (code != 0 || watch(d, &d->conns[i], EPOLL_CTL_ADD, EPOLLIN) != 0)
            return code != 0 ? code : err_set(why, ERR_IO, "epoll: %s", strerror(errno));
        add_idle(d, i);
    }
    return 0;
}

static double thread_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

int load_run(const struct load *l, struct load_result *out, struct err_text *why)
{
    struct driver d = {.load = l, .out = out, .epoll = -1};
    double cpu;
    int code;

    memset(out, 0, sizeof *out);
    if ((code = open_all(&d, why)) == 0) {
        cpu = thread_cpu_us();
        /* The default of 50 us would show at a fixed rate. Here and not for the whole bench: its
         * children would have it from us, and Go's scheduler would sleep less than it does
         * elsewhere. */
        prctl(PR_SET_TIMERSLACK, 1UL);
        code = loop(&d, why);
        prctl(PR_SET_TIMERSLACK, 0UL);
        out->cpu_share = (thread_cpu_us() - cpu) / (out->seconds * 1e6);
    }
    if (code == 0 && l->then)
        code = l->then(l->ctx, out, why);
    if (code == 0)
        code = check_unique(&d, why);
    for (unsigned i = 0; d.conns && i < l->connections; i++)
        load_conn_close(&d.conns[i]);
    if (d.epoll >= 0)
        close(d.epoll);
    buf_fini(&d.request);
    free(d.conns);
    free(d.idle);
    free(d.jids);
    return code;
}
