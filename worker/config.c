// SPDX-License-Identifier: MIT
#include "worker/config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/version.h"
#include "common/faktory/job.h"
#include "common/faktory/settings_vars.h"
#include "common/http/http_probe.h"
#include "common/json/json_write.h"

#define FIELD(name) offsetof(struct worker_config, name)

enum { LABEL_MAX_BYTES = 100 };

/* ---- lists ---- */

/* Cuts the next name off a list; false behind the last one. "a,,b" has an empty name. */
static bool next_name(const char **at, const char **name, size_t *len)
{
    if (!*at)
        return false;
    *name = *at;
    *len = strcspn(*at, ",");
    *at = (*at)[*len] ? *at + *len + 1 : NULL;
    return true;
}

/* Is this name in the list before `end`? */
static bool named_before(const char *list, const char *end, const char *name, size_t len)
{
    const char *at = list, *other;
    size_t other_len;

    while (next_name(&at, &other, &other_len) && other < end)
        if (other_len == len && memcmp(other, name, len) == 0)
            return true;
    return false;
}

static int check_queues(const char *value, struct buf *expected)
{
    const char *at = value, *name;
    size_t len, n = 0;

    while (next_name(&at, &name, &len)) {
        char one[JOB_QUEUE_NAME_MAX + 2] = "";
        struct err_text why;

        memcpy(one, name, len < sizeof one ? len : sizeof one - 1);
        if (job_check_queue_name(one, &why) != 0) {
            buf_addf(expected, "names separated by commas; %s", why.text);
            return ERR_INVALID;
        }
        if (named_before(value, name, name, len) || ++n > WORKER_QUEUES_MAX) {
            buf_addf(expected, "at most %d different names separated by commas", WORKER_QUEUES_MAX);
            return ERR_INVALID;
        }
    }
    return 0;
}

static int check_labels(const char *value, struct buf *expected)
{
    const char *at = *value ? value : NULL, *name;
    size_t len;

    while (next_name(&at, &name, &len))
        if (len == 0 || len > LABEL_MAX_BYTES) {
            buf_addf(expected, "words of 1 to %d bytes separated by commas", LABEL_MAX_BYTES);
            return ERR_INVALID;
        }
    return 0;
}

/* ---- the table ---- */

/* WORKER_SHUTDOWN_TIMEOUT cannot be shorter: a FETCH under way takes Faktory up to 2 s to answer,
 * and leaving before that would strand its job. */
