// SPDX-License-Identifier: MIT
/* The measurement of packs, from the request to the last job that is done. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tools/bench/contest.h"
#include "tools/bench/drain.h"
#include "tools/bench/load.h"
#include "tools/bench/measure.h"
#include "tools/bench/scrape.h"

enum { THREADS = 50, POLL_US = 10000, STALL_US = 30000000, SETTLE_US = 3000000 };

#define DONE "wf_worker_jobs_done_total"

/* What has been used so far. */
struct usage {
    double api_us, worker_us, server_us, link_us, bytes;
};

struct site {
    struct bench *bench;
    struct server *server;
    struct contest_api api;
    struct child *worker;
    char worker_port[CONTEST_PORT_MAX];
    struct load_result *result;
    int64_t done_us; /* when the last job was done */
    struct usage before, after;
    struct buf page;
};

static int open_site(struct site *s, struct bench *b, struct err_text *why)
{
    memset(s, 0, sizeof *s);
    s->bench = b;
    if (!(s->result = calloc(1, sizeof *s->result)))
        return err_set(why, ERR_NOMEM, "no memory");
    bench_progress("starting Faktory, API and worker");
    if (!(s->server = server_start(b, why)) ||
        contest_api_start(b, server_url(s->server), &s->api, why) != 0 ||
        !(s->worker = contest_open_worker(b, THREADS, server_url(s->server), s->worker_port, why)))
        return ERR_IO;
    return 0;
}

/* An error that is there already is the one that counts. */
static int close_site(struct site *s, int code, struct err_text *why)
{
    struct err_text other = {""};

    if (s->worker && contest_end("ours", s->worker, &other) != 0 && code == 0) {
        code = ERR_IO;
        *why = other;
    }
    if (contest_api_end(&s->api, &other) != 0 && code == 0) {
        code = ERR_IO;
        *why = other;
    }
    server_stop(s->server);
    buf_fini(&s->page);
    free(s->result);
    return code;
}

static int read_page(struct site *s, const char *port, struct err_text *why)
{
    int status = scrape_get(port, "/metrics", &s->page, why);

    if (status < 0)
        return status;
    return status == 200 ? 0 : err_set(why, ERR_PROTOCOL, "GET /metrics: %d", status);
}

/* Of what read_page() found. */
static long long count(const struct site *s, const char *name, const char *labels)
{
    return (long long)scrape_sum(buf_str(&s->page), name, labels);
}

static struct usage look(const struct site *s)
{
    return (struct usage){.api_us = (double)process_cpu_us(child_pid(s->api.child)),
                          .worker_us = (double)process_cpu_us(child_pid(s->worker)),
                          .server_us = (double)server_cpu_us(s->server),
                          .link_us = (double)wire_cpu_us(s->bench->wire),
                          .bytes = (double)wire_bytes(s->bench->wire)};
}

/* Waits until the worker has done as many jobs as were accepted. */
static int await_done(void *ctx, const struct load_result *so_far, struct err_text *why)
{
    struct site *s = ctx;
    long long before = -1, done;
    int64_t moved = clock_us();
    int code;

    for (;;) {
        if ((code = read_page(s, s->worker_port, why)) != 0)
            return code;
        s->done_us = clock_us();
        s->after = look(s);
        if ((done = count(s, DONE, "")) >= so_far->jobs)
            return 0;
        if (done != before)
            moved = s->done_us;
        before = done;
        if (s->done_us - moved > STALL_US)
            return err_set(why, ERR_TIMEOUT, "nothing moves, with %lld of %u jobs done", done,
                           so_far->jobs);
        if (!bench_sleep_until(s->done_us + POLL_US))
            return err_set(why, ERR_STOPPED, "stopped");
    }
}

/* ---- is every job done once, and nothing else? ---- */

static int check_count(const struct site *s, const char *name, const char *labels, long long want,
                       struct err_text *why)
{
    long long got = count(s, name, labels);

    return got == want ? 0
                       : err_set(why, ERR_PROTOCOL, "%s{%s} is %lld instead of %lld", name, labels,
                                 got, want);
}

/* Packs that were opened once each, whose jobs are as many as were accepted and as were done: so
 * none was lost, and none done twice. */
