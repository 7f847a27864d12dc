// SPDX-License-Identifier: MIT
#include "common/http/http_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/metrics/metrics.h"
#include "common/metrics/prometheus.h"

enum { STATUS_MIN = 100, STATUS_MAX = 599, NAME_MAX_BYTES = 128 };

struct row {
    struct histogram *seconds;
    struct counter *by_status[STATUS_MAX - STATUS_MIN + 1];
};

struct http_metrics {
    const struct http_options *options;
    struct gauge *connections, *deferred;
    struct row rows[]; /* one for each route, then one for unknown paths */
};

static void name_of(const struct http_metrics *m, const char *what, char out[NAME_MAX_BYTES])
{
    const char *prefix = m->options->metrics_prefix;

    snprintf(out, NAME_MAX_BYTES, "%s_http_%s", prefix ? prefix : "wf", what);
}

static const char *route_of(const struct http_metrics *m, size_t row)
{
    return row < m->options->n_routes ? m->options->routes[row].path : "other";
}

static void make_histogram(struct http_metrics *m, size_t row)
{
    char name[NAME_MAX_BYTES];
    struct buf labels = BUF_INIT(0);

    name_of(m, "request_seconds", name);
    prometheus_label(&labels, "route", route_of(m, row));
    if (!labels.failed)
        m->rows[row].seconds =
            metrics_histogram(m->options->metrics, name, "From the complete request to its answer.",
                              buf_str(&labels), metrics_latency_us, metrics_latency_us_n, 1e-6);
    buf_fini(&labels);
}

struct http_metrics *http_metrics_new(const struct http_options *options)
{
    size_t n = options->n_routes + 1;
    struct http_metrics *m = calloc(1, sizeof *m + n * sizeof m->rows[0]);
    char name[NAME_MAX_BYTES];

    if (!m)
        return NULL;
    m->options = options;
    name_of(m, "connections", name);
    m->connections = metrics_gauge(options->metrics, name, "Open client connections.", NULL);
    name_of(m, "deferred", name);
    m->deferred =
        metrics_gauge(options->metrics, name, "Requests that wait for their answer.", NULL);
    for (size_t i = 0; i < n; i++)
        make_histogram(m, i);
    return m;
}

void http_metrics_free(struct http_metrics *m)
{
    free(m); /* the metrics themselves belong to their registry */
}

static struct counter *make_counter(const struct http_metrics *m, size_t row, unsigned status)
{
    char name[NAME_MAX_BYTES], code[16];
    struct buf labels = BUF_INIT(0);
    struct counter *c = NULL;

    name_of(m, "requests_total", name);
    snprintf(code, sizeof code, "%u", status);
    prometheus_label(&labels, "route", route_of(m, row));
    prometheus_label(&labels, "status", code);
    if (!labels.failed)
        c = metrics_counter(m->options->metrics, name, "Requests answered.", buf_str(&labels));
    buf_fini(&labels);
    return c;
}

void http_metrics_count(struct http_metrics *m, size_t row, unsigned status, int64_t us)
{
    struct counter **c;

    if (!m || status < STATUS_MIN || status > STATUS_MAX)
        return;
    c = &m->rows[row].by_status[status - STATUS_MIN];
    if (!*c)
        *c = make_counter(m, row, status);
    counter_add(*c, 1);
    if (us >= 0)
        histogram_observe(m->rows[row].seconds, us);
}

void http_metrics_connections(struct http_metrics *m, int delta)
{
    if (m)
        gauge_add(m->connections, delta);
}

void http_metrics_deferred(struct http_metrics *m, int delta)
{
    if (m)
        gauge_add(m->deferred, delta);
}
