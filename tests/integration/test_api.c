// SPDX-License-Identifier: MIT
/*
 * The API as its users meet it: the real program, over HTTP, with a real Faktory behind it. A test
 * that begins with D and a number would fail on that defect of the system that came before.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/json/json.h"
#include "tests/fault/peer.h"
#include "tests/support/faktory_server.h"
#include "tests/support/faktory_talk.h"
#include "tests/support/http_client.h"
#include "tests/support/http_load.h"
#include "tests/support/process.h"
#include "tests/support/procfs.h"
#include "tests/support/raw_http.h"
#include "tests/support/services.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 10000, LONG_MS = 40000, ID_MAX = 40 };

#define ADD "{\"a\":1,\"b\":2}"

static struct faktory_server *faktory;
static struct service *api;
static struct http_answer answer; /* the last one */

static void teardown(void)
{
    http_answer_fini(&answer);
    memset(&answer, 0, sizeof answer);
    service_free(api);
    api = NULL;
    faktory_server_free(faktory);
    faktory = NULL;
}

static bool start_faktory(const struct faktory_options *options)
{
    struct err_text why = {""};

    if (faktory_server_missing()) {
        suite_skip(faktory_server_missing());
        return false;
    }
    faktory = faktory_server_start(options, &why);
    if (!faktory)
        fprintf(stderr, "%s\n", why.text);
    CU_ASSERT_PTR_NOT_NULL(faktory);
    return faktory != NULL;
}

/* Both, ready. False after having skipped or failed. */
static bool start(const char *const *env)
{
    struct err_text why = {""};

    if (!start_faktory(NULL))
        return false;
    api = service_start_api(faktory, env, &why);
    if (!api)
        fprintf(stderr, "%s\n", why.text);
    CU_ASSERT_PTR_NOT_NULL(api);
    return api != NULL;
}

/* ---- one request ---- */

static int call(const char *method, const char *path, const char *body, const char *header)
{
    const char *headers[] = {header ? header : "Content-Type: application/json", NULL};
    char url[128];
    struct http_call c = {.method = method, .url = url, .headers = headers, .body = body};
    struct err_text why = {""};

    http_answer_fini(&answer);
    memset(&answer, 0, sizeof answer);
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", service_port(api), path);
    if (http_request(&c, &answer, &why) != 0) {
        fprintf(stderr, "%s: %s\n", path, why.text);
        return 0;
    }
    return answer.status;
}

static int get(const char *path)
{
    return call("GET", path, NULL, NULL);
}

static int post(const char *path, const char *body)
{
    return call("POST", path, body, NULL);
}

static bool says(const char *text)
{
    if (answer.body && strstr(answer.body, text))
        return true;
    fprintf(stderr, "expected %s in: %s\n", text, answer.body ? answer.body : "nothing");
    return false;
}

static struct json_slice parse(const char *text)
{
    struct json_slice root = {NULL, 0};

    CU_ASSERT_EQUAL(json_check(text, strlen(text), &root, NULL), 0);
    return root;
}

/* A string as text; "" for anything else. */
static void string_of(struct json_slice v, char out[ID_MAX])
{
    struct buf text = BUF_INIT(0);

    out[0] = '\0';
    if (v.len > 0 && json_read_string(v, &text) == 0)
        snprintf(out, ID_MAX, "%s", buf_str(&text));
    buf_fini(&text);
}

static long long number_of(struct json_slice v)
{
    int64_t n = -1;

    if (v.len == 0 || json_read_int64(v, &n) != 0)
        return -1;
    return n;
}

/* ---- ids: those that were answered, and those that are in the queue ---- */

struct ids {
    char (*at)[ID_MAX];
    size_t n, room;
};

static void ids_add(struct ids *ids, struct json_slice id)
{
    if (ids->n == ids->room) {
        ids->room = ids->room ? ids->room * 2 : 64;
        ids->at = realloc(ids->at, ids->room * sizeof ids->at[0]);
        if (!ids->at)
            abort();
    }
    string_of(id, ids->at[ids->n++]);
}

static void ids_add_all(struct ids *ids, struct json_slice array)
{
    struct json_iter it = json_iter(array);
    struct json_slice id;

    while (json_next_item(&it, &id))
        ids_add(ids, id);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Takes `n` jobs out of the queue and remembers their ids; their text goes to `texts` if wanted. */
static void fetch_ids(const char *queue, size_t n, struct ids *ids, struct buf *texts)
{
    struct faktory_talk *talk =
        faktory_talk_open(faktory_server_port(faktory), NULL, "test-api-fetcher", NULL);
    char line[80];

    CU_ASSERT_PTR_NOT_NULL_FATAL(talk);
    snprintf(line, sizeof line, "FETCH %s", queue);
    for (size_t i = 0; i < n; i++) {
        char *job = faktory_talk_command(talk, line);

        if (!job || job[0] != '{') {
            free(job);
            break;
        }
        ids_add(ids, json_member(parse(job), "jid"));
        if (texts)
            buf_addf(texts, "%s\n", job);
        free(job);
    }
    faktory_talk_close(talk);
}

static bool same_ids(struct ids *a, struct ids *b)
{
    bool same = a->n == b->n;

    qsort(a->at, a->n, sizeof a->at[0], by_text);
    qsort(b->at, b->n, sizeof b->at[0], by_text);
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->at[i], b->at[i]) == 0;
    if (!same)
        fprintf(stderr, "%zu ids answered, %zu in the queue, or others\n", a->n, b->n);
    return same;
}

