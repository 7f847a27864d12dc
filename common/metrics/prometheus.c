// SPDX-License-Identifier: MIT
#include "common/metrics/prometheus.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "common/metrics/metrics_list.h"

static const char *const kind_names[] = {
    [METRICS_COUNTER] = "counter", [METRICS_GAUGE] = "gauge", [METRICS_HISTOGRAM] = "histogram"};

/* Backslash and newline always need an escape, the quote only between quotes. */
static void add_escaped(struct buf *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\n')
            buf_add(out, "\\n", 2);
        else {
            if (strchr(special, *text))
                buf_add_char(out, '\\');
            buf_add_char(out, *text);
        }
    }
}

void prometheus_label(struct buf *out, const char *name, const char *value)
{
    if (out->len > 0)
        buf_add_char(out, ',');
    buf_addf(out, "%s=\"", name);
    add_escaped(out, value, "\"\\");
    buf_add_char(out, '"');
}

/* 15 digits: 100 microseconds are 0.0001 seconds again, and sums stay exact for decades. */
static void add_double(struct buf *out, double value)
{
    if (isfinite(value))
        buf_addf(out, "%.15g", value);
    else
        buf_add_str(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
}

/* name_suffix{labels} and a blank */
static void add_name(struct buf *out, const char *name, const char *suffix, const char *labels)
{
    buf_addf(out, "%s%s", name, suffix);
    if (*labels)
        buf_addf(out, "{%s}", labels);
    buf_add_char(out, ' ');
}

static void add_bucket(struct buf *out, const char *name, const char *labels, double bound,
                       uint64_t count)
{
    buf_addf(out, "%s_bucket{%s%sle=\"", name, labels, *labels ? "," : "");
    add_double(out, bound);
    buf_addf(out, "\"} %" PRIu64 "\n", count);
}

/* The count is that of the buckets as they were read, so the two agree while others record. */
static void add_histogram(struct buf *out, const char *name, const char *labels,
                          const struct histogram *h)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= h->n_bounds; i++) {
        double bound = i < h->n_bounds ? (double)h->bounds[i] * h->scale : INFINITY;

        count += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        add_bucket(out, name, labels, bound, count);
    }
    add_name(out, name, "_sum", labels);
    add_double(out, (double)histogram_sum(h) * h->scale);
    buf_add_char(out, '\n');
    add_name(out, name, "_count", labels);
    buf_addf(out, "%" PRIu64 "\n", count);
}

static void add_series(struct buf *out, const char *name, const struct series *s)
{
    if (s->histogram) {
        add_histogram(out, name, s->labels, s->histogram);
        return;
    }
    add_name(out, name, "", s->labels);
    if (s->counter)
        buf_addf(out, "%" PRIu64, counter_value(s->counter));
    else if (s->gauge)
        buf_addf(out, "%" PRId64, gauge_value(s->gauge));
    else
        add_double(out, s->fn(s->ctx));
    buf_add_char(out, '\n');
}

void prometheus_write(struct metrics *m, struct buf *out)
{
    /* A decimal comma would be no number to Prometheus. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = uselocale(c);
    const struct family *f = NULL;

    while ((f = metrics_next_family(m, f)) != NULL) {
        const struct series *s = NULL;

        buf_addf(out, "# HELP %s ", f->name);
        add_escaped(out, f->help, "\\");
        buf_addf(out, "\n# TYPE %s %s\n", f->name, kind_names[f->kind]);
        while ((s = metrics_next_series(m, f, s)) != NULL)
            add_series(out, f->name, s);
    }
    uselocale(before);
    freelocale(c);
}
