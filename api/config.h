// SPDX-License-Identifier: MIT
/* config - every setting of the API: one table, one struct, read once in main. */
#ifndef API_CONFIG_H
#define API_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/config/env.h"
#include "common/config/options.h"
#include "common/faktory/faktory.h"

/* A plain value. Strings belong to the environment. */
struct api_config {
    const char *faktory_url; /* as given, with the password: never log it */
    struct env_secret faktory_password;
    struct faktory_settings faktory; /* its URL with the password, wherever that came from */
    int64_t connections;

    const char *bind_addr;
    int64_t body_max_bytes, connections_max;
    int64_t request_ms, header_ms, idle_ms, shutdown_ms;

    int64_t batch_size, batch_delay_ms, pack_size, queue_max;
    bool batch_auto;
    const char *queues; /* "default,bulk" */

    int log_level, log_format; /* enum log_level, enum log_format */
};

/* The program's table, with name and version, for options_start(). */
extern const struct program api_program;

/* After options_start(): fills in what is made of several settings. 0 or ERR_INVALID. */
int api_config_finish(struct api_config *c, struct err_text *why);

#endif
