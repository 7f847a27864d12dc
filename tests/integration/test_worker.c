// SPDX-License-Identifier: MIT
/*
 * The worker as its users meet it: the real program on a real Faktory. A test that begins with D
 * and a number would fail on that defect of the system that came before. How it stops and what it
 * does when Faktory is in trouble is in test_worker_stop.c.
 */
#include "tests/integration/worker_fixture.h"
#include "tests/support/tempdir.h"

/* ---- work ---- */

static void test_types(void)
{
    static const char *const env[] = {"LOG_LEVEL=debug", NULL};
    static const char *const results[] = {"type=math_add attempt=1",      "result=3.75",
                                          "type=math_subtract attempt=1", "result=-2",
                                          "type=math_multiply attempt=1", "result=42",
                                          "type=math_divide attempt=1",   "result=0.25",
                                          "\"request_id\":\"order-17\""};

    if (!start_faktory(NULL) || !start_worker("worker-service", env))
        return;
    push("math_add", "[{\"a\":1.5,\"b\":2.25,\"request_id\":\"order-17\"}]", 1);
    push("math_subtract", "[{\"a\":-5,\"b\":-3,\"request_id\":null}]", 1);
    push("math_multiply", "[{\"a\":6,\"b\":7}]", 1);
    push("math_divide", "[{\"a\":1,\"b\":4}]", 1);
    CU_ASSERT(wait_processed(4, SHORT_MS));
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        CU_ASSERT(logs_within(results[i], SHORT_MS));
    CU_ASSERT_EQUAL(info().total_failures, 0);
    CU_ASSERT_EQUAL(info().working, 0);
    CU_ASSERT(logged("Concurrency: 50 jobs per worker"));
    CU_ASSERT(logged("Registered handlers: math_add, math_divide, math_multiply, math_subtract"));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT(logged("stopped: 4 done, 0 failed, 0 handed back, 0 did not end"));
}

static void test_many(void)
{
    enum { N = 10000 };
    struct faktory_info now;

    if (!start_faktory(NULL))
        return;
    push("math_add", "[{\"a\":1,\"b\":2}]", N);
    if (!start_worker("worker-service", NULL))
        return;
    CU_ASSERT(wait_processed(N, LONG_MS));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    now = info();
    CU_ASSERT_EQUAL(now.total_processed, N); /* each of them once */
    CU_ASSERT_EQUAL(now.total_failures, 0);
    CU_ASSERT_EQUAL(now.enqueued, 0);
    CU_ASSERT_EQUAL(now.working, 0);
}

static bool dead_reached(const struct faktory_info *now, void *arg)
{
    return now->dead >= *(const long long *)arg;
}

static void test_permanent(void)
{
    long long three = 3;
    struct faktory_info now = {0};

    if (!start_faktory(NULL) || !start_worker("worker-service", NULL))
        return;
    push("math_divide", "[{\"a\":1,\"b\":0}]", 1);
    push("send_mail", "[]", 1);
    push("math_add", "[{\"a\":\"one\",\"b\":2}]", 1);
    CU_ASSERT(faktory_server_wait(faktory, dead_reached, &three, SHORT_MS, &now));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    now = info();
    CU_ASSERT_EQUAL(now.dead, 3);
    CU_ASSERT_EQUAL(now.retries, 0);
    CU_ASSERT_EQUAL(now.scheduled, 0);
    CU_ASSERT_EQUAL(now.enqueued, 0);
    CU_ASSERT_EQUAL(now.working, 0);
    CU_ASSERT_EQUAL(now.total_failures, 3);
    CU_ASSERT(logged("errtype=DivisionByZero"));
    CU_ASSERT(logged("errtype=UnknownJobType"));
    CU_ASSERT(logged("this worker has no handler for \"send_mail\""));
    CU_ASSERT(logged("argument 1: \"a\": expected a number, got a string"));
}

static bool retries_reached(const struct faktory_info *now, void *arg)
{
    return now->retries >= *(const long long *)arg;
}

