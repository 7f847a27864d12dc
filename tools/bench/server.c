// SPDX-License-Identifier: MIT
#include "tools/bench/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/json/json.h"
#include "tools/bench/child.h"

enum {
    START_TIMEOUT_MS = 20000,
    STOP_TIMEOUT_MS = 15000,
    REDIS_PATIENCE_MS = 3000,
    PATH_BYTES = BENCH_PATH_MAX + 32
};

#define REDIS "redis-server"

struct server {
    const struct bench *bench;
    struct child *child;
    pid_t pid, redis;
    char dir[PATH_BYTES];
    char url[80];
    struct faktory_settings settings;
    struct faktory *talk;
    long long asked; /* INFOs */
};

static int free_port(const char *host)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0;

    inet_pton(AF_INET, host, &at.sin_addr);
    if (s >= 0 && bind(s, (struct sockaddr *)&at, sizeof at) == 0 &&
        getsockname(s, (struct sockaddr *)&at, &len) == 0)
        port = ntohs(at.sin_port);
    if (s >= 0)
        close(s);
    return port;
}

static int launch(struct server *s, struct err_text *why)
{
    const char *host = wire_far_host(s->bench->wire);
    char bind[64], db[PATH_BYTES + 8], conf[PATH_BYTES + 8], log[PATH_BYTES + 16];
    const char *argv[] = {s->bench->faktory_bin,
                          "-b",
                          bind,
                          "-w",
                          ":0",
                          "-e",
                          "development",
                          "-l",
                          "warn",
                          "-d",
                          db,
                          "-c",
                          conf,
                          NULL};
    struct child_options options = {
        .argv = argv, .log_path = log, .netns = wire_far_netns(s->bench->wire)};

    wire_go_far(s->bench->wire);
    snprintf(bind, sizeof bind, "%s:%d", host, free_port(host));
    wire_go_near(s->bench->wire);
    snprintf(s->url, sizeof s->url, "tcp://%s", bind);
    snprintf(db, sizeof db, "%s/db", s->dir);
    snprintf(conf, sizeof conf, "%s/conf", s->dir);
    snprintf(log, sizeof log, "%s/faktory.log", s->dir);
    if (!(s->child = child_start(&options, why)))
        return ERR_IO;
    s->pid = child_pid(s->child);
    return url_parse(s->url, &s->settings.url, why);
}

/* Up is who shakes hands. */
static int await_up(struct server *s, struct err_text *why)
{
    int64_t deadline = clock_ms() + START_TIMEOUT_MS;

    while (!s->talk && clock_ms() < deadline && child_alive(s->child) &&
           bench_sleep_until(clock_us() + 50000)) {
        wire_go_far(s->bench->wire);
        s->talk = faktory_connect(&s->settings, NULL, NULL, why);
        wire_go_near(s->bench->wire);
    }
    if (!s->talk)
        return ERR_IO;
    s->redis = process_child(s->pid, REDIS);
    return 0;
}

struct server *server_start(const struct bench *b, struct err_text *why)
{
    struct server *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->bench = b;
    s->settings.net = (struct net_options){.connect_ms = 5000,
                                           .read_ms = 30000,
                                           .write_ms = 30000,
                                           .keepalive_idle_ms = 60000,
                                           .keepalive_interval_ms = 10000,
                                           .keepalive_count = 3};
    snprintf(s->dir, sizeof s->dir, "%s/faktory-XXXXXX", b->dir);
    if (!mkdtemp(s->dir)) {
        err_set(why, ERR_IO, "%s: %s", s->dir, strerror(errno));
        free(s);
        return NULL;
    }
    if (launch(s, why) == 0 && await_up(s, why) == 0)
        return s;
    server_stop(s);
    return NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

/* Redis saves and ends when Faktory does, unless it was just being started, or cannot save. It is
 * not our child; its folder is what tells it from others. */
static void await_redis_end(const struct server *s)
{
    int64_t ask = clock_ms() + REDIS_PATIENCE_MS, kill_at = clock_ms() + STOP_TIMEOUT_MS;
    pid_t redis;

    while ((redis = process_with(REDIS, s->dir)) > 0) {
        if (clock_ms() > ask) {
            kill(redis, clock_ms() > kill_at ? SIGKILL : SIGTERM);
            ask = clock_ms() + REDIS_PATIENCE_MS;
        }
        usleep(20000);
    }
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    faktory_close(s->talk);
    child_stop(s->child, STOP_TIMEOUT_MS);
    await_redis_end(s);
    nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(s);
}

const char *server_url(const struct server *s)
{
    return s->url;
}

const char *server_port(const struct server *s)
{
    return s->settings.url.port;
}

const struct faktory_settings *server_settings(const struct server *s)
{
    return &s->settings;
}

int64_t server_cpu_us(const struct server *s)
{
    return process_cpu_us(s->pid) + process_cpu_us(s->redis);
}

/* ---- INFO ---- */

static const struct {
    const char *path[3];
    size_t offset;
} numbers[] = {
    {{"faktory", "total_processed", NULL}, offsetof(struct server_info, processed)},
    {{"faktory", "total_failures", NULL}, offsetof(struct server_info, failures)},
    {{"faktory", "total_enqueued", NULL}, offsetof(struct server_info, enqueued)},
    {{"faktory", "sets", "working"}, offsetof(struct server_info, working)},
    {{"faktory", "sets", "retries"}, offsetof(struct server_info, retries)},
    {{"faktory", "sets", "dead"}, offsetof(struct server_info, dead)},
    {{"faktory", "sets", "scheduled"}, offsetof(struct server_info, scheduled)},
    {{"server", "connections", NULL}, offsetof(struct server_info, connections)},
    {{"server", "command_count", NULL}, offsetof(struct server_info, commands)},
};

static int read_info(const struct resp_reply *reply, struct server_info *info, struct err_text *why)
{
    struct json_slice root;

    if (reply->kind != RESP_BULK || json_check(reply->text, reply->len, &root, why) != 0)
        return err_set(why, ERR_PROTOCOL, "INFO was not answered with JSON");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct json_slice v = root;
        int64_t n = 0;

        for (int k = 0; k < 3 && numbers[i].path[k] && v.len > 0; k++)
            v = json_member(v, numbers[i].path[k]);
        if (v.len == 0 || json_read_int64(v, &n) != 0)
            return err_set(why, ERR_PROTOCOL, "INFO has no %s", numbers[i].path[1]);
        *(long long *)((char *)info + numbers[i].offset) = n;
    }
    return 0;
}

int server_info(struct server *s, struct server_info *info, struct err_text *why)
{
    struct resp_reply reply;
    int code = faktory_call(s->talk, "INFO", &reply, why);

    if (code != 0)
        return code;
    info->at_us = clock_us();
    s->asked++;
    if ((code = read_info(&reply, info, why)) == 0) {
        info->commands -= s->asked + 1; /* and its HELLO */
        info->connections--;
    }
    return code;
}
