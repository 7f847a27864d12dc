// SPDX-License-Identifier: MIT
#include "common/metrics/metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/sync.h"
#include "common/metrics/metrics_list.h"

struct metrics {
    pthread_mutex_t lock;
    struct family *families; /* guarded by lock, as is every `next` */
};

const int64_t metrics_latency_us[] = {100,     250,     500,     1000,     2500,     5000,
                                      10000,   25000,   50000,   100000,   250000,   500000,
                                      1000000, 2500000, 5000000, 10000000, 30000000, 60000000};
const size_t metrics_latency_us_n = sizeof metrics_latency_us / sizeof metrics_latency_us[0];

const int64_t metrics_batch_jobs[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
const size_t metrics_batch_jobs_n = sizeof metrics_batch_jobs / sizeof metrics_batch_jobs[0];

/* ---- the registry ---- */

struct metrics *metrics_new(void)
{
    struct metrics *m = calloc(1, sizeof *m);

    if (m)
        mutex_init(&m->lock);
    return m;
}

static void free_series(struct series *s)
{
    if (!s)
        return;
    free(s->counter);
    free(s->gauge);
    free(s->histogram);
    free(s->labels);
    free(s);
}

static void free_family(struct family *f)
{
    if (!f)
        return;
    while (f->series) {
        struct series *s = f->series;

        f->series = s->next;
        free_series(s);
    }
    free(f->name);
    free(f->help);
    free(f);
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    while (m->families) {
        struct family *f = m->families;

        m->families = f->next;
        free_family(f);
    }
    mutex_fini(&m->lock);
    free(m);
}

struct family *metrics_next_family(struct metrics *m, const struct family *f)
{
    struct family *next;

    mutex_lock(&m->lock);
    next = f ? f->next : m->families;
    mutex_unlock(&m->lock);
    return next;
}

struct series *metrics_next_series(struct metrics *m, const struct family *f,
                                   const struct series *s)
{
    struct series *next;

    mutex_lock(&m->lock);
    next = s ? s->next : f->series;
    mutex_unlock(&m->lock);
    return next;
}

/* ---- registering ---- */

static bool is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
    size_t n = strspn(name, letters);

    return n > 0 && strspn(name + n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:"
                                     "0123456789") == strlen(name + n);
}

/* Where the family of this name is linked, or would be. */
static struct family **family_place(struct metrics *m, const char *name)
{
    struct family **place = &m->families;

    while (*place && strcmp((*place)->name, name) < 0)
        place = &(*place)->next;
    return place;
}

static struct series **series_place(struct family *f, const char *labels)
{
    struct series **place = &f->series;

    while (*place && strcmp((*place)->labels, labels) < 0)
        place = &(*place)->next;
    return place;
}

static struct family *find_or_make_family_locked(struct metrics *m, const char *name,
                                                 const char *help, enum metrics_kind kind)
{
    struct family **place = family_place(m, name), *f = *place;

    if (f && strcmp(f->name, name) == 0)
        return f->kind == kind ? f : NULL;
    if (!(f = calloc(1, sizeof *f)))
        return NULL;
    f->name = strdup(name);
    f->help = strdup(help);
    f->kind = kind;
    if (!f->name || !f->help) {
        free_family(f);
        return NULL;
    }
    f->next = *place;
    *place = f;
    return f;
}

/*
 * Gives the series of this name and labels: one that is there, or `made`, which the registry then
 * owns. `made` is freed when it is not needed. NULL: no memory, a bad name, or another kind.
 */
static struct series *add(struct metrics *m, const char *name, const char *help,
                          enum metrics_kind kind, const char *labels, struct series *made)
{
    struct family *f = NULL;
    struct series *found = NULL;

    if (!made)
        return NULL;
    made->labels = strdup(labels ? labels : "");
    if (made->labels && is_name(name)) {
        mutex_lock(&m->lock);
        if ((f = find_or_make_family_locked(m, name, help, kind)) != NULL) {
            struct series **place = series_place(f, made->labels);

            found = *place && strcmp((*place)->labels, made->labels) == 0 ? *place : NULL;
            if (!found) {
                made->next = *place;
                *place = found = made;
            }
        }
        mutex_unlock(&m->lock);
    }
    if (found != made)
        free_series(made);
    return found;
}

