// SPDX-License-Identifier: MIT
/* metrics - GET /metrics: everything that is counted, for Prometheus. */
#include "api/api.h"
#include "api/routes.h"
#include "common/metrics/prometheus.h"

void handle_metrics(struct http_request *r, void *ctx)
{
    struct api *api = ctx;
    struct buf out = BUF_INIT(0);

    prometheus_write(api->registry, &out);
    http_reply(r, 200, PROMETHEUS_CONTENT_TYPE, &out);
}
