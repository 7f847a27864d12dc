// SPDX-License-Identifier: MIT
/*
 * worker_fixture - a private Faktory and a worker on it, for the tests of the worker. One of each a
 * test; worker_fixture_teardown() ends both. Each test program includes this once.
 */
#ifndef TESTS_INTEGRATION_WORKER_FIXTURE_H
#define TESTS_INTEGRATION_WORKER_FIXTURE_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "tests/support/faktory_server.h"
#include "tests/support/faktory_talk.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"
#include "tests/support/services.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 15000, LONG_MS = 60000, PUSH_MAX = 250 };

static struct faktory_server *faktory;
static struct service *worker;
static unsigned pushed; /* makes jids */

static void worker_fixture_teardown(void)
{
    service_free(worker);
    worker = NULL;
    faktory_server_free(faktory);
    faktory = NULL;
    pushed = 0;
}

static bool start_faktory(const struct faktory_options *options)
{
    faktory = faktory_server_for_test(options);
    return faktory != NULL;
}

static void show_log(void)
{
    char *log = process_output(service_process(worker));

    fprintf(stderr, "--- log of the worker:\n%s---\n", log ? log : "");
    free(log);
}

/* Has the worker logged this, or does it within the time? Shows its log if not. */
static bool logs_within(const char *text, int64_t timeout_ms)
{
    if (process_has_logged(service_process(worker), text, timeout_ms))
        return true;
    fprintf(stderr, "not logged: %s\n", text);
    show_log();
    return false;
}

static bool logged(const char *text)
{
    char *log = process_output(service_process(worker));
    bool found = log && strstr(log, text);

    free(log);
    return found;
}

/* Starts "worker-service" or "slow_worker"; waits until it is connected. */
static bool start_worker(const char *program, const char *const *env)
{
    struct err_text why = {""};

    worker = service_start(program, NULL, faktory_server_url(faktory), env, &why);
    if (!worker)
        fprintf(stderr, "%s\n", why.text);
    CU_ASSERT_PTR_NOT_NULL(worker);
    if (!worker)
        return false;
    bool ready = logs_within("Worker connected and ready", LONG_MS);

    CU_ASSERT(ready);
    return ready;
}

/* Stores `n` jobs in the queue, in a few commands. `args` is a JSON array, `more` further members
 * (",\"retry\":0"); retry and reserve_for are said unless `more` begins with "!". */
static void push_to(const char *queue, const char *type, const char *args, int n, const char *more)
{
    struct faktory_talk *talk = faktory_talk_open(faktory_server_port(faktory),
                                                  faktory_server_password(faktory), NULL, NULL);
    bool bare = more[0] == '!';
    int left = n;

    CU_ASSERT_PTR_NOT_NULL_FATAL(talk);
    while (left > 0) {
        struct buf line = BUF_INIT(0);
        char *reply;

        buf_add_str(&line, "PUSHB [");
        for (int i = 0; i < PUSH_MAX && left > 0; i++, left--)
            buf_addf(&line,
                     "%s{\"jid\":\"worker-test-%08u\",\"jobtype\":\"%s\",\"queue\":\"%s\","
                     "\"args\":%s%s%s}",
                     i > 0 ? "," : "", ++pushed, type, queue, args,
                     bare ? "" : ",\"retry\":25,\"reserve_for\":600", bare ? more + 1 : more);
        buf_add_char(&line, ']');
        reply = faktory_talk_command(talk, buf_str(&line));
        CU_ASSERT(reply && strcmp(reply, "{}") == 0);
        if (reply && strcmp(reply, "{}") != 0)
            fprintf(stderr, "%s\n", reply);
        free(reply);
        buf_fini(&line);
    }
    faktory_talk_close(talk);
}

static void push(const char *type, const char *args, int n)
{
    push_to("default", type, args, n, "");
}

static struct faktory_info info(void)
{
    struct faktory_info now;
    struct err_text why = {""};
    int code = faktory_server_info(faktory, &now, &why);

    if (code != 0)
        fprintf(stderr, "INFO: %s\n", why.text);
    CU_ASSERT_EQUAL(code, 0);
    return now;
}

static bool processed_reached(const struct faktory_info *now, void *arg)
{
    return now->total_processed >= *(const long long *)arg;
}

/* Waits until Faktory says that so many jobs were processed (done or failed). */
static bool wait_processed(long long n, int timeout_ms)
{
    struct faktory_info last;

    if (faktory_server_wait(faktory, processed_reached, &n, timeout_ms, &last))
        return true;
    fprintf(stderr, "processed %lld of %lld, enqueued %lld, working %lld\n", last.total_processed,
            n, last.enqueued, last.working);
    show_log();
    return false;
}

static bool working_reached(const struct faktory_info *now, void *arg)
{
    return now->working >= *(const long long *)arg;
}

static bool wait_working(long long n)
{
    return faktory_server_wait(faktory, working_reached, &n, SHORT_MS, NULL);
}

/* GET of the worker's own page: the status; the body is malloc'd in *body (may be NULL). */
static int page(const char *path, char **body)
{
    int port = service_wait_port(worker, "metrics", SHORT_MS);
    struct http_answer answer;
    char url[96];
    struct http_call call = {.url = url};

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    if (http_request(&call, &answer, NULL) != 0)
        return 0;
    if (body)
        *body = strdup(answer.body);
    int status = answer.status;

    http_answer_fini(&answer);
    return status;
}

static bool page_says(const char *path, const char *text)
{
    char *body = NULL;
    bool found;

    (void)page(path, &body);
    found = body && strstr(body, text);
    if (!found)
        fprintf(stderr, "%s without %s: %s\n", path, text, body ? body : "");
    free(body);
    return found;
}

/* SIGTERM (already sent when `sent`), and how it ended; *took_ms (may be NULL) is how long that
 * took. */
static int ended(int signal_number, int64_t *took_ms)
{
    int64_t began = clock_ms();
    int status = -1;

    if (signal_number)
        CU_ASSERT_EQUAL(process_signal(service_process(worker), signal_number), 0);
    if (process_wait(service_process(worker), LONG_MS, &status) != 0)
        show_log();
    if (took_ms)
        *took_ms = clock_ms() - began;
    return status;
}

#endif
