// SPDX-License-Identifier: MIT
#include "api/service.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/routes.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/version.h"
#include "common/faktory/url.h"
#include "common/http/http.h"
#include "common/service/process_metrics.h"

enum { GOODBYE_MS = 2000 }; /* for clients to take the last answers */

struct service {
    struct api api;
    struct pusher *pusher;
    struct http_server *http;
};

static int start_metrics(struct api *api, struct err_text *why)
{
    api->registry = metrics_new();
    if (api->registry && api_metrics_add(api->registry, &api->metrics) == 0 &&
        api_metrics_add_outlet(api->registry, &api->outlet) == 0 &&
        process_metrics_add(api->registry, "wf_api_build_info", version) == 0)
        return 0;
    return err_set(why, ERR_NOMEM, "out of memory for metrics");
}

static int start_pusher(struct service *s, struct err_text *why)
{
    const struct api_config *c = s->api.config;
    const struct pusher_options options = {
        .settings = &c->faktory,
        .connections = (unsigned)c->connections,
        .max_size = (unsigned)c->batch_size,
        .max_delay_ms = c->batch_delay_ms,
        .auto_batch = c->batch_auto,
        .queue_max = (unsigned)c->queue_max,
        .metrics = s->api.metrics.push,
    };

    if (!(s->pusher = pusher_start(&options)))
        return err_set(why, ERR_NOMEM, "out of memory or threads for the connections to Faktory");
    outlet_init(&s->api.outlet, s->pusher);
    return 0;
}

static int start_status(struct api *api, struct err_text *why)
{
    api->queues = queues_new(api->config->queues);
    if (api->queues)
        api->status = status_new(&api->config->faktory, &api->outlet, api->queues);
    return api->status ? 0 : err_set(why, ERR_NOMEM, "out of memory for the list of queues");
}

static int start_http(struct service *s, struct err_text *why)
{
    const struct api_config *c = s->api.config;
    const struct http_options options = {
        .bind_addr = c->bind_addr,
        .routes = api_routes,
        .n_routes = api_routes_n,
        .ctx = &s->api,
        .body_max_bytes = (size_t)c->body_max_bytes,
        .request_timeout_ms = c->header_ms,
        .idle_timeout_ms = c->idle_ms,
        .connections_max = (unsigned)c->connections_max,
        .metrics = s->api.registry,
        .metrics_prefix = "wf_api",
    };
    const char *colon = strrchr(c->bind_addr, ':');

    if (!(s->http = http_start(&options, why)))
        return ERR_IO;
    log_info("listening on %.*s:%u", (int)(colon - c->bind_addr), c->bind_addr, http_port(s->http));
    return 0;
}

static void log_config(const struct api_config *c)
{
    char url[URL_SHOWN_MAX];

    url_redacted(&c->faktory.url, url);
    log_info("api-service %s", version);
    log_info("Faktory URL: %s", url);
    log_info("Batch config: max_size=%" PRId64 ", max_delay=%" PRId64 "ms, auto_batch=%s",
             c->batch_size, c->batch_delay_ms, c->batch_auto ? "true" : "false");
    if (c->pack_size > 1)
        log_info("packs: up to %" PRId64 " jobs", c->pack_size);
    log_info("queues: %s", c->queues);
}

static int start_openapi(struct api *api, struct err_text *why)
{
    if (openapi_make(&api->openapi, api->config, api->queues) == 0)
        return 0;
    return err_set(why, ERR_NOMEM, "out of memory for the description of the calls");
}

/* Frees what there is, in reverse order; pusher and http are down already, or never were up. */
static void free_parts(struct service *s)
{
    openapi_fini(&s->api.openapi);
    status_free(s->api.status);
    queues_free(s->api.queues);
    metrics_free(s->api.registry);
    job_input_fini(&s->api.input);
    free(s);
}

static void stop_pusher(struct service *s, int64_t deadline_ms)
{
    if (!s->pusher)
        return;
    outlet_close(&s->api.outlet);
    pusher_stop(s->pusher, deadline_ms);
}

struct service *service_start(struct api_config *config, struct err_text *why)
{
    struct service *s = calloc(1, sizeof *s);

    if (!s) {
        err_set(why, ERR_NOMEM, "out of memory");
        return NULL;
    }
    s->api.config = config;
    s->api.started_ms = clock_ms();
    job_input_init(&s->api.input);
    if (api_config_finish(config, why) == 0) {
        log_config(config);
        if (start_metrics(&s->api, why) == 0 && start_pusher(s, why) == 0 &&
            start_status(&s->api, why) == 0 && start_openapi(&s->api, why) == 0 &&
            start_http(s, why) == 0)
            return s;
    }
    stop_pusher(s, 0);
    free_parts(s);
    return NULL;
}

void service_tick(struct service *s, struct notify *manager)
{
    struct pusher_state pusher;

    status_tick(s->api.status);
    pusher_look(s->pusher, &pusher);
    notify_status(manager, "port %u; connections to Faktory: %u of %" PRId64, http_port(s->http),
                  pusher.connections_up, s->api.config->connections);
    notify_alive(
        manager,
        (struct notify_part[]){{"http", http_late_ms(s->http)}, {"flusher", pusher.late_ms}}, 2);
}

void service_stop(struct service *s)
{
    int64_t deadline_ms = clock_ms() + s->api.config->shutdown_ms;

    http_quiesce(s->http);
    stop_pusher(s, deadline_ms); /* settles every job, which resumes every request */
    http_stop(s->http, clock_ms() + GOODBYE_MS);
    free_parts(s);
}
