// SPDX-License-Identifier: MIT
/*
 * status - the worker's own page: GET /metrics for Prometheus, GET /health for whatever keeps the
 * process alive. On while WORKER_METRICS_ADDR is set.
 */
#ifndef WORKER_STATUS_H
#define WORKER_STATUS_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/fetch/consumer.h"
#include "common/http/http.h"
#include "worker/crew.h"

enum status_phase { STATUS_RUNNING, STATUS_QUIET, STATUS_STOPPING };

/* What the page shows; lives until http_stop(). */
struct status {
    /* fixed after start */
    struct consumer *consumer;
    struct crew *crew;
    struct metrics *metrics;
    int64_t started_ms;

    _Atomic int phase; /* enum status_phase */
};

/* NULL with `why` set. */
struct http_server *status_start(struct status *s, const char *bind_addr, struct err_text *why);

/* Appends the answer of GET /health and returns its status: 503 when Faktory has been silent for
 * too long. */
unsigned status_write_health(const struct status *s, const struct consumer_state *faktory,
                             const struct crew_state *crew, int64_t now_ms, struct buf *out);

#endif
