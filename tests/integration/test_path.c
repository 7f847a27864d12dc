// SPDX-License-Identifier: MIT
/*
 * The whole path with the real programs: HTTP in, Faktory, worker. The ids that were answered are
 * held against the ids that the worker says it has done, one by one.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/support/faktory_server.h"
#include "tests/support/http_client.h"
#include "tests/support/http_load.h"
#include "tests/support/process.h"
#include "tests/support/services.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum { LONG_MS = 120000, JID_LEN = 24, BATCH = 500 };

static struct faktory_server *faktory;
static struct service *api, *worker;

static void teardown(void)
{
    service_free(worker);
    service_free(api);
    faktory_server_free(faktory);
    worker = api = NULL;
    faktory = NULL;
}

static bool start_worker(void)
{
    static const char *const env[] = {"LOG_LEVEL=debug", NULL};

    worker = service_start_worker(faktory, env, NULL);
    CU_ASSERT_PTR_NOT_NULL(worker);
    return worker != NULL;
}

static bool start(bool with_worker)
{
    if (!(faktory = faktory_server_for_test(NULL)))
        return false;
    api = service_start_api(faktory, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL(api);
    return api && (!with_worker || start_worker());
}

/* ---- sets of ids ---- */

struct ids {
    char (*list)[JID_LEN + 1];
    size_t n, room;
};

static void ids_add(struct ids *ids, const char *jid)
{
    if (ids->n == ids->room) {
        ids->room = ids->room ? 2 * ids->room : 1024;
        ids->list = realloc(ids->list, ids->room * sizeof *ids->list);
        CU_ASSERT_PTR_NOT_NULL_FATAL(ids->list);
    }
    memcpy(ids->list[ids->n], jid, JID_LEN);
    ids->list[ids->n++][JID_LEN] = '\0';
}

/* Adds what stands behind each `mark` in the text: a jid. */
static void ids_add_all(struct ids *ids, const char *text, const char *mark)
{
    for (const char *at = text; (at = strstr(at, mark)) != NULL;) {
        at += strlen(mark);
        if (strspn(at, "0123456789abcdef") >= JID_LEN)
            ids_add(ids, at);
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, JID_LEN);
}

static void ids_sort(struct ids *ids)
{
    if (ids->n > 0)
        qsort(ids->list, ids->n, sizeof *ids->list, compare);
}

static size_t ids_twice(const struct ids *sorted)
{
    size_t n = 0;

    for (size_t i = 1; i < sorted->n; i++)
        n += compare(sorted->list[i - 1], sorted->list[i]) == 0;
    return n;
}

/* How many of `wanted` are not in `found`; both sorted. */
static size_t ids_missing(const struct ids *wanted, const struct ids *found)
{
    size_t missing = 0;

    for (size_t i = 0; i < wanted->n; i++)
        missing += found->n == 0 ||
                   !bsearch(wanted->list[i], found->list, found->n, sizeof *found->list, compare);
    return missing;
}

/* The ids that the worker's log calls done. */
static struct ids done_ids(void)
{
    struct ids done = {NULL, 0, 0};
    char *log = process_output(service_process(worker));

    ids_add_all(&done, log ? log : "", "job done jid=");
    free(log);
    ids_sort(&done);
    return done;
}

static bool all_done(void *answered)
{
    struct ids done = done_ids();
    bool all = ids_missing(answered, &done) == 0;

    free(done.list);
    return all;
}

/* ---- load ---- */

static void make_add(int n, struct buf *path, struct buf *body, void *arg)
{
    (void)arg;
    buf_add_str(path, "/jobs/add");
    buf_addf(body, "{\"a\":%d,\"b\":0.5}", n);
}

static void make_batch(int n, struct buf *path, struct buf *body, void *arg)
{
    (void)arg;
    buf_add_str(path, "/jobs/batch");
    buf_add_str(body, "{\"jobs\":[");
    for (int i = 0; i < BATCH; i++)
        buf_addf(body, "%s{\"operation\":\"multiply\",\"a\":%d,\"b\":-2}", i ? "," : "",
                 n * BATCH + i);
    buf_add_str(body, "]}");
}

/* Adds the ids of all answers with 202 and returns how many of those there were. */
static int collect(const struct http_load_answer *answers, int n, struct ids *ids)
{
    int good = 0;

    for (int i = 0; i < n; i++) {
        const char *list;

        if (answers[i].status != 202)
            continue;
        good++;
        ids_add_all(ids, answers[i].body, "\"job_id\":\"");
        list = strstr(answers[i].body, "\"job_ids\":");
        for (; list && (list = strchr(list, '"')) != NULL; list++)
            if (strspn(list + 1, "0123456789abcdef") == JID_LEN)
                ids_add(ids, list + 1);
    }
    ids_sort(ids);
    return good;
}

static int send_all(int connections, int requests,
                    void (*make)(int, struct buf *, struct buf *, void *), struct ids *ids)
{
    struct http_load load = {
        .port = service_port(api), .connections = connections, .requests = requests, .make = make};
    struct http_load_run *run = http_load_start(&load);
    int good;

    CU_ASSERT_PTR_NOT_NULL_FATAL(run);
    good = collect(http_load_finish(run), requests, ids);
    http_load_free(run);
    return good;
}

/* ---- the tests ---- */

static bool processed(const struct faktory_info *info, void *arg)
{
    return info->total_processed >= *(int *)arg && info->working == 0;
}

