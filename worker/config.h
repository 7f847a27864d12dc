// SPDX-License-Identifier: MIT
/* config - every setting of the worker: one table, one struct, read once in main. */
#ifndef WORKER_CONFIG_H
#define WORKER_CONFIG_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/config/env.h"
#include "common/config/options.h"
#include "common/faktory/faktory.h"

enum {
    WORKER_QUEUES_MAX = 64,
    WORKER_LANES_MAX = 32,
    WORKER_WINDOW_MAX = 1000,
};

struct worker_config {
    const char *faktory_url; /* as given, with the password: never log it */
    struct env_secret faktory_password;
    struct faktory_settings faktory; /* its URL with the password, wherever that came from */

    int64_t concurrency;
    int64_t connections, prefetch; /* ENV_AUTO: the program chooses */
    int64_t poll_interval_ms;
    const char *queues; /* "critical,default" */
    const char *labels; /* "gpu,site-b" */
    int64_t shutdown_ms;
    const char *metrics_addr;

    int log_level, log_format; /* enum log_level, enum log_format */

    /* made of the above by worker_config_finish() */
    char *queue_text; /* what the names point into */
    const char *queue_names[WORKER_QUEUES_MAX];
    size_t n_queues;
    struct buf label_json; /* ["gpu","site-b"] */
};

/* The program's table, with name and version, for options_start(). */
extern const struct program worker_program;

/* After options_start(): fills in what is made of several settings. 0, ERR_INVALID or ERR_NOMEM. */
int worker_config_finish(struct worker_config *c, struct err_text *why);
void worker_config_fini(struct worker_config *c);

#endif
