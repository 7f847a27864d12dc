// SPDX-License-Identifier: MIT
#include "tools/bench/contest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tools/bench/scrape.h"

enum { START_TIMEOUT_MS = 15000, END_TIMEOUT_MS = 30000, PATH_BYTES = BENCH_PATH_MAX + 64 };

static const struct {
    const char *who, *program;
    bool ours;
} workers[] = {
    {"ours", "worker-service", true},
    {"go", "go-worker", false},
    {"rust", "rust-worker", false},
};

/* The program's path; false when nobody is called so. */
static bool find(const struct bench *b, const char *who, char path[PATH_BYTES])
{
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++)
        if (strcmp(workers[i].who, who) == 0) {
            snprintf(path, PATH_BYTES, "%s/%s", workers[i].ours ? b->services : b->peers,
                     workers[i].program);
            return true;
        }
    return false;
}

bool contest_has(const struct bench *b, const char *who)
{
    char path[PATH_BYTES];

    return !find(b, who, path) || access(path, X_OK) == 0;
}

struct child *contest_worker(const struct bench *b, const char *who, unsigned slots,
                             const char *setting, const char *faktory_url, unsigned number,
                             struct err_text *why)
{
    char path[PATH_BYTES], log[PATH_BYTES], url[96], size[16], concurrency[48];
    const char *argv[] = {path, strcmp(who, "ours") == 0 ? NULL : size, NULL};
    const char *env[] = {url, concurrency, setting, NULL};
    struct child_options options = {.argv = argv, .env = env, .log_path = log, .netns = -1};

    if (!find(b, who, path)) {
        err_set(why, ERR_INVALID, "there is no worker called %s", who);
        return NULL;
    }
    snprintf(log, sizeof log, "%s/worker-%u.log", b->dir, number);
    snprintf(url, sizeof url, "FAKTORY_URL=%s", faktory_url);
    snprintf(size, sizeof size, "%u", slots);
    snprintf(concurrency, sizeof concurrency, "WORKER_CONCURRENCY=%u", slots);
    return child_start(&options, why);
}

struct child *contest_open_worker(const struct bench *b, unsigned slots, const char *faktory_url,
                                  char port[CONTEST_PORT_MAX], struct err_text *why)
{
    struct child *c =
        contest_worker(b, "ours", slots, "WORKER_METRICS_ADDR=127.0.0.1:0", faktory_url, 0, why);

    if (c && child_wait_line(c, "metrics on 127.0.0.1:", port, CONTEST_PORT_MAX, START_TIMEOUT_MS,
                             why) != 0) {
        child_stop(c, 0);
        c = NULL;
    }
    return c;
}

int contest_end(const char *who, struct child *worker, struct err_text *why)
{
    bool ours = strcmp(who, "ours") == 0;
    int status = child_stop(worker, ours ? END_TIMEOUT_MS : 3000);

    if (ours && status != 0)
        return err_set(why, ERR_IO, "worker-service ended with status %d", status);
    return 0;
}

int contest_api_start(const struct bench *b, const char *faktory_url, struct contest_api *api,
                      struct err_text *why)
{
    char path[PATH_BYTES], log[PATH_BYTES], url[96];
    const char *argv[] = {path, NULL};
    const char *env[] = {url, "BIND_ADDR=127.0.0.1:0", NULL};
    struct child_options options = {.argv = argv, .env = env, .log_path = log, .netns = -1};
    int64_t deadline = clock_ms() + START_TIMEOUT_MS;
    int code;

    snprintf(path, sizeof path, "%s/api-service", b->services);
    snprintf(log, sizeof log, "%s/api.log", b->dir);
    snprintf(url, sizeof url, "FAKTORY_URL=%s", faktory_url);
    if (!(api->child = child_start(&options, why)))
        return ERR_IO;
    if ((code = child_wait_line(api->child, "listening on 127.0.0.1:", api->port, sizeof api->port,
                                START_TIMEOUT_MS, why)) != 0)
        return code;
    while (!scrape_ready(api->port, "/ready"))
        if (clock_ms() > deadline || !bench_sleep_until(clock_us() + 20000))
            return err_set(why, ERR_TIMEOUT, "api-service does not get ready");
    return 0;
}

int contest_api_end(struct contest_api *api, struct err_text *why)
{
    int status = child_stop(api->child, END_TIMEOUT_MS);

    api->child = NULL;
    return status == 0 ? 0 : err_set(why, ERR_IO, "api-service ended with status %d", status);
}
