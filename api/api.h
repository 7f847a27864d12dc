// SPDX-License-Identifier: MIT
/* api - what every handler of the API gets as its context. main owns it and all that it points to;
 * handlers run on the loop thread of http only, so what is marked so needs no lock. */
#ifndef API_API_H
#define API_API_H

#include <stdint.h>

#include "api/config.h"
#include "api/job_input.h"
#include "api/metrics.h"
#include "api/openapi.h"
#include "api/outlet.h"
#include "api/queues.h"
#include "api/status.h"

struct api {
    const struct api_config *config;
    struct metrics *registry;
    struct api_metrics metrics;
    struct queues *queues;
    struct outlet outlet;
    struct status *status;
    struct openapi openapi;
    int64_t started_ms;

    struct job_input input; /* loop thread: reused from request to request */
};

#endif