/* Faktory counts a failed job as processed before it puts it into the retries. */
static void test_retryable(void)
{
    long long one = 1;
    struct faktory_info now = {0};

    if (!start_faktory(NULL) || !start_worker("slow_worker", NULL))
        return;
    push("fail", "[]", 1);
    push("noop", "[]", 1);
    CU_ASSERT(wait_processed(2, SHORT_MS));
    CU_ASSERT(faktory_server_wait(faktory, retries_reached, &one, SHORT_MS, &now));
    CU_ASSERT_EQUAL(now.retries, 1);
    CU_ASSERT_EQUAL(now.dead, 0);
    CU_ASSERT(logs_within("errtype=TryAgain permanent=no", SHORT_MS));
}

/* Faktory leaves reserve_for out when a producer did; the client of the system before died of it.
 */
static void test_no_reserve_for(void)
{
    if (!start_faktory(NULL) || !start_worker("worker-service", NULL))
        return;
    push_to("default", "math_add", "[{\"a\":1,\"b\":2}]", 1, "!");
    push("math_add", "[{\"a\":1,\"b\":2}]", 5);
    CU_ASSERT(wait_processed(6, SHORT_MS));
    CU_ASSERT_EQUAL(info().total_failures, 0);
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
}

/* ---- threads and connections ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { START_MS = LONG_MS }; /* a sanitizer's threads are dear */
#define SLOW_ARGS "[15000]"
#else
enum { START_MS = 10000 };
#define SLOW_ARGS "[6000]"
#endif

static void test_5000(void)
{
    static const char *const env[] = {"WORKER_CONCURRENCY=5000", NULL};
    int64_t began = clock_ms();
    long long all = 5000;

    if (!start_faktory(NULL) || !start_worker("slow_worker", env))
        return;
    CU_ASSERT(clock_ms() - began < START_MS);
    CU_ASSERT(info().connections < 20);
    push("slow", SLOW_ARGS, (int)all);
    /* all of them at the same time */
    CU_ASSERT(faktory_server_wait(faktory, working_reached, &all, LONG_MS, NULL));
    CU_ASSERT(page_says("/health", "\"threads\":5000"));
    CU_ASSERT(info().connections < 20);
    CU_ASSERT(wait_processed(all, LONG_MS));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT_EQUAL(info().working, 0);
}

static void test_long_and_short(void)
{
    static const char *const env[] = {"WORKER_CONCURRENCY=4", NULL};

    if (!start_faktory(NULL) || !start_worker("slow_worker", env))
        return;
    push("slow", "[6000]", 3); /* three of four threads are busy: the fourth does all the rest */
    CU_ASSERT(wait_working(3));
    push("noop", "[]", 200);
    CU_ASSERT(wait_processed(200, 5000));
    CU_ASSERT(wait_processed(203, SHORT_MS));
}

/* ---- what can be set ---- */

static void test_priority(void)
{
    static const char *const env[] = {"WORKER_QUEUES=critical,default",
                                      "WORKER_CONCURRENCY=1",
                                      "WORKER_CONNECTIONS=1",
                                      "WORKER_PREFETCH=1",
                                      "LOG_LEVEL=debug",
                                      NULL};
    char *log, *last_critical = NULL, *first_default;

    if (!start_faktory(NULL))
        return;
    push_to("default", "noop", "[\"later\"]", 20, "");
    push_to("critical", "noop", "[\"first\"]", 20, "");
    push_to("elsewhere", "noop", "[]", 1, "");
    if (!start_worker("slow_worker", env))
        return;
    CU_ASSERT(wait_processed(40, SHORT_MS));
    log = process_output(service_process(worker));
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    for (char *at = log; (at = strstr(at, "args=[\"first\"]")) != NULL; at++)
        last_critical = at;
    first_default = strstr(log, "args=[\"later\"]");
    CU_ASSERT_PTR_NOT_NULL(first_default);
    CU_ASSERT(last_critical && first_default && last_critical < first_default);
    free(log);
    CU_ASSERT_EQUAL(info().enqueued, 1);
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
}