static void test_twenty_thousand(void)
{
    enum { SINGLE = 10000, BATCHES = 20 };
    struct ids answered = {NULL, 0, 0}, done;
    struct faktory_info info = {0};
    int all = SINGLE + BATCHES * BATCH;

    if (!start(false))
        return;
    CU_ASSERT_EQUAL(send_all(64, SINGLE, make_add, &answered), SINGLE);
    CU_ASSERT_EQUAL(send_all(4, BATCHES, make_batch, &answered), BATCHES);
    CU_ASSERT_EQUAL(answered.n, (size_t)all);
    CU_ASSERT_EQUAL(ids_twice(&answered), 0);
    if (!start_worker())
        return;
    CU_ASSERT(faktory_server_wait(faktory, processed, &all, LONG_MS, &info));
    CU_ASSERT_EQUAL(info.total_processed, all);
    CU_ASSERT_EQUAL(info.total_failures, 0);
    done = done_ids();
    CU_ASSERT_EQUAL(done.n, (size_t)all);
    CU_ASSERT_EQUAL(ids_twice(&done), 0);
    CU_ASSERT_EQUAL(ids_missing(&answered, &done), 0);
    CU_ASSERT_EQUAL(service_stop(worker), 0);
    free(done.list);
    free(answered.list);
}

/* While Faktory is down: 503, with Retry-After, and the word that nothing was stored. */
static bool refused(void *arg)
{
    char url[64], value[16];
    struct http_answer answer;
    struct http_call call = {.method = "POST", .url = url, .body = "{\"a\":1,\"b\":2}"};
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    bool good;

    (void)arg;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/jobs/add", service_port(api));
    call.headers = headers;
    if (http_request(&call, &answer, NULL) != 0)
        return false;
    good = answer.status == 503 && strstr(answer.body, "\"stored\":\"no\"") &&
           http_answer_header(&answer, "Retry-After", value, sizeof value) && atoi(value) >= 1;
    http_answer_fini(&answer);
    return good;
}

struct progress {
    struct http_load_run *run;
    int least;
};

static bool far_enough(void *arg)
{
    const struct progress *p = arg;

    return http_load_progress(p->run) >= p->least;
}

/* Load from 32 connections during which Faktory goes by `go` and comes back; returns the answers.
 */
static void go_under_load(int (*go)(struct faktory_server *s), struct ids *answered)
{
    enum { REQUESTS = 60000, BEFORE = 2000 };
    struct http_load load = {
        .port = service_port(api), .connections = 32, .requests = REQUESTS, .make = make_add};
    struct progress p = {http_load_start(&load), BEFORE};

    CU_ASSERT_PTR_NOT_NULL_FATAL(p.run);
    CU_ASSERT(wait_until(far_enough, &p, LONG_MS));
    CU_ASSERT_EQUAL(go(faktory), 0);
    CU_ASSERT(wait_until(refused, NULL, LONG_MS));
    CU_ASSERT_EQUAL(faktory_server_restart(faktory, NULL), 0);
    http_load_stop(p.run);
    CU_ASSERT(collect(http_load_finish(p.run), REQUESTS, answered) >= BEFORE / 2);
    http_load_free(p.run);
    /* it stores again by itself */
    for (int64_t until = clock_ms() + LONG_MS; clock_ms() < until;)
        if (send_all(1, 1, make_add, answered) == 1)
            break;
    CU_ASSERT_EQUAL(send_all(8, 500, make_add, answered), 500);
}

/* A clean restart while jobs come in and are worked off: nothing that was answered is lost. */
static void test_restart_under_load(void)
{
    struct ids answered = {NULL, 0, 0};

    if (!start(true))
        return;
    go_under_load(faktory_server_stop, &answered);
    CU_ASSERT(wait_until(all_done, &answered, LONG_MS));
    CU_ASSERT_EQUAL(service_stop(worker), 0);
    free(answered.list);
}

/*
 * The same by SIGKILL. The worker starts afterwards: a Faktory that is killed between taking a job
 * from its queue and noting the reservation loses it, whatever its clients do.
 */
static void test_kill_under_load(void)
{
    struct ids answered = {NULL, 0, 0};

    if (!start(false))
        return;
    go_under_load(faktory_server_kill, &answered);
    if (start_worker())
        CU_ASSERT(wait_until(all_done, &answered, LONG_MS));
    free(answered.list);
}

/* A busy worker that is told to stop leaves nothing reserved, and nothing is lost. */
static void test_stop_busy_worker(void)
{
    enum { JOBS = 5000 };
    struct ids answered = {NULL, 0, 0}, done;
    struct faktory_info info = {0};

    if (!start(true))
        return;
    CU_ASSERT_EQUAL(send_all(4, JOBS / BATCH, make_batch, &answered), JOBS / BATCH);
    CU_ASSERT_EQUAL(service_stop(worker), 0);
    CU_ASSERT_EQUAL(faktory_server_info(faktory, &info, NULL), 0);
    CU_ASSERT_EQUAL(info.working, 0);
    CU_ASSERT_EQUAL(info.retries + info.dead, 0);
    done = done_ids();
    CU_ASSERT_EQUAL(done.n + (size_t)info.enqueued, (size_t)JOBS);
    CU_ASSERT_EQUAL(ids_twice(&done), 0);
    free(done.list);
    free(answered.list);
}

static const struct suite_test tests[] = {
    {"20,000 jobs, one by one and in batches, are done under the ids that were answered",
     test_twenty_thousand},
    {"a restart of Faktory under load loses no answered job", test_restart_under_load},
    {"a crash of Faktory under load loses no answered job", test_kill_under_load},
    {"a busy worker that is stopped leaves nothing reserved and nothing lost",
     test_stop_busy_worker},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "path", tests, SUITE_COUNT(tests), NULL, teardown);
}