/* Is each of a in b? */
static bool contains_ids(const struct ids *b, const struct ids *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (!bsearch(a->at[i], b->at, b->n, sizeof b->at[0], by_text))
            return false;
    return true;
}

static struct faktory_info info(void)
{
    struct faktory_info now;

    CU_ASSERT_EQUAL(faktory_server_info(faktory, &now, NULL), 0);
    return now;
}

/* ---- many requests ---- */

static void make_add(int n, struct buf *path, struct buf *body, void *arg)
{
    (void)arg;
    buf_add_str(path, "/jobs/add");
    buf_addf(body, "{\"a\":%d,\"b\":1}", n);
}

static struct http_load_run *load(int connections, int requests)
{
    struct http_load l = {.port = service_port(api),
                          .connections = connections,
                          .requests = requests,
                          .make = make_add};
    struct http_load_run *run = http_load_start(&l);

    CU_ASSERT_PTR_NOT_NULL_FATAL(run);
    return run;
}

static bool thousand_done(void *run)
{
    return http_load_progress(run) >= 1000;
}

/* Remembers the ids of the answers with 202; returns how many there were with `status`. */
static int collect(struct http_load_run *run, int requests, struct ids *ids, int status)
{
    const struct http_load_answer *a = http_load_finish(run);
    int n = 0;

    for (int i = 0; i < requests; i++) {
        n += a[i].status == status;
        if (ids && a[i].status == 202)
            ids_add(ids, json_member(parse(a[i].body), "job_id"));
    }
    return n;
}

/* So many requests; returns how many were answered with 202. */
static int send_adds(int connections, int requests)
{
    struct http_load_run *run = load(connections, requests);
    int stored = collect(run, requests, NULL, 202);

    http_load_free(run);
    return stored;
}

/* ---- what the calls answer ---- */

static const struct {
    const char *method, *path, *body;
    int status;
    const char *text;
} calls[] = {
    {"POST", "/jobs/add", "{\"a\":1.5,\"b\":2}", 202, "Job enqueued to add 1.5 + 2\""},
    {"POST", "/jobs/subtract", ADD, 202, "Job enqueued to subtract 1 - 2\""},
    {"POST", "/jobs/multiply", ADD, 202, "Job enqueued to multiply 1 \xc3\x97 2\""},
    {"POST", "/jobs/divide", "{\"a\":1,\"b\":0}", 202, "Job enqueued to divide 1 \xc3\xb7 0\""},
    {"POST", "/jobs", "{\"type\":\"t\",\"args\":[]}", 202, "\"job_id\":\""},
    {"POST", "/jobs/batch", "{\"jobs\":[{\"type\":\"Add\",\"args\":" ADD "}]}", 202,
     "\"count\":1,\"total_enqueued\":1"},
    /* D35: these three name the same thing, and the predecessor knew one of them here */
    {"POST", "/jobs/batch",
     "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},{\"type\":\"math_add\",\"args\":" ADD
     "},{\"type\":\"math_add\",\"args\":[" ADD "]}]}",
     202, "\"count\":3"},
    {"GET", "/health", NULL, 200, "\"status\":\"healthy\",\"service\":\"api-service\""},
    {"GET", "/ready", NULL, 200, "\"status\":\"ready\""},
    {"GET", "/stats", NULL, 200, "\"faktory\":{\"version\":\"1.9"},
    {"GET", "/metrics", NULL, 200, "\nwf_api_jobs_total{outcome=\"stored\"} "},
    /* D34: every error is JSON, those of the framework too */
    {"POST", "/jobs/add", "{\"a\":1", 400, "{\"error\":\""},
    {"POST", "/jobs/add", "{\"a\":\"1\",\"b\":2}", 400,
     "{\"error\":\"a: expected a number, got a string\"}"},
    {"POST", "/jobs", "{\"type\":\"t\",\"args\":[],\"queue\":\"working\"}", 400, "queue: "},
    {"POST", "/jobs", "{\"type\":\"t\",\"args\":[9007199254740993]}", 400, "as a string"},
    {"POST", "/jobs/batch", "{\"jobs\":[]}", 400, "at least one job"},
    {"POST", "/jobs/batch", "{\"jobs\":[{}]}", 400, "\"errors\":[{\"index\":0,"},
    {"GET", "/nothing", NULL, 404, "{\"error\":\""},
    {"GET", "/jobs/add", NULL, 405, "{\"error\":\""},
};

static void test_calls(void)
{
    char allow[32];

    if (!start(NULL))
        return;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int status = call(calls[i].method, calls[i].path, calls[i].body, NULL);

        if (status != calls[i].status)
            fprintf(stderr, "%s %s: %d\n", calls[i].method, calls[i].path, status);
        CU_ASSERT_EQUAL(status, calls[i].status);
        CU_ASSERT(says(calls[i].text));
    }
    CU_ASSERT_PTR_NOT_NULL(http_answer_header(&answer, "Allow", allow, sizeof allow));
    CU_ASSERT_EQUAL(call("POST", "/jobs/add", ADD, "Content-Type:"), 202);
    CU_ASSERT_EQUAL(call("POST", "/jobs/add", ADD, "Content-Type: text/html"), 415);
    CU_ASSERT(says("{\"error\":\""));
    CU_ASSERT_EQUAL(service_stop(api), 0);
}