struct counter *metrics_counter(struct metrics *m, const char *name, const char *help,
                                const char *labels)
{
    struct series *s = m ? calloc(1, sizeof *s) : NULL;

    if (!s)
        return NULL;
    if (!(s->counter = calloc(1, sizeof *s->counter))) {
        free_series(s);
        return NULL;
    }
    s = add(m, name, help, METRICS_COUNTER, labels, s);
    return s ? s->counter : NULL;
}

struct gauge *metrics_gauge(struct metrics *m, const char *name, const char *help,
                            const char *labels)
{
    struct series *s = m ? calloc(1, sizeof *s) : NULL;

    if (!s)
        return NULL;
    if (!(s->gauge = calloc(1, sizeof *s->gauge))) {
        free_series(s);
        return NULL;
    }
    s = add(m, name, help, METRICS_GAUGE, labels, s);
    return s ? s->gauge : NULL;
}

struct histogram *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                    const char *labels, const int64_t *bounds, size_t n_bounds,
                                    double scale)
{
    struct series *s = m ? calloc(1, sizeof *s) : NULL;
    struct histogram *h;

    if (!s)
        return NULL;
    h = s->histogram = calloc(1, sizeof *h + (n_bounds + 1) * sizeof h->buckets[0]);
    if (!h) {
        free_series(s);
        return NULL;
    }
    h->bounds = bounds;
    h->n_bounds = n_bounds;
    h->scale = scale;
    s = add(m, name, help, METRICS_HISTOGRAM, labels, s);
    return s ? s->histogram : NULL;
}

static int add_fn(struct metrics *m, const char *name, const char *help, enum metrics_kind kind,
                  const char *labels, double (*fn)(void *ctx), void *ctx)
{
    struct series *s = m ? calloc(1, sizeof *s) : NULL;

    if (!m)
        return 0; /* like the recording calls: a part can run without a registry */
    if (!s)
        return ERR_NOMEM;
    s->fn = fn;
    s->ctx = ctx;
    s = add(m, name, help, kind, labels, s);
    return s && s->fn == fn && s->ctx == ctx ? 0 : ERR_INVALID;
}

int metrics_gauge_fn(struct metrics *m, const char *name, const char *help, const char *labels,
                     double (*fn)(void *ctx), void *ctx)
{
    return add_fn(m, name, help, METRICS_GAUGE, labels, fn, ctx);
}

int metrics_counter_fn(struct metrics *m, const char *name, const char *help, const char *labels,
                       double (*fn)(void *ctx), void *ctx)
{
    return add_fn(m, name, help, METRICS_COUNTER, labels, fn, ctx);
}

/* ---- recording: each value stands alone, so relaxed order is enough ---- */

void counter_add(struct counter *c, uint64_t n)
{
    if (c)
        atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

uint64_t counter_value(const struct counter *c)
{
    return c ? atomic_load_explicit(&c->value, memory_order_relaxed) : 0;
}

void gauge_set(struct gauge *g, int64_t value)
{
    if (g)
        atomic_store_explicit(&g->value, value, memory_order_relaxed);
}

void gauge_add(struct gauge *g, int64_t delta)
{
    if (g)
        atomic_fetch_add_explicit(&g->value, delta, memory_order_relaxed);
}

int64_t gauge_value(const struct gauge *g)
{
    return g ? atomic_load_explicit(&g->value, memory_order_relaxed) : 0;
}

void histogram_observe(struct histogram *h, int64_t value)
{
    size_t i = 0;

    if (!h)
        return;
    while (i < h->n_bounds && value > h->bounds[i])
        i++;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
}

static uint64_t bucket(const struct histogram *h, size_t i)
{
    return atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t count = 0;

    for (size_t i = 0; h && i <= h->n_bounds; i++)
        count += bucket(h, i);
    return count;
}

int64_t histogram_sum(const struct histogram *h)
{
    return h ? atomic_load_explicit(&h->sum, memory_order_relaxed) : 0;
}

double histogram_quantile(const struct histogram *h, double share)
{
    double rank = share * (double)histogram_count(h), below = 0;
    double lower = 0, upper = 0;

    for (size_t i = 0; h && i < h->n_bounds; i++) {
        double n = (double)bucket(h, i);

        upper = (double)h->bounds[i];
        if (i == 0 && upper < 0)
            lower = upper;
        if (n > 0 && below + n >= rank)
            return lower + (upper - lower) * (rank > below ? (rank - below) / n : 0);
        below += n;
        lower = upper;
    }
    return below > 0 || rank > 0 ? upper : 0;
}
