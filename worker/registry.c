// SPDX-License-Identifier: MIT
#include "worker/registry.h"

#include <stdlib.h>
#include <string.h>

#include "common/metrics/prometheus.h"
#include "worker/handlers/handlers.h"

/* ---- THE table: a new job type is one row here, one line in handlers.h, and its function ---- */

const struct registry_row registry_rows[] = {
    {"math_add", math_add},
    {"math_subtract", math_subtract},
    {"math_multiply", math_multiply},
    {"math_divide", math_divide},
};
const size_t registry_n_rows = sizeof registry_rows / sizeof registry_rows[0];

struct registry {
    size_t n;
    struct registry_entry unknown;
    struct registry_entry entries[]; /* sorted by type */
};

static int by_type(const void *a, const void *b)
{
    const struct registry_entry *x = a, *y = b;

    return strcmp(x->type, y->type);
}

/* Types that nobody registered share one label: a label per name that a client makes up would fill
 * the memory of whoever stores the metrics. */
static bool add_metrics(struct registry_entry *e, struct metrics *m)
{
    struct buf type = BUF_INIT(0), verdict = BUF_INIT(0);
    static const char failed_name[] = "wf_worker_jobs_failed_total";
    static const char failed_help[] = "Jobs that failed; permanent ones are not tried again.";

    prometheus_label(&type, "type", e->run ? e->type : "unknown");
    e->done =
        metrics_counter(m, "wf_worker_jobs_done_total", "Jobs that succeeded.", buf_str(&type));
    e->run_us = metrics_histogram(m, "wf_worker_job_seconds", "Time spent in the handler.",
                                  buf_str(&type), metrics_latency_us, metrics_latency_us_n, 1e-6);
    buf_addf(&verdict, "%s,permanent=\"false\"", buf_str(&type));
    e->failed = metrics_counter(m, failed_name, failed_help, buf_str(&verdict));
    buf_clear(&verdict);
    buf_addf(&verdict, "%s,permanent=\"true\"", buf_str(&type));
    e->buried = metrics_counter(m, failed_name, failed_help, buf_str(&verdict));
    buf_fini(&type);
    buf_fini(&verdict);
    return e->done && e->run_us && e->failed && e->buried;
}

struct registry *registry_new(const struct registry_row *rows, size_t n, struct metrics *m)
{
    struct registry *r = calloc(1, sizeof *r + n * sizeof r->entries[0]);
    bool good;

    if (!r)
        return NULL;
    r->n = n;
    r->unknown.type = "";
    good = add_metrics(&r->unknown, m);
    for (size_t i = 0; i < n && good; i++) {
        r->entries[i] = (struct registry_entry){.type = rows[i].type, .run = rows[i].run};
        good = add_metrics(&r->entries[i], m);
    }
    if (!good) {
        free(r);
        return NULL;
    }
    qsort(r->entries, n, sizeof r->entries[0], by_type);
    return r;
}

void registry_free(struct registry *r)
{
    free(r);
}

const struct registry_entry *registry_find(const struct registry *r, const char *type)
{
    struct registry_entry key = {.type = type};
    const struct registry_entry *found =
        bsearch(&key, r->entries, r->n, sizeof r->entries[0], by_type);

    return found ? found : &r->unknown;
}

void registry_names(const struct registry *r, struct buf *out)
{
    for (size_t i = 0; i < r->n; i++)
        buf_addf(out, "%s%s", i > 0 ? ", " : "", r->entries[i].type);
}
