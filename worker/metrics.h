// SPDX-License-Identifier: MIT
/*
 * metrics - what the worker counts and shows, beyond the metrics of each job type (registry.c) and
 * those of its status page (the http room). Registered once, at start.
 */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include "common/fetch/consumer.h"
#include "worker/crew.h"
#include "worker/packs.h"

/* The ones that are written to. 0 or ERR_NOMEM. */
int worker_metrics_make(struct metrics *m, struct consumer_metrics *consumer,
                        struct counter **handed_back);
int worker_metrics_make_packs(struct metrics *m, struct packs_metrics *packs);

/* Where the others are read from at each scrape; lives as long as the registry is scraped. */
struct worker_sources {
    struct consumer *consumer;
    struct crew *crew;
    struct worker_lane_source {
        struct consumer *consumer;
        unsigned lane;
    } lanes[64];
};
int worker_metrics_watch(struct metrics *m, struct worker_sources *sources);

#endif