static void test_busy_page(void)
{
    static const struct faktory_options options = {.web = true};
    static const char *const env[] = {"WORKER_LABELS=gpu,site-b", NULL};
    char url[96], host[256] = "";
    struct http_call call = {.url = url};
    struct http_answer answer;

    if (!start_faktory(&options) || !start_worker("worker-service", env))
        return;
    CU_ASSERT_EQUAL(gethostname(host, sizeof host - 1), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/busy", faktory_server_web_port(faktory));
    CU_ASSERT_EQUAL_FATAL(http_request(&call, &answer, NULL), 0);
    CU_ASSERT(strstr(answer.body, host) != NULL);
    CU_ASSERT(strstr(answer.body, "gpu") != NULL);
    CU_ASSERT(strstr(answer.body, "site-b") != NULL);
    http_answer_fini(&answer);
}

/* ---- its own page ---- */

static void test_page(void)
{
    static const char *const names[] = {
        "wf_worker_jobs_done_total{type=\"math_add\"} 7\n",
        "wf_worker_jobs_failed_total{type=\"math_divide\",permanent=\"true\"} 1\n",
        "wf_worker_jobs_fetched_total 8\n",
        "wf_worker_job_seconds_count{type=\"math_add\"} 7\n",
        "wf_worker_fetch_window{lane=\"0\"}",
        "wf_worker_settle_seconds_count",
        "wf_worker_threads 50\n",
        "wf_worker_connections_up",
        "wf_worker_build_info{version=",
        "process_cpu_seconds_total",
    };

    if (!start_faktory(NULL) || !start_worker("worker-service", NULL))
        return;
    push("math_add", "[{\"a\":1,\"b\":2}]", 7);
    push("math_divide", "[{\"a\":1,\"b\":0}]", 1);
    CU_ASSERT(wait_processed(8, SHORT_MS));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CU_ASSERT(page_says("/metrics", names[i]));
    CU_ASSERT_EQUAL(page("/health", NULL), 200);
    CU_ASSERT(page_says("/health", "\"state\":\"running\""));
    CU_ASSERT_EQUAL(page("/elsewhere", NULL), 404);
}

static void test_promtool(void)
{
    static const char *const argv[] = {"/bin/sh", "-c", "promtool check metrics <\"$FILE\"", NULL};
    static const char *const probe[] = {"/bin/sh", "-c", "command -v promtool", NULL};
    char path[TEMPDIR_MAX + 16], variable[TEMPDIR_MAX + 32], log[TEMPDIR_MAX + 16], *body = NULL;
    const char *env[] = {variable, NULL};
    struct process_options options = {.argv = probe, .env = env, .log_path = log};
    struct tempdir dir = {""};
    struct process *p;
    int status = -1;
    FILE *file;

    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
    snprintf(path, sizeof path, "%s/metrics", dir.path);
    snprintf(log, sizeof log, "%s/log", dir.path);
    snprintf(variable, sizeof variable, "FILE=%s", path);
    p = process_start(&options, NULL);
    if (!p || process_wait(p, SHORT_MS, &status) != 0 || status != 0)
        suite_skip("promtool is not installed");
    else if (start_faktory(NULL) && start_worker("worker-service", NULL)) {
        process_free(p);
        push("math_add", "[{\"a\":1,\"b\":2}]", 7);
        CU_ASSERT(wait_processed(7, SHORT_MS));
        CU_ASSERT_EQUAL(page("/metrics", &body), 200);
        file = fopen(path, "w");
        CU_ASSERT_FATAL(file && body && fputs(body, file) >= 0 && fclose(file) == 0);
        options.argv = argv;
        p = process_start(&options, NULL);
        CU_ASSERT_EQUAL(process_wait(p, SHORT_MS, &status), 0);
        CU_ASSERT_EQUAL(status, 0);
    }
    process_free(p);
    free(body);
    tempdir_fini(&dir);
}

/* ---- what cannot start ---- */

static int status_of(const char *const *args, const char *const *env)
{
    int status = -1;

    service_free(worker);
    worker = service_start("worker-service", args, NULL, env, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(worker);
    CU_ASSERT_EQUAL(process_wait(service_process(worker), SHORT_MS, &status), 0);
    return status;
}

static void test_bad_settings(void)
{
    static const char *const bad[] = {"WORKER_CONCURRENCY=0", "WORKER_PREFETCH=lots",
                                      "LOG_LEVEL=warning", NULL};
    static const char *const taken[] = {"WORKER_METRICS_ADDR=256.1.1.1:1", NULL};
    static const char *const check[] = {"--check-config", NULL};
    static const char *const help[] = {"--help", NULL};

    CU_ASSERT_EQUAL(status_of(NULL, bad), 2);
    CU_ASSERT(logged("WORKER_CONCURRENCY=\"0\": expected"));
    CU_ASSERT(logged("WORKER_PREFETCH=\"lots\": expected"));
    CU_ASSERT(logged("LOG_LEVEL=\"warning\": expected"));
    CU_ASSERT_EQUAL(status_of(NULL, taken), 1);
    CU_ASSERT(logged("cannot start"));
    CU_ASSERT_EQUAL(status_of(check, NULL), 0);
    CU_ASSERT(logged("WORKER_CONCURRENCY=50"));
    CU_ASSERT_EQUAL(status_of(help, NULL), 0);
    CU_ASSERT(logged("WORKER_SHUTDOWN_TIMEOUT"));
}

static void test_wrong_password(void)
{
    static const struct faktory_options options = {.password = "right-one"};
    static const char *const env[] = {NULL};
    char url[96];

    if (!start_faktory(&options))
        return;
    snprintf(url, sizeof url, "tcp://:wrong-one@127.0.0.1:%d", faktory_server_port(faktory));
    worker = service_start("worker-service", NULL, url, env, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(worker);
    CU_ASSERT(logs_within("nvalid password", SHORT_MS)); /* as Faktory says it */
    CU_ASSERT_EQUAL(page("/health", NULL), 503);
    CU_ASSERT(process_alive(service_process(worker))); /* somebody may set it right over there */
    CU_ASSERT_FALSE(logged("Worker connected"));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT_FALSE(logged("wrong-one"));
    service_free(worker);
    worker = NULL;
    if (!start_worker("worker-service", NULL))
        return;
    push("math_add", "[{\"a\":1,\"b\":2}]", 3);
    CU_ASSERT(wait_processed(3, SHORT_MS));
    CU_ASSERT(logged("tcp://:***@127.0.0.1"));
    CU_ASSERT_FALSE(logged("right-one"));
}

static const struct suite_test tests[] = {
    {"D22: jobs of all types are done, their results and request ids are in the log", test_types},
    {"10,000 jobs are each done once", test_many},
    {"D23: division by zero, an unknown type and bad arguments are buried, not retried",
     test_permanent},
    {"a failure worth a retry is retried", test_retryable},
    {"D19: a job without reserve_for is a job like others", test_no_reserve_for},
    {"D16, D17: 5,000 threads start in seconds, work at once, and need few connections", test_5000},
    {"long jobs do not keep short ones waiting", test_long_and_short},
    {"D25: queues are fetched from in the order that was set", test_priority},
    {"D24, D25: Faktory's page shows the machine's name and the labels", test_busy_page},
    {"the worker's page shows metrics and health", test_page},
    {"promtool finds nothing wrong with the metrics", test_promtool},
    {"D21, D26, D27: a worker that cannot start says why and exits with an error",
     test_bad_settings},
    {"D28: a wrong password is named and tried again, and no password is logged",
     test_wrong_password},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "worker", tests, SUITE_COUNT(tests), NULL,
                      worker_fixture_teardown);
}
