// SPDX-License-Identifier: MIT
/*
 * http_metrics - what the server counts. Loop thread only; NULL means that nothing is counted.
 * Counters of a route and status are made when the pair is first seen and then kept here, so that
 * counting a request is two atomic additions.
 */
#ifndef COMMON_HTTP_HTTP_METRICS_H
#define COMMON_HTTP_HTTP_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "common/http/http.h"

struct http_metrics;

/*
 * Registers everything for `n` routes under options->metrics_prefix. NULL when no memory was
 * left. `options` (and its routes) stay the caller's and must outlive it. Row i is route i, row n
 * the unknown paths.
 */
struct http_metrics *http_metrics_new(const struct http_options *options);
void http_metrics_free(struct http_metrics *m);

/* One answered request; `us` from complete to answered, negative if it never was complete. */
void http_metrics_count(struct http_metrics *m, size_t row, unsigned status, int64_t us);

void http_metrics_connections(struct http_metrics *m, int delta);
void http_metrics_deferred(struct http_metrics *m, int delta);

#endif
