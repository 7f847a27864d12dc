// SPDX-License-Identifier: MIT
/* stats - GET /stats: how the service does and what Faktory says of itself, as JSON. */
#include <inttypes.h>

#include "api/api.h"
#include "api/routes.h"
#include "common/base/clock.h"
#include "common/base/version.h"
#include "common/json/json_write.h"

static void write_jobs(struct buf *out, const struct push_metrics *m)
{
    buf_addf(out,
             "\"jobs\":{\"stored\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"away\":%" PRIu64
             ",\"late\":%" PRIu64 ",\"unknown\":%" PRIu64 "}",
             counter_value(m->stored), counter_value(m->refused), counter_value(m->away),
             counter_value(m->late), counter_value(m->unknown));
}

static void write_ms(struct buf *out, const char *name, double us)
{
    buf_addf(out, "\"%s\":", name);
    json_write_double(out, us / 1000);
}

static void write_pushes(struct buf *out, const struct push_metrics *m)
{
    uint64_t n = histogram_count(m->batch_jobs);

    buf_addf(out, "\"pushes\":{\"count\":%" PRIu64 ",\"jobs\":%" PRId64 ",\"mean_jobs\":", n,
             histogram_sum(m->batch_jobs));
    json_write_double(out, n > 0 ? (double)histogram_sum(m->batch_jobs) / (double)n : 0);
    buf_add_char(out, ',');
    write_ms(out, "p50_ms", histogram_quantile(m->push_us, 0.5));
    buf_add_char(out, ',');
    write_ms(out, "p99_ms", histogram_quantile(m->push_us, 0.99));
    buf_add_str(out, "},\"enqueue\":{");
    write_ms(out, "p50_ms", histogram_quantile(m->store_us, 0.5));
    buf_add_char(out, ',');
    write_ms(out, "p99_ms", histogram_quantile(m->store_us, 0.99));
    buf_add_char(out, '}');
}

static void write_pusher(struct buf *out, struct api *api)
{
    struct pusher_state state;

    outlet_look(&api->outlet, &state);
    buf_addf(out,
             "\"queue\":{\"waiting\":%u,\"in_flight\":%u,\"max\":%" PRId64
             "},\"connections\":{\"up\":%u,\"max\":%" PRId64 ",\"reconnects\":%lu,",
             state.waiting, state.in_flight, api->config->queue_max, state.connections_up,
             api->config->connections, state.reconnects);
    write_ms(out, "push_ms", (double)state.push_us);
    buf_add_char(out, '}');
}

static void write_config(struct buf *out, const struct api *api)
{
    buf_addf(out,
             "\"config\":{\"batch_max_size\":%" PRId64 ",\"batch_max_delay_ms\":%" PRId64
             ",\"batch_auto_enabled\":%s,\"queues\":\"%s\"}",
             api->config->batch_size, api->config->batch_delay_ms,
             api->config->batch_auto ? "true" : "false", queues_list(api->queues));
}

static void answer_stats(struct http_request *r, void *state)
{
    struct api *api = state;
    struct buf out = BUF_INIT(0);

    buf_add_str(&out, "{\"service\":\"api-service\",\"version\":");
    json_write_cstr(&out, version);
    buf_addf(&out, ",\"uptime_seconds\":%" PRId64 ",", (clock_ms() - api->started_ms) / 1000);
    write_jobs(&out, &api->metrics.push);
    buf_addf(&out, ",\"batch_requests\":%" PRIu64 ",", counter_value(api->metrics.batch_requests));
    write_pushes(&out, &api->metrics.push);
    buf_add_char(&out, ',');
    write_pusher(&out, api);
    buf_add_char(&out, ',');
    write_config(&out, api);
    buf_add_str(&out, ",\"faktory\":");
    status_write_info(api->status, &out);
    buf_add_char(&out, '}');
    http_reply(r, 200, HTTP_JSON, &out);
}

void handle_stats(struct http_request *r, void *ctx)
{
    struct api *api = ctx;

    status_ask(api->status, STATUS_INFO, r, answer_stats, api);
}
