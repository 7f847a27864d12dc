// SPDX-License-Identifier: MIT
/*
 * The API as its users meet it: calls and answers, batches, settings. It runs the real program,
 * over HTTP, with a real Faktory behind it. A test that begins with D and a number would fail on
 * that defect of the system that came before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/fault/api_case.h"
#include "tests/support/process.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

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

    if (!case_start(NULL))
        return;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int status = case_call(calls[i].method, calls[i].path, calls[i].body, NULL);

        if (status != calls[i].status)
            fprintf(stderr, "%s %s: %d\n", calls[i].method, calls[i].path, status);
        CU_ASSERT_EQUAL(status, calls[i].status);
        CU_ASSERT(case_says(calls[i].text));
    }
    CU_ASSERT_PTR_NOT_NULL(http_answer_header(&tc.answer, "Allow", allow, sizeof allow));
    CU_ASSERT_EQUAL(case_call("POST", "/jobs/add", ADD, "Content-Type:"), 202);
    CU_ASSERT_EQUAL(case_call("POST", "/jobs/add", ADD, "Content-Type: text/html"), 415);
    CU_ASSERT(case_says("{\"error\":\""));
    CU_ASSERT_EQUAL(service_stop(tc.api), 0);
}

/* D33: the limit was 2 MiB, written nowhere, and answered in plain text. */
static void test_body_limit(void)
{
    static const char *const env[] = {"API_BODY_MAX=64KiB", NULL};
    struct buf body = BUF_INIT(0);

    if (!case_start(env))
        return;
    buf_add_str(&body, "{\"type\":\"t\",\"args\":[\"");
    while (body.len < (64 << 10) - 8)
        buf_add_char(&body, 'x');
    buf_add_str(&body, "\"]}");
    CU_ASSERT_EQUAL(case_post("/jobs", buf_str(&body)), 202);
    buf_consume(&body, 4);
    buf_add_str(&body, "                ");
    CU_ASSERT_EQUAL(case_post("/jobs", buf_str(&body)), 413);
    CU_ASSERT(case_says("{\"error\":\""));
    buf_fini(&body);
}

static void test_default_limit(void)
{
    struct buf body = BUF_INIT(0);

    if (!case_start(NULL))
        return;
    buf_add_str(&body, "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2}");
    for (int i = 0; i < 9999; i++) /* more than 2 MiB: 200 bytes of request id each */
        buf_addf(&body, ",{\"operation\":\"add\",\"a\":1,\"b\":2,\"request_id\":\"%0200d\"}", i);
    buf_add_str(&body, "]}");
    CU_ASSERT(body.len > 2 << 20);
    CU_ASSERT_EQUAL(case_post("/jobs/batch", buf_str(&body)), 202);
    CU_ASSERT_EQUAL(case_number(json_member(case_parse(tc.answer.body), "count")), 10000);
    CU_ASSERT_EQUAL(case_info().enqueued, 10000);
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

    if (!case_start(NULL))
        return;
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(case_post(bodies[i][0], bodies[i][1]), 202);
        ids_add(&answered, json_member(case_parse(tc.answer.body), "job_id"));
    }
    CU_ASSERT_EQUAL(case_post("/jobs/batch", "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},"
                                             "{\"type\":\"Multiply\",\"args\":" ADD "}]}"),
                    202);
    ids_add_all(&answered, json_member(case_parse(tc.answer.body), "job_ids"));
    CU_ASSERT_EQUAL(answered.n, 5);
    case_fetch("default", 5, &queued, &texts);
    CU_ASSERT(ids_same(&answered, &queued));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_str(&texts), "\"args\":[{\"a\":1.1,\"b\":-2,\"request_id\":\"r-1\"}]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"args\":[1,\"two\"]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"custom\":{\"k\":[]}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"retry\":3"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"reserve_for\":600"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&texts), "\"jobtype\":\"math_multiply\""));
    CU_ASSERT_EQUAL(case_info().enqueued, 0);
    buf_fini(&texts);
    free(answered.at);
    free(queued.at);
}

static void test_queue_and_time(void)
{
    static const char *const env[] = {"API_QUEUES=default,bulk", NULL};
    struct faktory_info now;

    if (!case_start(env))
        return;
    CU_ASSERT_EQUAL(case_post("/jobs", "{\"type\":\"t\",\"args\":[],\"queue\":\"bulk\"}"), 202);
    CU_ASSERT_EQUAL(
        case_post("/jobs", "{\"type\":\"t\",\"args\":[],\"at\":\"2090-01-01T00:00:00Z\"}"), 202);
    CU_ASSERT_EQUAL(case_post("/jobs", "{\"type\":\"t\",\"args\":[],\"queue\":\"other\"}"), 400);
    CU_ASSERT(case_says("default,bulk"));
    now = case_info();
    CU_ASSERT_EQUAL(faktory_info_queue(&now, "bulk"), 1);
    CU_ASSERT_EQUAL(faktory_info_queue(&now, "other"), -1);
    CU_ASSERT_EQUAL(now.scheduled, 1);
    CU_ASSERT_EQUAL(now.enqueued, 1);
}

/* ---- batching ---- */

