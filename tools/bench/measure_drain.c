// SPDX-License-Identifier: MIT
/* The measurements in which workers run jobs: drain and sustained. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tools/bench/contest.h"
#include "tools/bench/drain.h"
#include "tools/bench/fill.h"
#include "tools/bench/load.h"
#include "tools/bench/measure.h"

enum {
    WORKERS_MAX = 16,
    LONG_US = 600000000,
    SETTLE_US = 3000000,
    FILL_BATCH = 500,
    FILL_CONNECTIONS = 2,
    CONNECTED_US = 1000000, /* from all connections to measuring, and so many round trips more */
    CONNECTED_TRIPS = 4
};

struct site {
    struct bench *bench;
    struct server *server;
    struct child *worker[WORKERS_MAX];
    unsigned workers;
    struct contest_api api;
    struct drain *drain;
};

/* What has been used so far, by all of the contestant's processes. */
struct usage {
    double cpu_us, server_us, link_us, peak_kib;
    long long bytes;
};

static struct usage look(const struct site *s)
{
    struct usage u = {.server_us = (double)server_cpu_us(s->server),
                      .link_us = (double)wire_cpu_us(s->bench->wire),
                      .bytes = wire_bytes(s->bench->wire)};

    for (unsigned i = 0; i < s->workers; i++) {
        u.cpu_us += (double)process_cpu_us(child_pid(s->worker[i]));
        u.peak_kib += (double)process_peak_kib(child_pid(s->worker[i]));
    }
    return u;
}

static int open_site(struct site *s, struct bench *b, struct err_text *why)
{
    memset(s, 0, sizeof *s);
    s->bench = b;
    if (!(s->drain = calloc(1, sizeof *s->drain)))
        return err_set(why, ERR_NOMEM, "no memory");
    bench_progress("starting Faktory");
    return (s->server = server_start(b, why)) != NULL ? 0 : ERR_IO;
}

static int start_workers(struct site *s, const char *who, const struct task *t,
                         struct err_text *why)
{
    unsigned n = t->workers ? t->workers : 1;

    for (unsigned i = 0; i < n && i < WORKERS_MAX; i++) {
        s->worker[i] =
            contest_worker(s->bench, who, t->size, t->setting, server_url(s->server), i, why);
        if (!s->worker[i])
            return ERR_IO;
        s->workers++;
    }
    return 0;
}

/* Ends the workers. An error that is there already is the one that counts. */
static int stop_workers(struct site *s, const char *who, int code, struct err_text *why)
{
    struct err_text other = {""};

    while (s->workers > 0)
        if (contest_end(who, s->worker[--s->workers], &other) != 0 && code == 0) {
            code = ERR_IO;
            *why = other;
        }
    return code;
}

static void close_site(struct site *s)
{
    server_stop(s->server);
    free(s->drain);
}

static int fill(struct site *s, unsigned jobs, struct err_text *why)
{
    struct fill f = {.jobs = jobs, .batch = FILL_BATCH, .connections = FILL_CONNECTIONS};
    int code;

    bench_progress("storing %u jobs", jobs);
    wire_go_far(s->bench->wire);
    code = fill_run(s->server, &f, why);
    wire_go_near(s->bench->wire);
    return code;
}

/* The last ACK may be counted a moment before its job leaves the set of running ones. */
static int check_end(struct site *s, long long jobs, struct err_text *why)
{
    int64_t deadline = clock_us() + SETTLE_US;
    int code = drain_check_all_done(&s->drain->last, jobs, why);

    while (code != 0 && bench_sleep_until(clock_us() + DRAIN_POLL_US) && clock_us() < deadline)
        if (drain_sample(s->drain, s->server, why) == 0)
            code = drain_check_all_done(&s->drain->last, jobs, why);
    return code;
}

/* ---- drain ---- */