/* D33: the limit was 2 MiB, written nowhere, and answered in plain text. */
static void test_body_limit(void)
{
    static const char *const env[] = {"API_BODY_MAX=64KiB", NULL};
    struct buf body = BUF_INIT(0);

    if (!start(env))
        return;
    buf_add_str(&body, "{\"type\":\"t\",\"args\":[\"");
    while (body.len < (64 << 10) - 8)
        buf_add_char(&body, 'x');
    buf_add_str(&body, "\"]}");
    CU_ASSERT_EQUAL(post("/jobs", buf_str(&body)), 202);
    buf_consume(&body, 4);
    buf_add_str(&body, "                ");
    CU_ASSERT_EQUAL(post("/jobs", buf_str(&body)), 413);
    CU_ASSERT(says("{\"error\":\""));
    buf_fini(&body);
}

static void test_default_limit(void)
{
    struct buf body = BUF_INIT(0);

    if (!start(NULL))
        return;
    buf_add_str(&body, "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2}");
    for (int i = 0; i < 9999; i++) /* more than 2 MiB: 200 bytes of request id each */
        buf_addf(&body, ",{\"operation\":\"add\",\"a\":1,\"b\":2,\"request_id\":\"%0200d\"}", i);
    buf_add_str(&body, "]}");
    CU_ASSERT(body.len > 2 << 20);
    CU_ASSERT_EQUAL(post("/jobs/batch", buf_str(&body)), 202);
    CU_ASSERT_EQUAL(number_of(json_member(parse(answer.body), "count")), 10000);
    CU_ASSERT_EQUAL(info().enqueued, 10000);
    buf_fini(&body);
}

/* ---- what is in the queue is what was answered ---- */

/* D1: the answered id was made for the answer only; the job went under another. */
static void test_ids(void)
{
    static const char *const bodies[][2] = {
        {"/jobs/add", "{\"a\":1.10,\"b\":-2,\"request_id\":\"r-1\"}"},
        {"/jobs/divide", ADD},
        {"/jobs", "{\"type\":\"mail\",\"args\":[1,\n\"two\"],\"custom\":{\"k\":[]},\"retry\":3}"},
    };
    struct ids answered = {NULL, 0, 0}, queued = {NULL, 0, 0};
    struct buf texts = BUF_INIT(0);

    if (!start(NULL))
        return;
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(post(bodies[i][0], bodies[i][1]), 202);
        ids_add(&answered, json_member(parse(answer.body), "job_id"));
    }
    CU_ASSERT_EQUAL(post("/jobs/batch", "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},"
                                        "{\"type\":\"Multiply\",\"args\":" ADD "}]}"),
                    202);
    ids_add_all(&answered, json_member(parse(answer.body), "job_ids"));
    CU_ASSERT_EQUAL(answered.n, 5);
    fetch_ids("default", 5, &queued, &texts);
    CU_ASSERT(same_ids(&answered, &queued));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_str(&texts), "\"args\":[{\"a\":1.1,\"b\":-2,\"request_id\":\"r-1\"}]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"args\":[1,\"two\"]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"custom\":{\"k\":[]}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"retry\":3"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"reserve_for\":600"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"jobtype\":\"math_multiply\""));
    CU_ASSERT_EQUAL(info().enqueued, 0);
    buf_fini(&texts);
    free(answered.at);
    free(queued.at);
}

static void test_queue_and_time(void)
{
    static const char *const env[] = {"API_QUEUES=default,bulk", NULL};
    struct faktory_info now;

    if (!start(env))
        return;
    CU_ASSERT_EQUAL(post("/jobs", "{\"type\":\"t\",\"args\":[],\"queue\":\"bulk\"}"), 202);
    CU_ASSERT_EQUAL(post("/jobs", "{\"type\":\"t\",\"args\":[],\"at\":\"2090-01-01T00:00:00Z\"}"),
                    202);
    CU_ASSERT_EQUAL(post("/jobs", "{\"type\":\"t\",\"args\":[],\"queue\":\"other\"}"), 400);
    CU_ASSERT(says("default,bulk"));
    now = info();
    CU_ASSERT_EQUAL(faktory_info_queue(&now, "bulk"), 1);
    CU_ASSERT_EQUAL(faktory_info_queue(&now, "other"), -1);
    CU_ASSERT_EQUAL(now.scheduled, 1);
    CU_ASSERT_EQUAL(now.enqueued, 1);
}

/* ---- batching ---- */

/* D5: a batch was sent as one PUSH after the other. */
static void test_few_commands(void)
{
    struct buf body = BUF_INIT(0);
    long long before, commands;

    if (!start(NULL))
        return;
    buf_add_str(&body, "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2}");
    for (int i = 1; i < 1000; i++)
        buf_addf(&body, ",{\"operation\":\"add\",\"a\":%d,\"b\":2}", i);
    buf_add_str(&body, "]}");
    before = info().command_count;
    CU_ASSERT_EQUAL(post("/jobs/batch", buf_str(&body)), 202);
    commands = info().command_count - before;
    CU_ASSERT(commands <= 10 + 4); /* 1,000 jobs by 100, and what the harness asks itself */

    before = info().command_count;
    CU_ASSERT_EQUAL(send_adds(64, 4000), 4000);
    commands = info().command_count - before;
    if (commands >= 4000 / 20)
        fprintf(stderr, "%lld commands for 4000 jobs\n", commands);
    CU_ASSERT(commands < 4000 / 20);
    CU_ASSERT_EQUAL(info().enqueued, 5000);
    buf_fini(&body);
}

