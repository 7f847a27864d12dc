// SPDX-License-Identifier: MIT
/* The measurements of a worker that has nothing to do, all through a tap (tap.h). */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/faktory/jid.h"
#include "tools/bench/contest.h"
#include "tools/bench/fill.h"
#include "tools/bench/hist.h"
#include "tools/bench/measure.h"
#include "tools/bench/server.h"
#include "tools/bench/tap.h"

enum { READY_MS = 60000, QUIET_US = 100000, JOB_TIMEOUT_MS = 10000, FETCH_WAIT_S = 2 };

struct site {
    struct bench *bench;
    struct server *server;
    struct tap *tap;
    struct child *worker;
};

/* Waits until the number of connections that fetch has stopped growing. */
static int await_fetching(struct site *s, struct err_text *why)
{
    int64_t deadline = clock_ms() + READY_MS,
            quiet_us = (int64_t)(s->bench->rtt_ms * 8000) + 700000;
    struct tap_counts now = {0}, before;

    do {
        before = now;
        if (!bench_sleep_until(clock_us() + quiet_us))
            return err_set(why, ERR_STOPPED, "stopped");
        tap_look(s->tap, &now);
        if (clock_ms() > deadline || !child_alive(s->worker))
            return err_set(why, ERR_TIMEOUT, "the worker does not start to fetch");
    } while (now.fetchers == 0 || now.fetchers != before.fetchers);
    return 0;
}

static int open_site(struct site *s, struct bench *b, const struct task *t, const char *who,
                     struct err_text *why)
{
    memset(s, 0, sizeof *s);
    s->bench = b;
    bench_progress("starting Faktory and a worker");
    if (!(s->server = server_start(b, why)) ||
        !(s->tap = tap_start(wire_far_host(b->wire), server_port(s->server), why)) ||
        !(s->worker = contest_worker(b, who, t->size, NULL, tap_url(s->tap), 0, why)))
        return ERR_IO;
    return await_fetching(s, why);
}

static int close_site(struct site *s, const char *who, int code, struct err_text *why)
{
    struct err_text other = {""};

    if (contest_end(who, s->worker, &other) != 0 && code == 0) {
        code = ERR_IO;
        *why = other;
    }
    tap_stop(s->tap);
    server_stop(s->server);
    return code;
}

/* ---- the first job after a pause ---- */

/* Pushes one job and waits for its ACK: microseconds, or an error. */
static int64_t time_one(struct site *s, struct faktory *talk, unsigned n, struct err_text *why)
{
    struct buf command = BUF_INIT(0);
    struct resp_reply reply;
    char jid[JID_CHARS + 1];
    int64_t began, acked;
    int code;

    jid_make(jid);
    buf_add_str(&command, "PUSHB [");
    fill_write_job(&command, jid, n);
    buf_add_char(&command, ']');
    tap_expect(s->tap, jid);
    began = clock_us();
    code = faktory_call(talk, buf_str(&command), &reply, why);
    buf_fini(&command);
    if (code != 0)
        return code;
    if (reply.kind != RESP_BULK || reply.len != 2)
        return err_set(why, ERR_REFUSED, "Faktory did not take a job");
    acked = tap_wait_ack(s->tap, clock_ms() + JOB_TIMEOUT_MS);
    return acked > 0 ? acked - began
                     : err_set(why, ERR_TIMEOUT, "no ACK within %d s", JOB_TIMEOUT_MS / 1000);
}

/* The pauses differ, so that jobs do not keep meeting the same moment of a 2 s FETCH. */
static int time_many(struct site *s, const struct task *t, struct hist *us, struct err_text *why)
{
    struct faktory *talk = faktory_connect(server_settings(s->server), NULL, NULL, why);
    int64_t one = talk ? 0 : ERR_IO;

    for (unsigned i = 0; i < t->jobs && one >= 0; i++) {
        int64_t pause_us = (int64_t)(s->bench->rtt_ms * 4000) + QUIET_US + (int64_t)(i % 7) * 13000;

        bench_progress("job %u of %u, p99 %.1f ms", i + 1, t->jobs,
                       (double)hist_quantile(us, 0.99) * 1e-3);
        if (!bench_sleep_until(clock_us() + pause_us))
            one = err_set(why, ERR_STOPPED, "stopped");
        else if ((one = time_one(s, talk, i, why)) >= 0)
            hist_record(us, one);
    }
    faktory_close(talk);
    return one < 0 ? (int)one : 0;
}

int measure_first_job(struct bench *b, const struct task *t, struct row *row, struct err_text *why)
{
    struct hist *us = calloc(1, sizeof *us);
    struct site s;
    int code = open_site(&s, b, t, row->who, why);

    if (code == 0)
        code = us ? time_many(&s, t, us, why) : ERR_NOMEM;
    if (code == 0) {
        row->figure[FIG_JOBS] = t->jobs;
        row->figure[FIG_P50_MS] = (double)hist_quantile(us, 0.5) * 1e-3;
        row->figure[FIG_P99_MS] = (double)hist_quantile(us, 0.99) * 1e-3;
        row->figure[FIG_MAX_MS] = (double)us->max * 1e-3;
    }
    free(us);
    return close_site(&s, row->who, code, why);
}

/* ---- nothing to do at all ---- */

int measure_idle(struct bench *b, const struct task *t, struct row *row, struct err_text *why)
{
    struct tap_counts before, after;
    struct site s;
    double cpu_us, span_us;
    int code = open_site(&s, b, t, row->who, why);

    if (code == 0) {
        bench_progress("watching an idle worker for %u s", t->seconds);
        tap_look(s.tap, &before);
        cpu_us = (double)process_cpu_us(child_pid(s.worker));
        span_us = (double)clock_us();
        if (!bench_sleep_until(clock_us() + (int64_t)t->seconds * 1000000))
            code = err_set(why, ERR_STOPPED, "stopped");
        tap_look(s.tap, &after);
        span_us = (double)clock_us() - span_us;
        cpu_us = (double)process_cpu_us(child_pid(s.worker)) - cpu_us;
        row->figure[FIG_SECONDS] = span_us * 1e-6;
        row->figure[FIG_CPU_PERCENT] = 100 * cpu_us / span_us;
        row->figure[FIG_CONNECTIONS] = after.fetchers;
        /* one that is always held is a new one every two seconds */
        row->figure[FIG_FETCHES] = (double)(after.fetches - before.fetches) * FETCH_WAIT_S /
                                   (span_us * 1e-6) / after.fetchers;
        row->figure[FIG_PEAK_MIB] = (double)process_peak_kib(child_pid(s.worker)) / 1024;
    }
    return close_site(&s, row->who, code, why);
}