static const struct env_var vars[] = {
    FAKTORY_SETTINGS_VARS(struct worker_config, faktory_url, faktory_password, faktory),
    {.name = "WORKER_CONCURRENCY",
     .kind = ENV_INT,
     .offset = FIELD(concurrency),
     .fallback = "50",
     .min = 1,
     .max = 10000,
     .help = "Jobs that run at the same time, each on a thread of its own. They share a few "
             "connections to Faktory."},
    {.name = "WORKER_CONNECTIONS",
     .kind = ENV_AUTO_INT,
     .offset = FIELD(connections),
     .fallback = "auto",
     .min = 1,
     .max = WORKER_LANES_MAX,
     .help = "Connections that fetch jobs (lanes). A few more are for outcomes and heartbeats."},
    {.name = "WORKER_PREFETCH",
     .kind = ENV_AUTO_INT,
     .offset = FIELD(prefetch),
     .fallback = "auto",
     .min = 1,
     .max = WORKER_WINDOW_MAX,
     .help = "Most FETCHes in flight on one of them (its window). It grows by itself while jobs "
             "come and falls to 1 when none come."},
    {.name = "WORKER_POLL_INTERVAL_MS",
     .kind = ENV_MS,
     .offset = FIELD(poll_interval_ms),
     .fallback = "0",
     .min = 0,
     .max = 60000,
     .help = "Pause after a FETCH that found nothing. Faktory itself already waits 2 s for a job "
             "before it says so."},
    {.name = "WORKER_QUEUES",
     .kind = ENV_STRING,
     .offset = FIELD(queues),
     .fallback = "default",
     .check = check_queues,
     .help = "Queues to fetch from, separated by commas, in order of priority: a later one is "
             "looked at only when the ones before it are empty."},
    {.name = "WORKER_LABELS",
     .kind = ENV_STRING,
     .offset = FIELD(labels),
     .check = check_labels,
     .help = "Words that Faktory's page shows beside this worker, separated by commas."},
    {.name = "WORKER_SHUTDOWN_TIMEOUT",
     .kind = ENV_MS,
     .offset = FIELD(shutdown_ms),
     .fallback = "25s",
     .min = 5000,
     .max = 3600000,
     .help = "After SIGTERM: time for running jobs to end. What did not start is handed back at "
             "once; what does not end is failed, and tried again elsewhere."},
    {.name = "WORKER_METRICS_ADDR",
     .kind = ENV_STRING,
     .offset = FIELD(metrics_addr),
     .help = "Address and port for GET /metrics and GET /health, such as 127.0.0.1:9090. Empty: "
             "none."},
    {.name = "LOG_LEVEL",
     .kind = ENV_CHOICE,
     .offset = FIELD(log_level),
     .fallback = "info",
     .choices = "error|warn|info|debug",
     .help = "Least important lines that are written to standard error. The results of jobs are "
             "debug."},
    {.name = "LOG_FORMAT",
     .kind = ENV_CHOICE,
     .offset = FIELD(log_format),
     .fallback = "text",
     .choices = "text|json",
     .help = "One line of text each, or one JSON object each."},
};

static int check(const void *config, struct buf *errors)
{
    const struct worker_config *c = config;

    return url_check_with(c->faktory_url, c->faktory_password.text, "FAKTORY_URL=", errors);
}

static int health(const void *config, struct buf *says, struct err_text *why)
{
    const struct worker_config *c = config;

    if (!*c->metrics_addr)
        return err_set(why, ERR_INVALID,
                       "WORKER_METRICS_ADDR=\"\": expected the address that the worker answers on");
    return http_probe(c->metrics_addr, "/health", says, why);
}

const struct program worker_program = {
    .name = "worker-service",
    .summary = "fetches jobs from Faktory and does them",
    .version = version,
    .vars = vars,
    .n_vars = sizeof vars / sizeof vars[0],
    .check = check,
    .health = health,
};

/* ---- what is made of them ---- */

static int split_queues(struct worker_config *c)
{
    char *rest = NULL;

    if (!(c->queue_text = strdup(c->queues)))
        return ERR_NOMEM;
    for (char *name = strtok_r(c->queue_text, ",", &rest); name && c->n_queues < WORKER_QUEUES_MAX;
         name = strtok_r(NULL, ",", &rest))
        c->queue_names[c->n_queues++] = name;
    return 0;
}

static int write_labels(struct worker_config *c)
{
    const char *at = *c->labels ? c->labels : NULL, *name;
    size_t len;

    buf_add_char(&c->label_json, '[');
    while (next_name(&at, &name, &len)) {
        if (c->label_json.len > 1)
            buf_add_char(&c->label_json, ',');
        json_write_string(&c->label_json, name, len);
    }
    buf_add_char(&c->label_json, ']');
    return c->label_json.failed ? ERR_NOMEM : 0;
}

int worker_config_finish(struct worker_config *c, struct err_text *why)
{
    int code = url_parse_with(c->faktory_url, c->faktory_password.text, &c->faktory.url, why);

    if (code != 0)
        return code;
    if (split_queues(c) != 0 || write_labels(c) != 0)
        return err_set(why, ERR_NOMEM, "out of memory");
    return 0;
}

void worker_config_fini(struct worker_config *c)
{
    free(c->queue_text);
    buf_fini(&c->label_json);
    *c = (struct worker_config){0};
}
