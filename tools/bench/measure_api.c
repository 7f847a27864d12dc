// SPDX-License-Identifier: MIT
/* The measurements of storing jobs: through the API, and past it with plain PUSHB. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/jid.h"
#include "tools/bench/contest.h"
#include "tools/bench/fill.h"
#include "tools/bench/load.h"
#include "tools/bench/measure.h"
#include "tools/bench/server.h"

enum { WARM_REQUESTS = 20, BUSY_SLICE_US = 2000, SETTLE_US = 250000 };

struct site {
    struct bench *bench;
    struct server *server;
    struct contest_api api;
    struct load_result *result;
};

static int open_site(struct site *s, struct bench *b, bool with_api, struct err_text *why)
{
    memset(s, 0, sizeof *s);
    s->bench = b;
    bench_progress("starting Faktory");
    if (!(s->result = calloc(1, sizeof *s->result)))
        return err_set(why, ERR_NOMEM, "no memory");
    if (!(s->server = server_start(b, why)))
        return ERR_IO;
    return with_api ? contest_api_start(b, server_url(s->server), &s->api, why) : 0;
}

static int close_site(struct site *s, int code, struct err_text *why)
{
    struct err_text other = {""};

    if (contest_api_end(&s->api, &other) != 0 && code == 0) {
        code = ERR_IO;
        *why = other;
    }
    server_stop(s->server);
    free(s->result);
    return code;
}

/* Every job that was answered with 202 is in the queue, and no other. */
static int check_stored(struct site *s, long long jobs, struct server_info *info,
                        struct err_text *why)
{
    int code;

    (void)bench_sleep_until(clock_us() + SETTLE_US); /* the queue is new: no INFO meanwhile */
    if ((code = server_info(s->server, info, why)) != 0)
        return code;
    return info->enqueued == jobs
               ? 0
               : err_set(why, ERR_PROTOCOL, "%lld jobs were accepted, %lld are stored", jobs,
                         info->enqueued);
}

static void note_latency(struct row *row, const struct hist *us)
{
    row->figure[FIG_P50_MS] = (double)hist_quantile(us, 0.5) * 1e-3;
    row->figure[FIG_P99_MS] = (double)hist_quantile(us, 0.99) * 1e-3;
    row->figure[FIG_P999_MS] = (double)hist_quantile(us, 0.999) * 1e-3;
    row->figure[FIG_MAX_MS] = (double)us->max * 1e-3;
}

/* ---- many clients of the API ---- */

static int drive(struct site *s, const struct task *t, struct row *row, struct err_text *why)
{
    unsigned each = t->batch ? t->batch : 1;
    struct load l = {.port = s->api.port,
                     .connections = t->size,
                     .requests = t->jobs / each,
                     .batch = t->batch,
                     .rate = t->rate / each};
    pid_t api = child_pid(s->api.child);
    double cpu_us = (double)process_cpu_us(api), server_us = (double)server_cpu_us(s->server),
           link_us = (double)wire_cpu_us(s->bench->wire);
    long long bytes = wire_bytes(s->bench->wire);
    struct server_info info;
    int code;

    bench_progress("%u requests on %u connections", l.requests, l.connections);
    if ((code = load_run(&l, s->result, why)) != 0)
        return code;
    row->figure[FIG_CPU_US] = ((double)process_cpu_us(api) - cpu_us) / s->result->jobs;
    row->figure[FIG_SERVER_US] = ((double)server_cpu_us(s->server) - server_us) / s->result->jobs;
    if (s->bench->wire) { /* on loopback they would be those of HTTP too */
        row->figure[FIG_BYTES] = (double)(wire_bytes(s->bench->wire) - bytes) / s->result->jobs;
        row->figure[FIG_LINK_US] =
            ((double)wire_cpu_us(s->bench->wire) - link_us) / s->result->jobs;
    }
    if ((code = check_stored(s, s->result->jobs, &info, why)) != 0)
        return code;
    row->figure[FIG_COMMANDS] = (double)info.commands / s->result->jobs;
    row->figure[FIG_CONNECTIONS] = (double)info.connections;
    return 0;
}

int measure_api(struct bench *b, const struct task *t, struct row *row, struct err_text *why)
{
    struct site s;
    int code = open_site(&s, b, true, why);

    if (code == 0 && (code = drive(&s, t, row, why)) == 0) {
        row->figure[FIG_JOBS] = s.result->jobs;
        row->figure[FIG_SECONDS] = s.result->seconds;
        row->figure[FIG_RATE] = s.result->jobs / s.result->seconds;
        row->figure[FIG_PEAK_MIB] = (double)process_peak_kib(child_pid(s.api.child)) / 1024;
        row->figure[FIG_LOAD_SHARE] = s.result->cpu_share;
        b->load_share = s.result->cpu_share;
        note_latency(row, &s.result->latency_us);
    }
    return close_site(&s, code, why);
}

