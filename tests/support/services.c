// SPDX-License-Identifier: MIT
#include "tests/support/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "tests/support/faktory_server.h"
#include "tests/support/http_client.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum {
    READY_TIMEOUT_MS = 30000,
    STOP_TIMEOUT_MS = 60000, /* longer than any shutdown time-out that a test sets */
    PROBE_TIMEOUT_MS = 5000,
    ENV_MAX = 64,
    ARGS_MAX = 32,
    PATH_BYTES = 512,
};

struct service {
    struct tempdir dir;
    struct process *process;
    int port;
};

/* Whatever the tester has set for programs of ours. */
static const char *const ours[] = {"FAKTORY_*",  "BATCH_*",   "WORKER_*",  "API_*",
                                   "LOG_*",      "HTTP_*",    "BIND_ADDR", "DATA_DIR",
                                   "WF_API_URL", "WF_TIMEOUT"};

/* build/MODE/bin/<program>, or false when nobody knows where that is. */
static bool find_program(const char *program, char out[PATH_BYTES])
{
    const char *build = getenv("WF_BUILD");
    char self[PATH_BYTES];
    ssize_t n;
    char *tests;

    if (!build || !*build) {
        n = readlink("/proc/self/exe", self, sizeof self - 1);
        self[n > 0 ? n : 0] = '\0';
        if (!(tests = strstr(self, "/tests/")))
            return false;
        *tests = '\0';
        build = self;
    }
    return snprintf(out, PATH_BYTES, "%s/bin/%s", build, program) < PATH_BYTES;
}

static int launch(struct service *s, const char *program, const char *const *args, const char *url,
                  const char *const *env, struct err_text *why)
{
    char path[PATH_BYTES], log[TEMPDIR_MAX + 16], data[TEMPDIR_MAX + 32], faktory[300];
    const char *argv[ARGS_MAX + 2] = {path}, *changes[ENV_MAX + 16];
    struct process_options options = {.argv = argv, .env = changes, .log_path = log};
    size_t n = 0;

    if (!find_program(program, path))
        return err_set(why, ERR_ABSENT, "WF_BUILD is not set and the program is not in a build");
    snprintf(log, sizeof log, "%s/log", s->dir.path);
    snprintf(data, sizeof data, "DATA_DIR=%s/data", s->dir.path);
    snprintf(faktory, sizeof faktory, "FAKTORY_URL=%s", url ? url : "");
    for (; n < sizeof ours / sizeof ours[0]; n++)
        changes[n] = ours[n];
    changes[n++] = data;
    changes[n++] = "BIND_ADDR=127.0.0.1:0";
    changes[n++] = "WORKER_METRICS_ADDR=127.0.0.1:0";
    if (url)
        changes[n++] = faktory;
    for (size_t i = 0; env && env[i] && i < ENV_MAX; i++)
        changes[n++] = env[i];
    changes[n] = NULL;
    for (size_t i = 0; args && args[i] && i < ARGS_MAX; i++)
        argv[i + 1] = args[i];
    s->process = process_start(&options, why);
    return s->process ? 0 : ERR_IO;
}

struct service *service_start(const char *program, const char *const *args, const char *url,
                              const char *const *env, struct err_text *why)
{
    struct service *s = calloc(1, sizeof *s);

    if (s && tempdir_init(&s->dir, why) == 0 && launch(s, program, args, url, env, why) == 0)
        return s;
    service_free(s);
    return NULL;
}

int service_wait_port(struct service *s, const char *what, int timeout_ms)
{
    char line[64];
    char *text = NULL, *at;
    int port = 0;

    snprintf(line, sizeof line, "%s on 127.0.0.1:", what);
    if (process_has_logged(s->process, line, timeout_ms))
        text = process_output(s->process);
    if (text && (at = strstr(text, line)) != NULL)
        port = (int)strtol(at + strlen(line), NULL, 10);
    free(text);
    return port;
}

static bool ready_or_ended(void *arg)
{
    struct service *s = arg;
    char url[64];
    struct http_call call = {.url = url, .timeout_ms = PROBE_TIMEOUT_MS};
    struct http_answer answer;
    bool ready;

    if (!process_alive(s->process))
        return true;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/ready", s->port);
    if (http_request(&call, &answer, NULL) != 0)
        return false;
    ready = answer.status == 200;
    http_answer_fini(&answer);
    return ready;
}

/* Shows the log of a service that did not get ready, and gives it up. */
static struct service *give_up(struct service *s, const char *what, struct err_text *why)
{
    char *log = process_output(s->process);
    int status = 0;

    if (process_wait(s->process, 0, &status) == 0)
        err_set(why, ERR_IO, "it ended with status %d before it was %s", status, what);
    else
        err_set(why, ERR_TIMEOUT, "it was not %s within %d s", what, READY_TIMEOUT_MS / 1000);
    fprintf(stderr, "--- its log:\n%s---\n", log ? log : "");
    free(log);
    service_free(s);
    return NULL;
}

struct service *service_start_api(const struct faktory_server *faktory, const char *const *env,
                                  struct err_text *why)
{
    struct service *s = service_start("api-service", NULL, faktory_server_url(faktory), env, why);

    if (!s)
        return NULL;
    s->port = service_wait_port(s, "listening", READY_TIMEOUT_MS);
    if (s->port == 0)
        return give_up(s, "listening", why);
    if (!wait_until(ready_or_ended, s, READY_TIMEOUT_MS) || !process_alive(s->process))
        return give_up(s, "ready", why);
    return s;
}

struct service *service_start_worker(const struct faktory_server *faktory, const char *const *env,
                                     struct err_text *why)
{
    struct service *s =
        service_start("worker-service", NULL, faktory_server_url(faktory), env, why);

    if (!s)
        return NULL;
    if (!process_has_logged(s->process, "Worker connected and ready", READY_TIMEOUT_MS))
        return give_up(s, "ready", why);
    s->port = service_wait_port(s, "metrics", 0);
    return s;
}

int service_port(const struct service *s)
{
    return s->port;
}

struct process *service_process(struct service *s)
{
    return s->process;
}

int service_stop(struct service *s)
{
    return process_stop(s->process, STOP_TIMEOUT_MS);
}

void service_free(struct service *s)
{
    if (!s)
        return;
    process_free(s->process);
    tempdir_fini(&s->dir);
    free(s);
}
