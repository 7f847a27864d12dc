// SPDX-License-Identifier: MIT
#include "api/config.h"

#include <stddef.h>

#include "api/queues.h"
#include "common/base/version.h"
#include "common/faktory/settings_vars.h"
#include "common/http/http_probe.h"
#include "common/pack/pack.h"
#include "common/service/address.h"

#define FIELD(name) offsetof(struct api_config, name)

/* BATCH_MAX_DELAY_MS has no 0: a job never waits while nothing is in flight, so there is nothing
 * to gain; who wants no batches at all says so with BATCH_AUTO_ENABLED. */
static const struct env_var vars[] = {
    FAKTORY_SETTINGS_VARS(struct api_config, faktory_url, faktory_password, faktory),
    {.name = "FAKTORY_MAX_CONNECTIONS",
     .kind = ENV_INT,
     .offset = FIELD(connections),
     .fallback = "4",
     .min = 1,
     .max = 64,
     .help = "Connections that push to Faktory side by side."},
    {.name = "BIND_ADDR",
     .kind = ENV_STRING,
     .offset = FIELD(bind_addr),
     .fallback = "127.0.0.1:3000",
     .check = address_check,
     .help = "Address and port to listen on. 0.0.0.0:3000 lets other machines in: there is no "
             "password, so only on a network that you trust."},
    {.name = "BATCH_MAX_SIZE",
     .kind = ENV_INT,
     .offset = FIELD(batch_size),
     .fallback = "100",
     .min = 1,
     .max = FAKTORY_COMMAND_JOBS_MAX,
     .help = "Most jobs in one push; a pack counts as one."},
    {.name = "BATCH_MAX_DELAY_MS",
     .kind = ENV_MS,
     .offset = FIELD(batch_delay_ms),
     .fallback = "50",
     .min = 1,
     .max = 10000,
     .help = "Longest wait of a job for company, while other pushes are in flight. A bound: with "
             "nothing in flight nothing waits."},
    {.name = "BATCH_AUTO_ENABLED",
     .kind = ENV_BOOL,
     .offset = FIELD(batch_auto),
     .fallback = "true",
     .help = "Gather the jobs of several requests into one push; false pushes each request by "
             "itself."},
    {.name = "BATCH_PACK_SIZE",
     .kind = ENV_INT,
     .offset = FIELD(pack_size),
     .fallback = "1",
     .min = 1,
     .max = PACK_ITEMS_MAX,
     .help = "Most jobs of a queue that travel through Faktory as one pack; 1: none do. For short "
             "jobs, and queues that only this project's workers serve: see docs/packs.md."},
    {.name = "BATCH_QUEUE_MAX",
     .kind = ENV_INT,
     .offset = FIELD(queue_max),
     .fallback = "20000",
     .min = 1,
     .max = 1000000,
     .help = "Most jobs that wait to be pushed, and most in one request. When full: 503 with "
             "Retry-After."},
    {.name = "API_QUEUES",
     .kind = ENV_STRING,
     .offset = FIELD(queues),
     .fallback = "default",
     .check = queues_check,
     .help = "Queues that jobs may be put into, separated by commas. Jobs that name none go to "
             "default, or to the first when default is not on the list."},
    {.name = "API_BODY_MAX",
     .kind = ENV_BYTES,
     .offset = FIELD(body_max_bytes),
     .fallback = "8MiB",
     .min = 1024,
     .max = 256 << 20,
     .help = "Largest body of a request; beyond it 413."},
    {.name = "API_REQUEST_TIMEOUT",
     .kind = ENV_MS,
     .offset = FIELD(request_ms),
     .fallback = "30s",
     .min = 100,
     .max = 600000,
     .help = "Longest wait of a request for Faktory; then 504 says whether the job may be stored."},
    {.name = "API_HEADER_TIMEOUT",
     .kind = ENV_MS,
     .offset = FIELD(header_ms),
     .fallback = "10s",
     .min = 1000,
     .max = 600000,
     .help = "Longest time for a request to arrive whole."},
    {.name = "API_IDLE_TIMEOUT",
     .kind = ENV_MS,
     .offset = FIELD(idle_ms),
     .fallback = "75s",
     .min = 1000,
     .max = 3600000,
     .help = "Silence after which a kept-alive connection is closed."},
    {.name = "API_CONNECTIONS_MAX",
     .kind = ENV_INT,
     .offset = FIELD(connections_max),
     .fallback = "4096",
     .min = 1,
     .max = 100000,
     .help = "Most clients at once."},
    {.name = "API_SHUTDOWN_TIMEOUT",
     .kind = ENV_MS,
     .offset = FIELD(shutdown_ms),
     .fallback = "25s",
     .min = 100,
     .max = 600000,
     .help = "After SIGTERM: time to store what waits and to answer."},
    {.name = "LOG_LEVEL",
     .kind = ENV_CHOICE,
     .offset = FIELD(log_level),
     .fallback = "info",
     .choices = "error|warn|info|debug",
     .help = "Least important lines that are written to standard error."},
    {.name = "LOG_FORMAT",
     .kind = ENV_CHOICE,
     .offset = FIELD(log_format),
     .fallback = "text",
     .choices = "text|json",
     .help = "One line of text each, or one JSON object each."},
};

static int check(const void *config, struct buf *errors)
{
    const struct api_config *c = config;

    return url_check_with(c->faktory_url, c->faktory_password.text, "FAKTORY_URL=", errors);
}

static int health(const void *config, struct buf *says, struct err_text *why)
{
    const struct api_config *c = config;

    return http_probe(c->bind_addr, "/health", says, why);
}

const struct program api_program = {
    .name = "api-service",
    .summary = "takes jobs over HTTP and stores them in Faktory",
    .version = version,
    .vars = vars,
    .n_vars = sizeof vars / sizeof vars[0],
    .check = check,
    .health = health,
};

int api_config_finish(struct api_config *c, struct err_text *why)
{
    return url_parse_with(c->faktory_url, c->faktory_password.text, &c->faktory.url, why);
}
