// SPDX-License-Identifier: MIT
/* routes - THE table of every call of the API, and the handlers behind it (api/handlers/). */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include <stddef.h>

#include "common/http/http.h"

extern const struct http_route api_routes[];
extern const size_t api_routes_n;

/* Each handler's ctx is the struct api. */
http_handler handle_math, handle_job;     /* handlers/jobs.c */
http_handler handle_batch;                /* handlers/batch.c */
http_handler handle_health, handle_ready; /* handlers/health.c */
http_handler handle_stats;                /* handlers/stats.c */
http_handler handle_metrics;              /* handlers/metrics.c */
http_handler handle_openapi;              /* handlers/openapi.c */

#endif
