// SPDX-License-Identifier: MIT
/*
 * scrape - what our services say of themselves over HTTP: whether they are ready, and the sums of
 * their counters on /metrics. Blocks for at most a few seconds. Any thread.
 */
#ifndef TOOLS_BENCH_SCRAPE_H
#define TOOLS_BENCH_SCRAPE_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/err.h"

/* GET `path` from 127.0.0.1; its body replaces what `body` holds. The status, or an error. */
int scrape_get(const char *port, const char *path, struct buf *body, struct err_text *why);

/* True when GET `path` answers 200; waits for one answer. */
bool scrape_ready(const char *port, const char *path);

/*
 * The sum over the series of a metric in Prometheus text whose labels contain `labels` ("" for
 * all). 0 when there is none: a series of ours appears with its first event.
 */
double scrape_sum(const char *text, const char *name, const char *labels);

#endif
