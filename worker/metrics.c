// SPDX-License-Identifier: MIT
#include "worker/metrics.h"

#include <stddef.h>
#include <stdio.h>

#include "common/base/version.h"
#include "common/service/process_metrics.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- written to ---- */

static const struct {
    const char *name, *help;
    size_t offset; /* in struct consumer_metrics */
} counters[] = {
    {"wf_worker_jobs_fetched_total", "Jobs received from Faktory.",
     offsetof(struct consumer_metrics, fetched)},
    {"wf_worker_fetches_empty_total", "FETCHes that found no job.",
     offsetof(struct consumer_metrics, empty)},
    {"wf_worker_fetch_errors_total", "FETCHes that Faktory answered with an error.",
     offsetof(struct consumer_metrics, fetch_errors)},
    {"wf_worker_jobs_lost_in_server_total", "Jobs that Faktory said it lost during a FETCH.",
     offsetof(struct consumer_metrics, lost_in_server)},
    {"wf_worker_fetches_stranded_total",
     "FETCHes unanswered when their connection was lost: a job of theirs waits for the end of its "
     "reservation.",
     offsetof(struct consumer_metrics, stranded)},
};

int worker_metrics_make(struct metrics *m, struct consumer_metrics *consumer,
                        struct counter **handed_back)
{
    for (size_t i = 0; i < COUNT(counters); i++) {
        struct counter *made = metrics_counter(m, counters[i].name, counters[i].help, NULL);

        if (!made)
            return ERR_NOMEM;
        *(struct counter **)((char *)consumer + counters[i].offset) = made;
    }
    *handed_back =
        metrics_counter(m, "wf_worker_jobs_handed_back_total",
                        "Jobs put back into their queue because the worker stopped.", NULL);
    consumer->settle_us = metrics_histogram(m, "wf_worker_settle_seconds",
                                            "From the end of a job to Faktory's answer to its ACK "
                                            "or FAIL.",
                                            NULL, metrics_latency_us, metrics_latency_us_n, 1e-6);
    consumer->settle_batch =
        metrics_histogram(m, "wf_worker_settle_batch_jobs",
                          "ACKs and FAILs in flight on a connection when one is sent.", NULL,
                          metrics_batch_jobs, metrics_batch_jobs_n, 1);
    if (!*handed_back || !consumer->settle_us || !consumer->settle_batch)
        return ERR_NOMEM;
    return process_metrics_add(m, "wf_worker_build_info", version);
}

int worker_metrics_make_packs(struct metrics *m, struct packs_metrics *packs)
{
    packs->opened = metrics_counter(m, "wf_worker_packs_total", "Packs of jobs opened.", NULL);
    packs->items = metrics_histogram(m, "wf_worker_pack_jobs", "Jobs in each pack.", NULL,
                                     metrics_batch_jobs, metrics_batch_jobs_n, 1);
    return packs->opened && packs->items ? 0 : ERR_NOMEM;
}

/* ---- read at each scrape ---- */

enum kind { GAUGE, COUNTER };

static struct consumer_state look(void *ctx)
{
    const struct worker_sources *s = ctx;
    struct consumer_state state;

    consumer_look(s->consumer, &state);
    return state;
}

static struct crew_state look_crew(void *ctx)
{
    const struct worker_sources *s = ctx;
    struct crew_state state;

    crew_look(s->crew, &state);
    return state;
}

static double threads(void *ctx)
{
    return look_crew(ctx).threads;
}

static double running(void *ctx)
{
    return look_crew(ctx).running;
}

static double waiting(void *ctx)
{
    return look_crew(ctx).waiting;
}

static double in_hand(void *ctx)
{
    return look(ctx).in_hand;
}

static double settling(void *ctx)
{
    return look(ctx).settling;
}

static double fetches(void *ctx)
{
    return look(ctx).fetches;
}

static double connections(void *ctx)
{
    return look(ctx).connections;
}

static double connections_up(void *ctx)
{
    return look(ctx).connections_up;
}

static double reconnects(void *ctx)
{
    return (double)look(ctx).reconnects;
}

static double rtt_seconds(void *ctx)
{
    return (double)look(ctx).rtt_us * 1e-6;
}

static double window(void *ctx)
{
    const struct worker_lane_source *source = ctx;

    return consumer_window(source->consumer, source->lane);
}

static const struct {
    const char *name, *help;
    enum kind kind;
    double (*fn)(void *ctx);
} sources_table[] = {
    {"wf_worker_threads", "Threads that run jobs.", GAUGE, threads},
    {"wf_worker_threads_busy", "Threads that run a job now.", GAUGE, running},
    {"wf_worker_jobs_waiting", "Jobs fetched that wait for a thread.", GAUGE, waiting},
    {"wf_worker_jobs_in_hand", "Jobs fetched and not finished.", GAUGE, in_hand},
    {"wf_worker_jobs_settling", "Outcomes that Faktory does not know yet.", GAUGE, settling},
    {"wf_worker_fetches_in_flight", "FETCHes that wait for an answer.", GAUGE, fetches},
    {"wf_worker_connections", "Connections to Faktory that the worker keeps.", GAUGE, connections},
    {"wf_worker_connections_up", "Those of them that are up.", GAUGE, connections_up},
    {"wf_worker_reconnects_total", "Connections made again after one was lost.", COUNTER,
     reconnects},
    {"wf_worker_rtt_seconds", "Round trip of the last heartbeat, 0 while not known.", GAUGE,
     rtt_seconds},
};

static int watch_lanes(struct metrics *m, struct worker_sources *sources)
{
    struct consumer_state state = look(sources);
    char label[32];

    for (unsigned i = 0; i < state.lanes_most && i < COUNT(sources->lanes); i++) {
        sources->lanes[i] = (struct worker_lane_source){sources->consumer, i};
        snprintf(label, sizeof label, "lane=\"%u\"", i);
        if (metrics_gauge_fn(m, "wf_worker_fetch_window",
                             "FETCHes that a lane may have in flight now.", label, window,
                             &sources->lanes[i]) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int worker_metrics_watch(struct metrics *m, struct worker_sources *sources)
{
    for (size_t i = 0; i < COUNT(sources_table); i++) {
        int (*add)(struct metrics *, const char *, const char *, const char *, double (*)(void *),
                   void *) =
            sources_table[i].kind == COUNTER ? metrics_counter_fn : metrics_gauge_fn;

        if (add(m, sources_table[i].name, sources_table[i].help, NULL, sources_table[i].fn,
                sources) != 0)
            return ERR_NOMEM;
    }
    return watch_lanes(m, sources);
}
