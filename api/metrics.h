// SPDX-License-Identifier: MIT
/* metrics - what the API counts: one table, registered at start. HTTP counts for itself. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/outlet.h"
#include "common/metrics/metrics.h"
#include "common/push/pusher.h"

/* A plain value of pointers into the registry. */
struct api_metrics {
    struct push_metrics push; /* what the pusher records */
    struct counter *batch_requests;
};

/* Registers what is recorded. 0 or ERR_NOMEM. */
int api_metrics_add(struct metrics *m, struct api_metrics *out);

/* Registers what is asked for at each scrape; the outlet lives as long as `m` is written. */
int api_metrics_add_outlet(struct metrics *m, struct outlet *outlet);

#endif