static int64_t longest_warm_us(const struct task *t, double rtt_ms)
{
    return (int64_t)t->warm_s * 1000000 + (int64_t)(t->warm_trips * rtt_ms * 1000);
}

/* Who waits at least a round trip for each job does no more than that in the time that it is
 * watched: storing all would take longer than watching. */
static unsigned jobs_to_store(const struct task *t, double rtt_ms)
{
    double ms = (double)longest_warm_us(t, rtt_ms) * 1e-3 + t->seconds * 1e3;
    double most = rtt_ms > 0 && t->seconds > 0 ? t->size * (ms / rtt_ms + 1) : t->jobs;

    return most < t->jobs ? (unsigned)most : t->jobs;
}

static void note_figures(struct row *row, const struct site *s, const struct usage *before,
                         const struct usage *after, long long jobs, long long commands)
{
    double n = jobs > 0 ? (double)jobs : 1;

    row->figure[FIG_JOBS] = (double)jobs;
    row->figure[FIG_CPU_US] = (after->cpu_us - before->cpu_us) / n;
    row->figure[FIG_SERVER_US] = (after->server_us - before->server_us) / n;
    if (s->bench->wire)
        row->figure[FIG_LINK_US] = (after->link_us - before->link_us) / n;
    row->figure[FIG_PEAK_MIB] = after->peak_kib / 1024;
    row->figure[FIG_COMMANDS] = (double)commands / n;
    row->figure[FIG_CONNECTIONS] = (double)s->drain->last.connections;
    if (before->bytes >= 0)
        row->figure[FIG_BYTES] = (double)(after->bytes - before->bytes) / n;
}

/* To the last job: CPU counts from the start of the process. */
static int drain_to_end(struct site *s, const struct task *t, struct row *row, struct err_text *why)
{
    struct drain *d = s->drain;
    struct server_info start = d->last;
    struct usage none = look(s), after;
    int code = drain_watch(d, s->server, t->jobs, clock_us() + LONG_US, why);

    none.cpu_us = 0;
    if (code != 0)
        return code;
    after = look(s);
    note_figures(row, s, &none, &after, t->jobs, d->last.commands - start.commands);
    row->figure[FIG_SECONDS] = (double)(d->sample[d->n - 1].at_us - d->sample[0].at_us) * 1e-6;
    row->figure[FIG_RATE] = drain_rate(d);
    if (d->n > 16)
        row->figure[FIG_FLATNESS] = drain_tenth_rate(d, 10) / drain_tenth_rate(d, 2);
    return check_end(s, t->jobs, why);
}

/* Until it has as many connections as slots and some time to use them all, or for as long as that
 * takes at worst. */
static int warm_up(struct site *s, const struct task *t, unsigned jobs, struct err_text *why)
{
    double rtt_us = s->bench->rtt_ms * 1000;
    int64_t now = clock_us(), until = now + longest_warm_us(t, s->bench->rtt_ms), settled = 0;
    int code;

    do {
        code = drain_watch(s->drain, s->server, jobs, now + DRAIN_POLL_US, why);
        now = clock_us();
        if (settled == 0 && s->drain->last.connections >= t->size)
            settled = now + CONNECTED_US + (int64_t)(CONNECTED_TRIPS * rtt_us);
    } while (code == 0 && now < until && (settled == 0 || now < settled));
    return code;
}

/* For so many seconds, once it had time to get going: for those who would take minutes. */
static int drain_for_a_while(struct site *s, const struct task *t, unsigned jobs, struct row *row,
                             struct err_text *why)
{
    struct drain *d = s->drain;
    struct server_info start;
    struct usage before, after;
    unsigned from;
    int code = warm_up(s, t, jobs, why);

