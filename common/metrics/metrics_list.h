// SPDX-License-Identifier: MIT
/*
 * metrics_list - how a registry looks from inside this room: families of one name, sorted, each
 * with its series, sorted by labels. Nothing in the lists is ever moved or freed before
 * metrics_free(), so the lock is needed only to step from one to the next.
 */
#ifndef COMMON_METRICS_METRICS_LIST_H
#define COMMON_METRICS_METRICS_LIST_H

#include <stdatomic.h>

#include "common/metrics/metrics.h"

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

struct counter {
    _Atomic uint64_t value;
};

struct gauge {
    _Atomic int64_t value;
};

struct histogram {
    const int64_t *bounds;
    size_t n_bounds;
    double scale;
    _Atomic int64_t sum;
    _Atomic uint64_t buckets[]; /* n_bounds and one more, for what is above all of them */
};

struct series {
    struct series *next;
    char *labels; /* "" for none */
    /* Immutable; the one in use tells what the value is. */
    struct counter *counter;
    struct gauge *gauge;
    struct histogram *histogram;
    double (*fn)(void *ctx);
    void *ctx;
};

struct family {
    struct family *next;
    struct series *series;
    char *name, *help;
    enum metrics_kind kind;
};

/* The family behind `f` (NULL: the first), or NULL. */
struct family *metrics_next_family(struct metrics *m, const struct family *f);

/* The series of `f` behind `s` (NULL: the first), or NULL. */
struct series *metrics_next_series(struct metrics *m, const struct family *f,
                                   const struct series *s);

#endif
