// SPDX-License-Identifier: MIT
#include "worker/status.h"

#include <inttypes.h>

#include "common/base/clock.h"
#include "common/base/version.h"
#include "common/json/json_write.h"
#include "common/metrics/prometheus.h"
#include "worker/watch.h"

enum {
    BODY_MAX_BYTES = 1024, /* neither call has a body */
    REQUEST_MS = 5000,
    IDLE_MS = 75000,
    CONNECTIONS_MAX = 64,
};

static const char *const phase_names[] = {
    [STATUS_RUNNING] = "running", [STATUS_QUIET] = "quiet", [STATUS_STOPPING] = "stopping"};

unsigned status_write_health(const struct status *s, const struct consumer_state *faktory,
                             const struct crew_state *crew, int64_t now_ms, struct buf *out)
{
    int64_t silence_ms = watch_silence_ms(faktory, s->started_ms, now_ms);
    bool healthy = faktory->heard_ms > 0 && silence_ms < WATCH_SILENCE_MS;

    buf_addf(out, "{\"status\":\"%s\",\"service\":\"worker-service\",\"version\":",
             healthy ? "healthy" : "unhealthy");
    json_write_cstr(out, version);
    buf_addf(out,
             ",\"state\":\"%s\",\"faktory\":{\"connections\":%u,\"connections_up\":%u,"
             "\"silent_ms\":%" PRId64 "},\"jobs\":{\"running\":%u,\"waiting\":%u,\"threads\":%u}}",
             phase_names[atomic_load(&s->phase)], faktory->connections, faktory->connections_up,
             silence_ms, crew->running, crew->waiting, crew->threads);
    return healthy ? 200 : 503;
}

static void get_health(struct http_request *r, void *ctx)
{
    const struct status *s = ctx;
    struct consumer_state faktory;
    struct crew_state crew;
    struct buf body = BUF_INIT(0);
    unsigned code;

    consumer_look(s->consumer, &faktory);
    crew_look(s->crew, &crew);
    code = status_write_health(s, &faktory, &crew, clock_ms(), &body);
    http_reply(r, code, HTTP_JSON, &body);
}

static void get_metrics(struct http_request *r, void *ctx)
{
    const struct status *s = ctx;
    struct buf body = BUF_INIT(0);

    prometheus_write(s->metrics, &body);
    http_reply(r, 200, PROMETHEUS_CONTENT_TYPE, &body);
}

struct http_server *status_start(struct status *s, const char *bind_addr, struct err_text *why)
{
    static const struct http_route routes[] = {
        {"GET", "/health", get_health, "is the worker in touch with Faktory"},
        {"GET", "/metrics", get_metrics, "metrics for Prometheus"},
    };
    struct http_options options = {
        .bind_addr = bind_addr,
        .routes = routes,
        .n_routes = sizeof routes / sizeof routes[0],
        .ctx = s,
        .body_max_bytes = BODY_MAX_BYTES,
        .request_timeout_ms = REQUEST_MS,
        .idle_timeout_ms = IDLE_MS,
        .connections_max = CONNECTIONS_MAX,
        .metrics = s->metrics,
        .metrics_prefix = "wf_worker",
    };

    return http_start(&options, why);
}