    if (code != 0)
        return code;
    before = look(s);
    start = d->last;
    from = d->n - 1;
    if ((code = drain_watch(d, s->server, jobs, clock_us() + (int64_t)t->seconds * 1000000, why)) !=
        0)
        return code;
    after = look(s);
    note_figures(row, s, &before, &after, d->last.processed - start.processed,
                 d->last.commands - start.commands);
    row->figure[FIG_SECONDS] = (double)(d->last.at_us - start.at_us) * 1e-6;
    row->figure[FIG_RATE] = drain_rate_from(d, from);
    if (d->last.processed == start.processed)
        return err_set(why, ERR_TIMEOUT, "no job was processed in %u s", t->seconds);
    return 0;
}

int measure_drain(struct bench *b, const struct task *t, struct row *row, struct err_text *why)
{
    struct site s;
    unsigned jobs = jobs_to_store(t, b->rtt_ms);
    int code = open_site(&s, b, why);

    if (code == 0)
        code = fill(&s, jobs, why);
    if (code == 0)
        code = drain_sample(s.drain, s.server, why);
    if (code == 0)
        code = start_workers(&s, row->who, t, why);
    if (code == 0)
        code =
            t->seconds ? drain_for_a_while(&s, t, jobs, row, why) : drain_to_end(&s, t, row, why);
    code = stop_workers(&s, row->who, code, why);
    /* what a peer held when it was ended still counts as running */
    if (code == 0 && t->seconds && (code = drain_sample(s.drain, s.server, why)) == 0)
        code = drain_check_none_lost(&s.drain->last, jobs,
                                     strcmp(row->who, "ours") == 0 ? 0 : t->size, why);
    close_site(&s);
    return code;
}

/* ---- sustained ---- */

static int push_and_process(struct site *s, const struct task *t, struct row *row,
                            struct load_result *result, struct err_text *why)
{
    struct load l = {.port = s->api.port,
                     .connections = t->size,
                     .requests = (unsigned)(t->rate * t->seconds),
                     .rate = t->rate};
    double api_us = (double)process_cpu_us(child_pid(s->api.child));
    int64_t pushed;
    int code = load_run(&l, result, why);

    if (code != 0)
        return code;
    api_us = (double)process_cpu_us(child_pid(s->api.child)) - api_us;
    pushed = clock_us();
    if ((code = drain_watch(s->drain, s->server, result->jobs, pushed + LONG_US, why)) != 0)
        return code;
    row->figure[FIG_JOBS] = result->jobs;
    row->figure[FIG_SECONDS] = result->seconds + (double)(s->drain->last.at_us - pushed) * 1e-6;
    row->figure[FIG_RATE] = result->jobs / row->figure[FIG_SECONDS];
    row->figure[FIG_P50_MS] = (double)hist_quantile(&result->latency_us, 0.5) * 1e-3;
    row->figure[FIG_P99_MS] = (double)hist_quantile(&result->latency_us, 0.99) * 1e-3;
    row->figure[FIG_MAX_MS] = (double)result->latency_us.max * 1e-3;
    row->figure[FIG_CPU_US] = (api_us + look(s).cpu_us) / result->jobs;
    row->figure[FIG_LOAD_SHARE] = result->cpu_share;
    return check_end(s, result->jobs, why);
}

int measure_sustained(struct bench *b, const struct task *t, struct row *row, struct err_text *why)
{
    struct load_result *result = calloc(1, sizeof *result);
    struct err_text end = {""};
    struct site s;
    int code = open_site(&s, b, why);

    if (code == 0)
        code = contest_api_start(b, server_url(s.server), &s.api, why);
    if (code == 0)
        code = start_workers(&s, row->who, &(struct task){.size = 50}, why);
    bench_progress("%.0f jobs/s for %u s", t->rate, t->seconds);
    if (code == 0)
        code = result ? push_and_process(&s, t, row, result, why) : ERR_NOMEM;
    code = stop_workers(&s, row->who, code, why);
    if (contest_api_end(&s.api, &end) != 0 && code == 0) {
        code = ERR_IO;
        *why = end;
    }
    close_site(&s);
    free(result);
    return code;
}