/* Adds up the N of "flushing N jobs" in the log; false when one is outside 1..max. */
static bool sum_of_flushes(int max, int *sum)
{
    char *log = process_output(service_process(api)), *at = log;
    bool good = log != NULL;

    *sum = 0;
    while (at && (at = strstr(at, "flushing ")) != NULL) {
        int n = (int)strtol(at + 9, &at, 10);

        good = good && n >= 1 && n <= max;
        *sum += n;
    }
    free(log);
    return good;
}

/* D12: two requests could flush at once: batches of 0 jobs, and batches above the maximum. */
static void test_batch_sizes(void)
{
    static const char *const env[] = {"BATCH_MAX_SIZE=7", "LOG_LEVEL=debug", NULL};
    int sum;

    if (!start(env))
        return;
    CU_ASSERT_EQUAL(send_adds(32, 600), 600);
    CU_ASSERT(sum_of_flushes(7, &sum));
    CU_ASSERT_EQUAL(sum, 600);
    CU_ASSERT(process_has_logged(service_process(api), "(batch full)", 0));
    CU_ASSERT(process_has_logged(service_process(api), "(idle connection)", 0));
}

/* D11: the delay was slept, whatever happened; here it is a bound. */
static void test_delay_is_no_wait(void)
{
    static const char *const env[] = {"BATCH_MAX_DELAY_MS=10000", NULL};
    int64_t began;

    if (!start(env))
        return;
    began = clock_ms();
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(post("/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(send_adds(16, 320), 320);
    CU_ASSERT(clock_ms() - began < 10000);
}

static void test_no_batching(void)
{
    static const char *const env[] = {"BATCH_AUTO_ENABLED=False", NULL};
    long long before;

    if (!start(env))
        return;
    CU_ASSERT(process_has_logged(
        service_process(api), "Batch config: max_size=100, max_delay=50ms, auto_batch=false", 0));
    before = info().command_count;
    CU_ASSERT_EQUAL(send_adds(16, 100), 100);
    CU_ASSERT(info().command_count - before >= 100);
}

/* ---- Faktory away, slow, or saying no ---- */

static bool answers_202(void *arg)
{
    (void)arg;
    return post("/jobs/add", ADD) == 202;
}

/* Says what is wrong, once it was tried: at first it is only that the connection was lost. */
static bool answers_refused(void *arg)
{
    (void)arg;
    return post("/jobs/add", ADD) == 503 && strstr(answer.body, "refused");
}

/* D2, D3: 202 was answered before anything was sent, and a failed flush dropped the jobs. D7: a
 * dead connection was used for ever. D14: health was a constant. D15: the cause was hidden. */
static void test_away_and_back(void)
{
    char after[16] = "";
    struct faktory_info now;

    if (!start(NULL))
        return;
    CU_ASSERT_EQUAL(post("/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(faktory_server_stop(faktory), 0);
    CU_ASSERT(wait_until(answers_refused, NULL, SHORT_MS));
    CU_ASSERT(says("\"stored\":\"no\""));
    CU_ASSERT_PTR_NOT_NULL(http_answer_header(&answer, "Retry-After", after, sizeof after));
    CU_ASSERT(atoi(after) >= 1);
    CU_ASSERT_EQUAL(post("/jobs/batch", "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2}]}"),
                    503);
    CU_ASSERT(says("\"stored\":\"no\",\"job_ids\":[]"));
    CU_ASSERT_EQUAL(get("/health"), 200);
    CU_ASSERT_EQUAL(get("/ready"), 503);
    CU_ASSERT(says("\"status\":\"unavailable\""));
    CU_ASSERT_EQUAL(get("/stats"), 200);
    CU_ASSERT_EQUAL(faktory_server_restart(faktory, NULL), 0);
    CU_ASSERT(wait_until(answers_202, NULL, SHORT_MS));
    CU_ASSERT_EQUAL(send_adds(8, 40), 40); /* over every connection */
    CU_ASSERT_EQUAL(get("/ready"), 200);
    now = info();
    CU_ASSERT_EQUAL(now.enqueued, 1 + 1 + 40);
    CU_ASSERT(process_has_logged(service_process(api), "Faktory is away", 0));
}

/* Every job answered with 202 is there after Faktory was killed under load, and nothing that was
 * answered as surely not stored. */
static void test_killed_under_load(void)
{
    struct ids answered = {NULL, 0, 0}, queued = {NULL, 0, 0};
    struct http_load_run *run;
    int requests = 20000;

    if (!start(NULL))
        return;
    run = load(16, requests);
    CU_ASSERT(wait_until(thousand_done, run, SHORT_MS));
    CU_ASSERT_EQUAL(faktory_server_stop(faktory), 0); /* saves; a kill -9 may lose by design */
    CU_ASSERT_EQUAL(faktory_server_restart(faktory, NULL), 0);
    http_load_stop(run);
    CU_ASSERT(collect(run, requests, &answered, 202) >= 900);
    http_load_free(run);
    CU_ASSERT(wait_until(answers_202, NULL, SHORT_MS));
    ids_add(&answered, json_member(parse(answer.body), "job_id"));
    fetch_ids("default", (size_t)info().enqueued, &queued, NULL);
    qsort(queued.at, queued.n, sizeof queued.at[0], by_text);
    CU_ASSERT(contains_ids(&queued, &answered));
    free(answered.at);
    free(queued.at);
}

static void test_starts_without_faktory(void)
{
    struct err_text why = {""};

    if (!start_faktory(NULL))
        return;
    CU_ASSERT_EQUAL(faktory_server_stop(faktory), 0);
    api = service_start("api-service", NULL, faktory_server_url(faktory), NULL, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(api);
    CU_ASSERT(service_wait_port(api, "listening", SHORT_MS) > 0);
    CU_ASSERT(process_has_logged(service_process(api), "Faktory is away", SHORT_MS));
    CU_ASSERT_EQUAL(service_stop(api), 0);
}

/* D13: there was no time-out anywhere. D14: readiness must ask Faktory, not guess. */
static void test_hanging(void)
{
    static const char *const env[] = {"API_REQUEST_TIMEOUT=1500ms", NULL};
    int64_t began;

    if (!start(env))
        return;
    CU_ASSERT_EQUAL(faktory_server_pause(faktory, FAKTORY_ITSELF), 0);
    began = clock_ms();
    CU_ASSERT_EQUAL(post("/jobs/add", ADD), 504);
    CU_ASSERT(clock_ms() - began < 5000);
    CU_ASSERT(says("\"stored\":\"unknown\""));
    CU_ASSERT(says("\"job_id\":\""));
    began = clock_ms();
    CU_ASSERT_EQUAL(get("/ready"), 503);
    CU_ASSERT(clock_ms() - began < 8000);
    CU_ASSERT_EQUAL(get("/health"), 200);
    CU_ASSERT_EQUAL(faktory_server_resume(faktory, FAKTORY_ITSELF), 0);
    CU_ASSERT(wait_until(answers_202, NULL, LONG_MS));
}

/* D8: after a client had gone away, everybody got the answer of the one before. */
static void test_client_leaves(void)
{
    struct ids answered = {NULL, 0, 0}, queued = {NULL, 0, 0};
    struct raw_http leaver;

    if (!start(NULL))
        return;
    CU_ASSERT_EQUAL(faktory_server_pause(faktory, FAKTORY_ITSELF), 0);
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_FATAL(raw_open(&leaver, (unsigned)service_port(api)));
        CU_ASSERT(raw_send_text(&leaver, "POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n"
                                         "\r\n{\"type\":\"gone\",\"args\":[1]}"));
        raw_reset(&leaver);
    }
    CU_ASSERT_EQUAL(faktory_server_resume(faktory, FAKTORY_ITSELF), 0);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(post("/jobs/add", ADD), 202);
        ids_add(&answered, json_member(parse(answer.body), "job_id"));
    }
    CU_ASSERT(info().enqueued >= 20);
    fetch_ids("default", (size_t)info().enqueued, &queued, NULL);
    qsort(queued.at, queued.n, sizeof queued.at[0], by_text);
    CU_ASSERT(contains_ids(&queued, &answered));
    free(answered.at);
    free(queued.at);
}

static void ask_later(int n, struct buf *path, struct buf *body, void *arg)
{
    (void)n;
    (void)body;
    buf_add_str(path, arg);
}

static bool rest_refused(void *run)
{
    return http_load_progress(run) >= 60 - 16 - 5; /* on the connection, and in the queue */
}

/* D10: the queue grew without a bound while Faktory was slow. */
static void test_queue_bound(void)
{
    static const char *const env[] = {"BATCH_QUEUE_MAX=5", "BATCH_MAX_SIZE=1",
                                      "FAKTORY_MAX_CONNECTIONS=1", NULL};
    struct http_load_run *run;
    int refused, stored;

    if (!start(env))
        return;
    CU_ASSERT_EQUAL(faktory_server_pause(faktory, FAKTORY_ITSELF), 0);
    run = load(60, 60);
    CU_ASSERT_FATAL(wait_until(rest_refused, run, SHORT_MS));
    CU_ASSERT_EQUAL(post("/jobs/add", ADD), 503);
    CU_ASSERT(says("waiting already"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.headers, "Retry-After: "));
    CU_ASSERT_EQUAL(faktory_server_resume(faktory, FAKTORY_ITSELF), 0);
    stored = collect(run, 60, NULL, 202);
    refused = collect(run, 60, NULL, 503);
    CU_ASSERT_EQUAL(stored + refused, 60);
    CU_ASSERT(refused >= 60 - 16 - 5);
    CU_ASSERT_EQUAL(info().enqueued, stored);
    http_load_free(run);
}

/* Asking again and again costs Faktory nothing. */
static void test_probes_are_shared(void)
{
    struct http_load l = {.connections = 8, .requests = 2000, .method = "GET", .make = ask_later};
    char ready[] = "/ready", stats[] = "/stats";
    struct http_load_run *run;
    long long before;
    int64_t began;

    if (!start(NULL))
        return;
    l.port = service_port(api);
    before = info().command_count;
    began = clock_ms();
    l.arg = ready;
    run = http_load_start(&l);
    CU_ASSERT_EQUAL(collect(run, 2000, NULL, 200), 2000);
    http_load_free(run);
    l.arg = stats;
    run = http_load_start(&l);
    CU_ASSERT_EQUAL(collect(run, 2000, NULL, 200), 2000);
    http_load_free(run);
    CU_ASSERT(info().command_count - before <= (clock_ms() - began) / 250 + 10);
}

/* The reply to PUSHB that refuses the second job of each command by its jid. */
static void refuse_second(struct buf *out, const char *line, int nth, void *arg)
{
    const char *at = strstr(line, "\"jid\":\""), *second = at ? strstr(at + 1, "\"jid\":\"") : NULL;
    struct buf text = BUF_INIT(0);

    (void)nth;
    (void)arg;
    if (second)
        buf_addf(&text, "{\"%.24s\":\"jobs must have a jobtype parameter\"}", second + 7);
    else
        buf_add_str(&text, "{}");
    buf_addf(out, "$%zu\r\n%s\r\n", text.len, buf_str(&text));
    buf_fini(&text);
}

#define THREE                                                                                      \
    "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},{\"operation\":\"add\",\"a\":2,"           \
    "\"b\":2},{\"operation\":\"add\",\"a\":3,\"b\":2}]}"

static struct peer *start_with_peer(const struct peer_rule *rules, int count)
{
    struct err_text why = {""};
    struct peer *peer = peer_start(rules, count, &why);

    CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
    api = service_start("api-service", NULL, peer_url(peer), NULL, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(api);
    CU_ASSERT(process_has_logged(service_process(api), "connected to Faktory", SHORT_MS));
    return peer;
}

static int post_to_port(int port, const char *path, const char *body)
{
    const char *const headers[] = {"Content-Type: application/json", NULL};
    char url[128];
    struct http_call c = {.method = "POST", .url = url, .headers = headers, .body = body};

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    http_answer_fini(&answer);
    memset(&answer, 0, sizeof answer);
    return http_request(&c, &answer, NULL) == 0 ? answer.status : 0;
}

/* D4: one error gave one request 500 for everybody's jobs and dropped them. D6: after a failure in
 * the middle nobody learned what was stored. */
static void test_refused_in_part(void)
{
    static const struct peer_rule rules[] = {{.verb = "PUSHB", .make = refuse_second}};
    struct peer *peer = start_with_peer(rules, 1);
    struct json_slice root, failed, item = {NULL, 0};
    struct json_iter it;
    int port = service_wait_port(api, "listening", SHORT_MS);

    CU_ASSERT_EQUAL(post_to_port(port, "/jobs/batch", THREE), 502);
    CU_ASSERT(says("\"stored\":\"partly\""));
    CU_ASSERT(says("must have a jobtype"));
    root = parse(answer.body);
    CU_ASSERT_EQUAL(json_count(json_member(root, "job_ids")), 2);
    CU_ASSERT_EQUAL(number_of(json_member(root, "count")), 2);
    failed = json_member(root, "failed");
    CU_ASSERT_EQUAL(json_count(failed), 1);
    it = json_iter(failed);
    CU_ASSERT(json_next_item(&it, &item));
    CU_ASSERT_EQUAL(number_of(json_member(item, "index")), 1);
    CU_ASSERT(json_string_is(json_member(item, "stored"), "no"));
    CU_ASSERT_EQUAL(post_to_port(port, "/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(service_stop(api), 0);
    peer_free(peer);
}

static void test_answer_lost(void)
{
    static const struct peer_rule rules[] = {{.verb = "PUSHB", .nth = 1, .action = PEER_CLOSE}};
    struct peer *peer = start_with_peer(rules, 1);
    int port = service_wait_port(api, "listening", SHORT_MS);

    CU_ASSERT_EQUAL(post_to_port(port, "/jobs/batch", THREE), 504);
    CU_ASSERT(says("\"stored\":\"unknown\",\"job_ids\":[]"));
    CU_ASSERT_EQUAL(peer_count(peer, "PUSHB"), 1); /* not sent again: it may be stored */
    CU_ASSERT_EQUAL(post_to_port(port, "/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(service_stop(api), 0);
    peer_free(peer);
}

/* ---- settings and start ---- */

/* D26: bad values became defaults. D27: zeros were taken. */
static void test_bad_settings(void)
{
    static const char *const env[] = {"BATCH_MAX_SIZE=0",
                                      "BATCH_MAX_DELAY_MS=0",
                                      "BATCH_AUTO_ENABLED=maybe",
                                      "FAKTORY_MAX_CONNECTIONS=-1",
                                      "BIND_ADDR=3000",
                                      "API_QUEUES=working",
                                      NULL};
    static const char *const names[] = {"BATCH_MAX_SIZE=\"0\"",
                                        "BATCH_MAX_DELAY_MS=\"0\"",
                                        "BATCH_AUTO_ENABLED=\"maybe\"",
                                        "FAKTORY_MAX_CONNECTIONS=\"-1\"",
                                        "BIND_ADDR=\"3000\"",
                                        "API_QUEUES=\"working\"",
                                        "FAKTORY_URL=\""};
    int status = 0;

    api = service_start("api-service", NULL, "localhost", env, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(api);
    CU_ASSERT_EQUAL(process_wait(service_process(api), SHORT_MS, &status), 0);
    CU_ASSERT_EQUAL(status, 2);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CU_ASSERT(process_has_logged(service_process(api), names[i], 0));
}

/* D28: the password was logged. */
static void test_password(void)
{
    static const struct faktory_options options = {.password = "open-sesame-7"};
    static const char *const env[] = {"LOG_LEVEL=debug", NULL};
    struct err_text why = {""};
    char *log;

    if (!start_faktory(&options))
        return;
    api = service_start_api(faktory, env, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(api);
    CU_ASSERT_EQUAL(post("/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(get("/stats"), 200);
    CU_ASSERT_PTR_NULL(strstr(answer.body, "open-sesame"));
    CU_ASSERT_EQUAL(service_stop(api), 0);
    log = process_output(service_process(api));
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    CU_ASSERT_PTR_NULL(strstr(log, "open-sesame"));
    CU_ASSERT_PTR_NOT_NULL(strstr(log, "Faktory URL: tcp://:***@127.0.0.1:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(log, "max_size=100, max_delay=50ms, auto_batch=true"));
    free(log);
}

static void test_wrong_password(void)
{
    static const struct faktory_options options = {.password = "right"};
    char url[64];

    if (!start_faktory(&options))
        return;
    snprintf(url, sizeof url, "tcp://:not-it@127.0.0.1:%d", faktory_server_port(faktory));
    api = service_start("api-service", NULL, url, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(api);
    CU_ASSERT(process_has_logged(service_process(api), "Invalid password", SHORT_MS));
    CU_ASSERT_FALSE(process_has_logged(service_process(api), "not-it", 0));
    CU_ASSERT_EQUAL(service_stop(api), 0);
}

static void test_stats(void)
{
    struct json_slice root, faktory_part;

    if (!start(NULL))
        return;
    CU_ASSERT_EQUAL(post("/jobs/batch", THREE), 202);
    CU_ASSERT_EQUAL(get("/stats"), 200);
    root = parse(answer.body);
    CU_ASSERT_EQUAL(number_of(json_member(json_member(root, "jobs"), "stored")), 3);
    CU_ASSERT_EQUAL(number_of(json_member(root, "batch_requests")), 1);
    CU_ASSERT_EQUAL(number_of(json_member(json_member(root, "connections"), "up")), 4);
    faktory_part = json_member(root, "faktory");
    CU_ASSERT_EQUAL(json_type(faktory_part), JSON_OBJECT);
    CU_ASSERT_EQUAL(number_of(json_member(json_member(faktory_part, "queues"), "default")), 3);
    CU_ASSERT_EQUAL(number_of(json_member(faktory_part, "total_enqueued")), 3);
}

/* ---- stopping ---- */

/* Of the API after it got its signal; -1 when it does not end. */
static int exit_status(void)
{
    int status = -1;

    CU_ASSERT_EQUAL(process_wait(service_process(api), LONG_MS, &status), 0);
    return status;
}

/* D9: SIGTERM lost what was queued. */
static void test_stop_under_load(void)
{
    struct ids answered = {NULL, 0, 0}, queued = {NULL, 0, 0};
    struct http_load_run *run;
    int requests = 200000;

    if (!start(NULL))
        return;
    run = load(32, requests);
    CU_ASSERT(wait_until(thousand_done, run, SHORT_MS));
    CU_ASSERT_EQUAL(process_signal(service_process(api), SIGTERM), 0);
    http_load_stop(run);
    CU_ASSERT(collect(run, requests, &answered, 202) >= 900);
    http_load_free(run);
    CU_ASSERT_EQUAL(exit_status(), 0);
    fetch_ids("default", (size_t)info().enqueued, &queued, NULL);
    CU_ASSERT(same_ids(&answered, &queued));
    free(answered.at);
    free(queued.at);
}

static bool is_waiting(void *arg)
{
    (void)arg;
    return get("/metrics") == 200 && strstr(answer.body, "\nwf_api_in_flight_jobs 1\n") != NULL;
}

/* A request that Faktory keeps waiting, and the service told to stop. */
static struct http_load_run *stop_while_hanging(const char *const *env)
{
    struct http_load_run *run;

    if (!start(env))
        return NULL;
    CU_ASSERT_EQUAL(faktory_server_pause(faktory, FAKTORY_ITSELF), 0);
    run = load(1, 1);
    CU_ASSERT(wait_until(is_waiting, NULL, SHORT_MS));
    CU_ASSERT_EQUAL(process_signal(service_process(api), SIGTERM), 0);
    CU_ASSERT(process_has_logged(service_process(api), "stopping", SHORT_MS));
    return run;
}

static void test_stop_has_a_deadline(void)
{
    static const char *const env[] = {"API_SHUTDOWN_TIMEOUT=700ms", NULL};
    struct http_load_run *run = stop_while_hanging(env);
    int64_t began = clock_ms();

    if (!run)
        return;
    CU_ASSERT_EQUAL(exit_status(), 0);
    CU_ASSERT(clock_ms() - began < SHORT_MS);
    CU_ASSERT_EQUAL(collect(run, 1, NULL, 504), 1); /* answered, and as unknown */
    http_load_free(run);
}

static void test_stop_waits_for_answers(void)
{
    struct http_load_run *run = stop_while_hanging(NULL);

    if (!run)
        return;
    CU_ASSERT_EQUAL(faktory_server_resume(faktory, FAKTORY_ITSELF), 0);
    CU_ASSERT_EQUAL(collect(run, 1, NULL, 202), 1);
    http_load_free(run);
    CU_ASSERT_EQUAL(exit_status(), 0);
    CU_ASSERT_EQUAL(info().enqueued, 1);
}

static void test_second_signal(void)
{
    struct http_load_run *run = stop_while_hanging(NULL);
    int64_t began = clock_ms();

    if (!run)
        return;
    CU_ASSERT_EQUAL(process_signal(service_process(api), SIGTERM), 0);
    CU_ASSERT_EQUAL(exit_status(), 1);
    CU_ASSERT(clock_ms() - began < SHORT_MS);
    http_load_free(run);
}

/* The program of the build that this test belongs to. */
static void find_program(char *out, size_t room)
{
    const char *build = getenv("WF_BUILD");
    char self[512] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *tests_folder = strstr(self, "/tests/");

    if (n > 0 && tests_folder)
        *tests_folder = '\0';
    snprintf(out, room, "%s/bin/api-service", build && *build ? build : self);
}

/* D9: as PID 1 of a container SIGTERM was ignored until SIGKILL came. unshare gives the program
 * that number; the signal goes to its child, as a container's runtime would send it. */
static void test_pid_1(void)
{
    static const char *const probe[] = {"/usr/bin/unshare", "--pid", "--fork", "/bin/true", NULL};
    const char *argv[] = {"/usr/bin/unshare", "--pid", "--fork", "--kill-child", NULL, NULL};
    char program[600], url[80], dir_log[TEMPDIR_MAX + 8];
    const char *const env[] = {"API_*", "BATCH_*", "BIND_ADDR=127.0.0.1:0", url, NULL};
    struct tempdir dir = {""};
    struct process_options options = {.argv = probe, .log_path = dir_log};
    struct process *p;
    int status = -1;
    pid_t child;

    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
    snprintf(dir_log, sizeof dir_log, "%s/log", dir.path);
    snprintf(url, sizeof url, "FAKTORY_URL=tcp://127.0.0.1:%d", free_port());
    p = process_start(&options, NULL);
    if (!p || process_wait(p, SHORT_MS, &status) != 0 || status != 0) {
        suite_skip("this machine does not let us make a PID namespace");
        process_free(p);
        tempdir_fini(&dir);
        return;
    }
    process_free(p);
    find_program(program, sizeof program);
    argv[4] = program;
    options = (struct process_options){.argv = argv, .env = env, .log_path = dir_log};
    p = process_start(&options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT(process_has_logged(p, "listening on", SHORT_MS));
    child = procfs_child(process_pid(p), "api-service");
    CU_ASSERT(child > 0);
    if (child > 0)
        kill(child, SIGTERM);
    CU_ASSERT_EQUAL(process_wait(p, SHORT_MS, &status), 0);
    CU_ASSERT_EQUAL(status, 0);
    process_free(p);
    tempdir_fini(&dir);
}

static const struct suite_test tests[] = {
    {"D34, D35: every call answers as documented, and every error is JSON", test_calls},
    {"D33: a body over the limit is refused with JSON", test_body_limit},
    {"D33: a batch of more than 2 MiB is taken", test_default_limit},
    {"D1: the ids that are answered are the ids in the queue", test_ids},
    {"jobs go to the queue and the time that they name", test_queue_and_time},
    {"D5: many jobs travel in few commands", test_few_commands},
    {"D12: no batch is empty or above the maximum", test_batch_sizes},
    {"D11: the longest delay is not a waiting time", test_delay_is_no_wait},
    {"D26: batching can be switched off, in any spelling of false", test_no_batching},
    {"D2, D3, D7, D14, D15: while Faktory is away 503 says why, and back it works by itself",
     test_away_and_back},
    {"D3: what was answered with 202 is there after Faktory restarted under load",
     test_killed_under_load},
    {"the service starts without Faktory", test_starts_without_faktory},
    {"D13, D14: a Faktory that hangs is answered for in time", test_hanging},
    {"D8: a client that leaves does not shift the answers of the others", test_client_leaves},
    {"D10: the queue is bounded, and full means 503 with Retry-After", test_queue_bound},
    {"probing again and again does not reach Faktory", test_probes_are_shared},
    {"D4, D6: what Faktory refuses is reported job by job", test_refused_in_part},
    {"a lost answer is reported as unknown and nothing is sent twice", test_answer_lost},
    {"D26, D27: bad settings end the program with all of them named", test_bad_settings},
    {"D28: the password is used and shown nowhere", test_password},
    {"a wrong password is reported as such", test_wrong_password},
    {"stats count our jobs and show Faktory's numbers", test_stats},
    {"D9: SIGTERM under load loses nothing that was answered", test_stop_under_load},
    {"stopping waits for Faktory until its deadline only", test_stop_has_a_deadline},
    {"a request that waits while the service stops gets its answer", test_stop_waits_for_answers},
    {"a second signal ends the service at once", test_second_signal},
    {"D9: SIGTERM stops the service as PID 1", test_pid_1},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "api", tests, SUITE_COUNT(tests), NULL, teardown);
}
