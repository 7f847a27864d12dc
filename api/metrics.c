// SPDX-License-Identifier: MIT
#include "api/metrics.h"

#include <stddef.h>

#include "common/base/err.h"

#define AT(field) offsetof(struct api_metrics, field)

#define JOBS "wf_api_jobs_total", "Jobs by what became of them."

static const struct {
    const char *name, *help, *labels;
    size_t offset;
} counters[] = {
    {JOBS, "outcome=\"stored\"", AT(push.stored)},
    {JOBS, "outcome=\"refused\"", AT(push.refused)},
    {JOBS, "outcome=\"away\"", AT(push.away)},
    {JOBS, "outcome=\"late\"", AT(push.late)},
    {JOBS, "outcome=\"unknown\"", AT(push.unknown)},
    {"wf_api_packs_total", "Packs made of jobs.", NULL, AT(push.packs)},
    {"wf_api_packed_jobs_total", "Jobs that were put into packs.", NULL, AT(push.packed)},
    {"wf_api_pack_bytes_total", "Bytes of packed jobs, before and after packing.",
     "stage=\"before\"", AT(push.pack_bytes_in)},
    {"wf_api_pack_bytes_total", "Bytes of packed jobs, before and after packing.",
     "stage=\"after\"", AT(push.pack_bytes_out)},
    {"wf_api_batch_requests_total", "Accepted requests to /jobs/batch.", NULL, AT(batch_requests)},
};

static const struct {
    const char *name, *help;
    size_t offset;
    const int64_t *bounds;
    const size_t *n_bounds;
    double scale;
} histograms[] = {
    {"wf_api_push_batch_jobs", "Jobs in each push to Faktory.", AT(push.batch_jobs),
     metrics_batch_jobs, &metrics_batch_jobs_n, 1},
    {"wf_api_push_seconds", "Round trip of each push to Faktory.", AT(push.push_us),
     metrics_latency_us, &metrics_latency_us_n, 1e-6},
    {"wf_api_enqueue_seconds", "From taking a job to knowing what became of it.", AT(push.store_us),
     metrics_latency_us, &metrics_latency_us_n, 1e-6},
};

/* ---- asked for at each scrape ---- */

static struct pusher_state look(void *outlet)
{
    struct pusher_state state;

    outlet_look(outlet, &state);
    return state;
}

static double waiting(void *outlet)
{
    return look(outlet).waiting;
}

static double in_flight(void *outlet)
{
    return look(outlet).in_flight;
}

static double connections(void *outlet)
{
    return look(outlet).connections_up;
}

static double reconnects(void *outlet)
{
    return (double)look(outlet).reconnects;
}

static const struct {
    const char *name, *help;
    int (*add)(struct metrics *m, const char *name, const char *help, const char *labels,
               double (*fn)(void *ctx), void *ctx);
    double (*value)(void *outlet);
} asked[] = {
    {"wf_api_queue_jobs", "Jobs that wait to be pushed.", metrics_gauge_fn, waiting},
    {"wf_api_in_flight_jobs", "Jobs that are pushed and not answered.", metrics_gauge_fn,
     in_flight},
    {"wf_api_faktory_connections", "Connections to Faktory that are up.", metrics_gauge_fn,
     connections},
    {"wf_api_faktory_reconnects_total", "Connections to Faktory made again after a loss.",
     metrics_counter_fn, reconnects},
};

int api_metrics_add(struct metrics *m, struct api_metrics *out)
{
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        struct counter **field = (void *)((char *)out + counters[i].offset);

        *field = metrics_counter(m, counters[i].name, counters[i].help, counters[i].labels);
        if (!*field)
            return ERR_NOMEM;
    }
    for (size_t i = 0; i < sizeof histograms / sizeof histograms[0]; i++) {
        struct histogram **field = (void *)((char *)out + histograms[i].offset);

        *field =
            metrics_histogram(m, histograms[i].name, histograms[i].help, NULL, histograms[i].bounds,
                              *histograms[i].n_bounds, histograms[i].scale);
        if (!*field)
            return ERR_NOMEM;
    }
    return 0;
}

int api_metrics_add_outlet(struct metrics *m, struct outlet *outlet)
{
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        if (asked[i].add(m, asked[i].name, asked[i].help, NULL, asked[i].value, outlet) != 0)
            return ERR_NOMEM;
    return 0;
}