/* ---- one client ---- */

static int push_one(struct faktory *talk, unsigned n, struct hist *us, struct err_text *why)
{
    struct buf command = BUF_INIT(0);
    struct resp_reply reply;
    char jid[JID_CHARS + 1];
    int64_t began;
    int code;

    jid_make(jid);
    buf_add_str(&command, "PUSHB [");
    fill_write_job(&command, jid, n);
    buf_add_char(&command, ']');
    began = clock_us();
    code = faktory_call(talk, buf_str(&command), &reply, why);
    if (us)
        hist_record(us, clock_us() - began);
    buf_fini(&command);
    if (code == 0 && (reply.kind != RESP_BULK || reply.len != 2))
        code = err_set(why, ERR_REFUSED, "Faktory did not take a job");
    return code;
}

static int push_singly(struct site *s, const struct task *t, struct hist *us, struct err_text *why)
{
    struct faktory *talk = faktory_connect(server_settings(s->server), NULL, NULL, why);
    int code = talk ? 0 : ERR_IO;

    for (unsigned i = 0; i < WARM_REQUESTS && code == 0; i++)
        code = push_one(talk, i, NULL, why);
    for (unsigned i = 0; i < t->jobs && code == 0; i++)
        code = bench_stopped() ? err_set(why, ERR_STOPPED, "stopped") : push_one(talk, i, us, why);
    faktory_close(talk);
    return code;
}

/* The API is up and idle in both cases, so that both meet the same machine. */
int measure_one_client(struct bench *b, const struct task *t, struct row *row, struct err_text *why)
{
    struct site s;
    struct server_info info;
    struct hist *us = calloc(1, sizeof *us);
    struct load l = {.connections = 1, .requests = t->jobs};
    int code = us ? open_site(&s, b, true, why) : ERR_NOMEM;

    if (!us)
        return code;
    bench_progress("%u requests, one after the other", t->jobs);
    l.port = s.api.port;
    if (code == 0 && strcmp(row->who, "pushb") == 0)
        code = push_singly(&s, t, us, why);
    else if (code == 0 && (code = load_run(&l, s.result, why)) == 0) {
        hist_add(us, &s.result->latency_us);
        code = check_stored(&s, t->jobs, &info, why);
    }
    if (code == 0) {
        row->figure[FIG_JOBS] = t->jobs;
        note_latency(row, us);
    }
    free(us);
    return close_site(&s, code, why);
}

/* ---- past the API ---- */

struct busy {
    double share; /* of a core to burn */
    atomic_bool stop;
};

/* Takes as much of the machine as the HTTP load did, which the API had to live with. */
static void *keep_busy(void *arg)
{
    struct busy *busy = arg;
    int64_t burn_us = (int64_t)(BUSY_SLICE_US * busy->share);

    while (!atomic_load(&busy->stop)) {
        int64_t began = clock_us();

        while (clock_us() - began < burn_us)
            ;
        (void)bench_sleep_until(began + BUSY_SLICE_US);
    }
    return NULL;
}

int measure_ceiling(struct bench *b, const struct task *t, struct row *row, struct err_text *why)
{
    struct fill f = {.jobs = t->jobs, .batch = t->batch, .connections = t->size};
    struct busy busy = {.share = b->load_share < 1 ? b->load_share : 1};
    bool loaded = strcmp(row->who, "busy") == 0;
    struct server_info info;
    double server_us;
    pthread_t thread;
    struct site s;
    int code = open_site(&s, b, false, why);

    bench_progress("PUSHB of %u jobs", t->jobs);
    if (code == 0 && loaded && thread_start(&thread, "busy", 0, keep_busy, &busy) != 0)
        code = err_set(why, ERR_NOMEM, "no thread");
    if (code == 0) {
        server_us = (double)server_cpu_us(s.server);
        code = fill_run(s.server, &f, why);
        row->figure[FIG_JOBS] = t->jobs;
        row->figure[FIG_SECONDS] = f.seconds;
        row->figure[FIG_RATE] = t->jobs / f.seconds;
        row->figure[FIG_SERVER_US] = ((double)server_cpu_us(s.server) - server_us) / t->jobs;
        row->figure[FIG_LOAD_SHARE] = loaded ? busy.share : 0;
        atomic_store(&busy.stop, true);
        if (loaded)
            thread_join(thread);
    }
    if (code == 0)
        code = check_stored(&s, t->jobs, &info, why);
    return close_site(&s, code, why);
}
