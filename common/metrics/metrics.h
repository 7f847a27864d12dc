// SPDX-License-Identifier: MIT
/*
 * metrics - counters, gauges and histograms on atomics, in a registry that prometheus.c prints.
 *
 * Recording is lock-free and may be done on any thread, hot paths included. Registering takes the
 * registry's lock and allocates: done at start, or once per new label value and then cached by the
 * caller. Metrics live as long as their registry.
 */
#ifndef COMMON_METRICS_METRICS_H
#define COMMON_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct metrics;
struct counter;
struct gauge;
struct histogram;

struct metrics *metrics_new(void); /* NULL: no memory */
/* After the last recording and the last scrape; NULL is allowed. */
void metrics_free(struct metrics *m);

/*
 * Finds or makes the metric of this name and label set. `labels` is the inside of the braces
 * (`route="/jobs/add",status="202"`) or NULL; label values are escaped by prometheus_label().
 * Metrics of one name share help and kind. The texts are copied. NULL: no memory, a bad name, the
 * name has another kind, or `m` is NULL.
 */
struct counter *metrics_counter(struct metrics *m, const char *name, const char *help,
                                const char *labels);
struct gauge *metrics_gauge(struct metrics *m, const char *name, const char *help,
                            const char *labels);

/*
 * A histogram over whole units (microseconds, jobs, bytes). `bounds` are ascending upper bounds in
 * these units, borrowed for ever. `scale` turns a unit into what is exported (1e-6: microseconds
 * to seconds; 1: as they are).
 */
struct histogram *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                    const char *labels, const int64_t *bounds, size_t n_bounds,
                                    double scale);

/* A gauge or counter whose value is asked for at each scrape: fn(ctx) on the scraping thread, with
 * no lock held. 0, also when `m` is NULL; ERR_NOMEM; ERR_INVALID for a bad name, another kind, or
 * when these labels are taken by another metric. */
int metrics_gauge_fn(struct metrics *m, const char *name, const char *help, const char *labels,
                     double (*fn)(void *ctx), void *ctx);
int metrics_counter_fn(struct metrics *m, const char *name, const char *help, const char *labels,
                       double (*fn)(void *ctx), void *ctx);

/* Ready-made bounds: 100 us to 60 s, and 1 to 1,000 jobs. */
extern const int64_t metrics_latency_us[];
extern const size_t metrics_latency_us_n;
extern const int64_t metrics_batch_jobs[];
extern const size_t metrics_batch_jobs_n;

/* Recording. A NULL metric is ignored, so a part can run without a registry. */
void counter_add(struct counter *c, uint64_t n);
uint64_t counter_value(const struct counter *c);
void gauge_set(struct gauge *g, int64_t value);
void gauge_add(struct gauge *g, int64_t delta);
int64_t gauge_value(const struct gauge *g);
void histogram_observe(struct histogram *h, int64_t value);
uint64_t histogram_count(const struct histogram *h);
int64_t histogram_sum(const struct histogram *h);
/* The value, in units, below which `share` (0..1) of the observations lie, interpolated inside its
 * bucket; the highest bound for what lies above it; 0 while nothing was observed. */
double histogram_quantile(const struct histogram *h, double share);

#endif
