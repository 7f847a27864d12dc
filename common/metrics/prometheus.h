// SPDX-License-Identifier: MIT
/* prometheus - a registry as text, exposition format 0.0.4; `promtool check metrics` accepts it. */
#ifndef COMMON_METRICS_PROMETHEUS_H
#define COMMON_METRICS_PROMETHEUS_H

#include "common/base/buf.h"
#include "common/metrics/metrics.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends every metric, sorted by name and labels, and calls the functions of those that have one.
 * Holds the registry's lock only to step from one to the next: never in a call, never for long. */
void prometheus_write(struct metrics *m, struct buf *out);

/* Appends name="value" with the value escaped; a comma first unless `out` is empty. */
void prometheus_label(struct buf *out, const char *name, const char *value);

#endif