static int check_counts(struct site *s, long long *packs, struct row *row, struct err_text *why)
{
    long long jobs = s->result->jobs;
    int code;

    if ((code = read_page(s, s->api.port, why)) != 0)
        return code;
    *packs = count(s, "wf_api_packs_total", "");
    row->figure[FIG_PLAIN_BYTES] =
        (double)count(s, "wf_api_pack_bytes_total", "stage=\"before\"") / (double)jobs;
    row->figure[FIG_PACK_BYTES] =
        (double)count(s, "wf_api_pack_bytes_total", "stage=\"after\"") / (double)jobs;
    if ((code = check_count(s, "wf_api_jobs_total", "outcome=\"stored\"", jobs, why)) != 0 ||
        (code = check_count(s, "wf_api_packed_jobs_total", "", jobs, why)) != 0 ||
        (code = read_page(s, s->worker_port, why)) != 0 ||
        (code = check_count(s, "wf_worker_jobs_fetched_total", "", *packs, why)) != 0 ||
        (code = check_count(s, "wf_worker_packs_total", "", *packs, why)) != 0 ||
        (code = check_count(s, "wf_worker_pack_jobs_sum", "", jobs, why)) != 0 ||
        (code = check_count(s, "wf_worker_jobs_failed_total", "", 0, why)) != 0)
        return code;
    return check_count(s, DONE, "", jobs, why);
}

/* Faktory has seen packs, each of them once. The last ACKs may still be on their way. */
static int check_server(struct site *s, long long packs, struct server_info *info,
                        struct err_text *why)
{
    int64_t deadline = clock_us() + SETTLE_US;
    int code;

    do {
        if ((code = server_info(s->server, info, why)) != 0)
            return code;
        code = drain_check_all_done(info, packs, why);
    } while (code != 0 && clock_us() < deadline && bench_sleep_until(clock_us() + DRAIN_POLL_US));
    return code;
}

/* ---- the measurement ---- */

static void note_figures(struct row *row, const struct site *s)
{
    const struct usage *before = &s->before, *after = &s->after;
    const struct load_result *r = s->result;
    double n = r->jobs;

    row->figure[FIG_JOBS] = n;
    row->figure[FIG_SECONDS] = (double)(s->done_us - r->began_us) * 1e-6;
    row->figure[FIG_RATE] = n / row->figure[FIG_SECONDS];
    row->figure[FIG_P50_MS] = (double)hist_quantile(&r->latency_us, 0.5) * 1e-3;
    row->figure[FIG_P99_MS] = (double)hist_quantile(&r->latency_us, 0.99) * 1e-3;
    row->figure[FIG_MAX_MS] = (double)r->latency_us.max * 1e-3;
    row->figure[FIG_API_US] = (after->api_us - before->api_us) / n;
    row->figure[FIG_CPU_US] = row->figure[FIG_API_US] + (after->worker_us - before->worker_us) / n;
    row->figure[FIG_SERVER_US] = (after->server_us - before->server_us) / n;
    row->figure[FIG_LOAD_SHARE] = r->cpu_share;
    if (s->bench->wire) { /* on loopback they would be those of HTTP too */
        row->figure[FIG_LINK_US] = (after->link_us - before->link_us) / n;
        row->figure[FIG_BYTES] = (after->bytes - before->bytes) / n;
    }
}

int measure_pack(struct bench *b, const struct task *t, struct row *row, struct err_text *why)
{
    struct site s;
    struct server_info info;
    long long packs = 0;
    int code = open_site(&s, b, why);
    struct load l = {.port = s.api.port,
                     .connections = t->size,
                     .requests = t->jobs / t->batch,
                     .batch = t->batch,
                     .pack = t->pack,
                     .then = await_done,
                     .ctx = &s};

    if (code == 0) {
        bench_progress("%u jobs in packs of %u", t->jobs, t->pack);
        s.before = look(&s);
        code = load_run(&l, s.result, why);
    }
    if (code == 0)
        code = check_counts(&s, &packs, row, why);
    if (code == 0)
        code = check_server(&s, packs, &info, why);
    if (code == 0) {
        note_figures(row, &s);
        row->figure[FIG_COMMANDS] = (double)info.commands / s.result->jobs;
        row->figure[FIG_CONNECTIONS] = (double)info.connections;
    }
    return close_site(&s, code, why);
}
