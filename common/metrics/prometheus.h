// SPDX-License-Identifier: MIT
/* prometheus - a registry as text, exposition format 0.0.4; `promtool check metrics` accepts it. */
#ifndef COMMON_METRICS_PROMETHEUS_H
#define COMMON_METRICS_PROMETHEUS_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/metrics/metrics.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends every metric, sorted by name. Takes the registry's lock, calls the gauge functions. */
void prometheus_write(struct metrics *m, struct buf *out);

/* Appends name="value" with the value escaped; a comma first unless `out` is empty. */
void prometheus_label(struct buf *out, const char *name, const char *value);

#endif