/* Under a sanitizer the service answers so few requests a second that a push finds fewer to take.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { JOBS_A_COMMAND = 6 };
#else
enum { JOBS_A_COMMAND = 20 };
#endif

/* D5: a batch was sent as one PUSH after the other. */
static void test_few_commands(void)
{
    struct buf body = BUF_INIT(0);
    long long before, commands;

    if (!case_start(NULL))
        return;
    buf_add_str(&body, "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2}");
    for (int i = 1; i < 1000; i++)
        buf_addf(&body, ",{\"operation\":\"add\",\"a\":%d,\"b\":2}", i);
    buf_add_str(&body, "]}");
    before = case_info().command_count;
    CU_ASSERT_EQUAL(case_post("/jobs/batch", buf_str(&body)), 202);
    commands = case_info().command_count - before;
    CU_ASSERT(commands <= 10 + 4); /* 1,000 jobs by 100, and what the harness asks itself */

    before = case_info().command_count;
    CU_ASSERT_EQUAL(case_send_adds(64, 4000), 4000);
    commands = case_info().command_count - before;
    if (commands >= 4000 / JOBS_A_COMMAND)
        fprintf(stderr, "%lld commands for 4000 jobs\n", commands);
    CU_ASSERT(commands < 4000 / JOBS_A_COMMAND);
    CU_ASSERT_EQUAL(case_info().enqueued, 5000);
    buf_fini(&body);
}

/* Adds up the N of "flushing N jobs" in the log; false when one is outside 1..max. */
static bool sum_of_flushes(int max, int *sum)
{
    char *log = process_output(service_process(tc.api)), *at = log;
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

    if (!case_start(env))
        return;
    CU_ASSERT_EQUAL(case_post("/jobs/add", ADD), 202); /* alone: flushed by itself */
    CU_ASSERT_EQUAL(case_send_adds(32, 600), 600);
    CU_ASSERT(sum_of_flushes(7, &sum));
    CU_ASSERT_EQUAL(sum, 601);
    CU_ASSERT(process_has_logged(service_process(tc.api), "(batch full)", 0));
    CU_ASSERT(process_has_logged(service_process(tc.api), "(idle connection)", 0));
}

/* D11: the delay was slept, whatever happened; here it is a bound. */
static void test_delay_is_no_wait(void)
{
    static const char *const env[] = {"BATCH_MAX_DELAY_MS=10000", NULL};
    int64_t began;

    if (!case_start(env))
        return;
    began = clock_ms();
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(case_post("/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(case_send_adds(16, 320), 320);
    CU_ASSERT(clock_ms() - began < 10000);
}

static void test_no_batching(void)
{
    static const char *const env[] = {"BATCH_AUTO_ENABLED=False", NULL};
    long long before;

    if (!case_start(env))
        return;
    CU_ASSERT(process_has_logged(service_process(tc.api),
                                 "Batch config: max_size=100, max_delay=50ms, auto_batch=false",
                                 0));
    before = case_info().command_count;
    CU_ASSERT_EQUAL(case_send_adds(16, 100), 100);
    CU_ASSERT(case_info().command_count - before >= 100);
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

    tc.api = service_start("api-service", NULL, "localhost", env, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tc.api);
    CU_ASSERT_EQUAL(process_wait(service_process(tc.api), SHORT_MS, &status), 0);
    CU_ASSERT_EQUAL(status, 2);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CU_ASSERT(process_has_logged(service_process(tc.api), names[i], 0));
}

/* D28: the password was logged. */
static void test_password(void)
{
    static const struct faktory_options options = {.password = "open-sesame-7"};
    static const char *const env[] = {"LOG_LEVEL=debug", NULL};
    struct err_text why = {""};
    char *log;

    if (!case_start_faktory(&options))
        return;
    tc.api = service_start_api(tc.faktory, env, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tc.api);
    CU_ASSERT_EQUAL(case_post("/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(case_get("/stats"), 200);
    CU_ASSERT_PTR_NULL(strstr(tc.answer.body, "open-sesame"));
    CU_ASSERT_EQUAL(service_stop(tc.api), 0);
    log = process_output(service_process(tc.api));
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

    if (!case_start_faktory(&options))
        return;
    snprintf(url, sizeof url, "tcp://:not-it@127.0.0.1:%d", faktory_server_port(tc.faktory));
    tc.api = service_start("api-service", NULL, url, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tc.api);
    CU_ASSERT(process_has_logged(service_process(tc.api), "Invalid password", SHORT_MS));
    CU_ASSERT_FALSE(process_has_logged(service_process(tc.api), "not-it", 0));
    CU_ASSERT_EQUAL(service_stop(tc.api), 0);
}

/* The service is ready when it has one. */
static bool all_connected(void *arg)
{
    (void)arg;
    return case_get("/stats") == 200 &&
           case_number(json_member(json_member(case_parse(tc.answer.body), "connections"), "up")) ==
               4;
}

static void test_stats(void)
{
    struct json_slice root, faktory_part;

    if (!case_start(NULL))
        return;
    CU_ASSERT_EQUAL(case_post("/jobs/batch", THREE), 202);
    CU_ASSERT_EQUAL(case_get("/stats"), 200);
    root = case_parse(tc.answer.body);
    CU_ASSERT_EQUAL(case_number(json_member(json_member(root, "jobs"), "stored")), 3);
    CU_ASSERT_EQUAL(case_number(json_member(root, "batch_requests")), 1);
    faktory_part = json_member(root, "faktory");
    CU_ASSERT_EQUAL(json_type(faktory_part), JSON_OBJECT);
    CU_ASSERT_EQUAL(case_number(json_member(json_member(faktory_part, "queues"), "default")), 3);
    CU_ASSERT_EQUAL(case_number(json_member(faktory_part, "total_enqueued")), 3);
    CU_ASSERT(wait_until(all_connected, NULL, SHORT_MS));
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
    {"D26, D27: bad settings end the program with all of them named", test_bad_settings},
    {"D28: the password is used and shown nowhere", test_password},
    {"a wrong password is reported as such", test_wrong_password},
    {"stats count our jobs and show Faktory's numbers", test_stats},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "api", tests, SUITE_COUNT(tests), NULL, case_teardown);
}
