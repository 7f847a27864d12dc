// SPDX-License-Identifier: MIT
/*
 * process_metrics - what a program uses of the machine, read from /proc at each scrape, under the
 * names that dashboards know (process_cpu_seconds_total and so on), and which build it is.
 */
#ifndef COMMON_SERVICE_PROCESS_METRICS_H
#define COMMON_SERVICE_PROCESS_METRICS_H

#include "common/metrics/metrics.h"

/* Registers them once, at start. `build_info` is the name of the gauge that is always 1 and has
 * the version as its label ("wf_api_build_info"). 0 or ERR_NOMEM. */
int process_metrics_add(struct metrics *m, const char *build_info, const char *build_version);

#endif
