// SPDX-License-Identifier: MIT
/*
 * registry - which function does which type of job, and the metrics of each type.
 * Fixed after registry_new(): any thread may look things up.
 */
#ifndef WORKER_REGISTRY_H
#define WORKER_REGISTRY_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/metrics/metrics.h"
#include "worker/handler.h"

struct registry_row {
    const char *type;
    wf_handler *run;
};

/* The job types of this worker. */
extern const struct registry_row registry_rows[];
extern const size_t registry_n_rows;

/* A type, with its metrics at hand. */
struct registry_entry {
    const char *type;
    wf_handler *run; /* NULL: the entry of all types that nobody registered */
    struct counter *done, *failed, *buried;
    struct histogram *run_us;
};

struct registry;

/* The rows are borrowed. NULL: no memory. */
struct registry *registry_new(const struct registry_row *rows, size_t n, struct metrics *m);
void registry_free(struct registry *r); /* NULL is fine */

/* Never NULL: an unknown type has an entry without a function. */
const struct registry_entry *registry_find(const struct registry *r, const char *type);

/* Appends "math_add, math_divide, ...", sorted. */
void registry_names(const struct registry *r, struct buf *out);

#endif
