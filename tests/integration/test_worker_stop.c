// SPDX-License-Identifier: MIT
/*
 * How the worker goes quiet and stops, and what it does when Faktory is in trouble: every job is
 * counted. A test that begins with D and a number would fail on that defect of the system that came
 * before.
 */
#include "tests/integration/worker_fixture.h"
#include "tests/support/procfs.h"
#include "tests/support/tempdir.h"

/* So many jobs are with their handlers in slow_worker, since its start: Faktory counts a job as
 * running as soon as it was fetched. */
static bool wait_inside(int n)
{
    char text[32];

    snprintf(text, sizeof text, "inside jobs=%d\n", n);
    return wait_working(n) && logs_within(text, SHORT_MS);
}

/* The number in "stopped: ... <n> <what>", -1 without it. */
static long stopped_count(const char *what)
{
    char *log = process_output(service_process(worker)), *line, *end;
    long n = -1;

    line = log ? strstr(log, "stopped: ") : NULL;
    end = line ? strstr(line, what) : NULL;
    if (end) {
        char *digit = end - 1;

        while (digit > line && digit[-1] >= '0' && digit[-1] <= '9')
            digit--;
        n = strtol(digit, NULL, 10);
    }
    free(log);
    return n;
}

/* ---- SIGTERM ---- */

static void test_busy(void)
{
    enum { N = 400 };
    static const char *const env[] = {"WORKER_CONCURRENCY=4", NULL};
    struct faktory_info now;
    int64_t took_ms;

    if (!start_faktory(NULL) || !start_worker("slow_worker", env))
        return;
    push("slow", "[300]", N);
    CU_ASSERT(wait_processed(4, SHORT_MS));
    CU_ASSERT_EQUAL(ended(SIGTERM, &took_ms), 0);
    CU_ASSERT(took_ms < 6000); /* one running job and one FETCH, not all of the time-out */
    now = info();
    CU_ASSERT_EQUAL(now.working, 0);
    CU_ASSERT_EQUAL(now.retries + now.scheduled + now.dead, 0);
    CU_ASSERT(now.enqueued > 0);
    CU_ASSERT_EQUAL(now.total_failures, 0);
    /* An ACK of a job that was handed back counts as processed too. */
    CU_ASSERT_EQUAL(stopped_count("done") + now.enqueued, N);
    CU_ASSERT_EQUAL(now.total_processed, stopped_count("done") + stopped_count("handed back"));
    CU_ASSERT_EQUAL(stopped_count("did not end"), 0);
}

/* The worker's count of FETCHes that found nothing, -1 when it cannot be had. */
static long empty_fetches(void)
{
    static const char name[] = "\nwf_worker_fetches_empty_total ";
    char *body = NULL, *at;
    long n = -1;

    (void)page("/metrics", &body);
    if (body && (at = strstr(body, name)) != NULL)
        n = strtol(at + sizeof name - 1, NULL, 10);
    free(body);
    return n;
}

static bool more_empty(void *arg)
{
    return empty_fetches() > *(const long *)arg;
}

/* A FETCH that waits at Faktory cannot be called back: what it brings after the signal is a job
 * that does not start. Just after an empty answer it will wait for almost two seconds more. */
static void test_handed_back(void)
{
    enum { N = 8 };
    long found = 0, handed_back, before;
    char *job;

    if (!start_faktory(NULL) || !start_worker("slow_worker", NULL))
        return;
    before = empty_fetches();
    CU_ASSERT(wait_until(more_empty, &before, SHORT_MS));
    CU_ASSERT_EQUAL(process_signal(service_process(worker), SIGTERM), 0);
    CU_ASSERT(logs_within("stopping: waiting for 0 running jobs", SHORT_MS));
    push("noop", "[]", N);
    CU_ASSERT_EQUAL(ended(0, NULL), 0);
    handed_back = stopped_count("handed back");
    CU_ASSERT(handed_back >= 1);
    CU_ASSERT_EQUAL(stopped_count("done"), 0);
    CU_ASSERT_EQUAL(info().working, 0);
    CU_ASSERT_EQUAL(info().enqueued, N);
    for (int i = 0; i < N && (job = faktory_server_fetch(faktory, "default")) != NULL; i++) {
        if (strstr(job, "\"wf_jid\":\"worker-test-")) {
            found++;
            CU_ASSERT(strstr(job, "\"jid\":\"worker-test-") == NULL); /* under a new one */
            CU_ASSERT(strstr(job, "\"retry\":25") != NULL);
            CU_ASSERT(strstr(job, "\"failure\"") == NULL); /* it cost no retry */
        }
        free(job);
    }
    CU_ASSERT(found >= 1 && found <= handed_back);
}

static void test_nothing_after(void)
{
    struct faktory_info now;
    int64_t took_ms;

    if (!start_faktory(NULL) || !start_worker("worker-service", NULL))
        return;
    push("math_add", "[{\"a\":1,\"b\":2}]", 5);
    CU_ASSERT(wait_processed(5, SHORT_MS));
    CU_ASSERT_EQUAL(ended(SIGTERM, &took_ms), 0);
    CU_ASSERT(took_ms < 5000);
    push("math_add", "[{\"a\":1,\"b\":2}]", 50);
    now = info();
    CU_ASSERT_EQUAL(now.enqueued, 50);
    CU_ASSERT_EQUAL(now.total_processed, 5);
}

static void test_too_long(void)
{
    static const char *const env[] = {"WORKER_SHUTDOWN_TIMEOUT=5s", NULL};
    struct faktory_info now;
    int64_t took_ms;

    if (!start_faktory(NULL) || !start_worker("slow_worker", env))
        return;
    push("slow", "[600000]", 3);
    push("polite", "[600000]", 1);
    CU_ASSERT(wait_inside(4));
    CU_ASSERT_EQUAL(ended(SIGTERM, &took_ms), 0);
    CU_ASSERT(took_ms < 8000); /* the 5 s, and not the 25 of the default */
    now = info();
    CU_ASSERT_EQUAL(now.working, 0);
    CU_ASSERT_EQUAL(now.retries, 4); /* tried again elsewhere, later */
    CU_ASSERT_EQUAL(now.dead, 0);
    CU_ASSERT_EQUAL(now.total_failures, 4);
    CU_ASSERT_EQUAL(stopped_count("did not end"), 3);
    CU_ASSERT(logged("errtype=WorkerStopped"));
    CU_ASSERT(logged("had not ended after"));
    CU_ASSERT(logged("errtype=GaveUp")); /* it was asked, and said so itself */
}

static void test_second_signal(void)
{
    int64_t took_ms;

    if (!start_faktory(NULL) || !start_worker("slow_worker", NULL))
        return;
    push("slow", "[600000]", 1);
    CU_ASSERT(wait_inside(1));
    CU_ASSERT_EQUAL(process_signal(service_process(worker), SIGTERM), 0);
    CU_ASSERT(logs_within("stopping: waiting for 1 running jobs", SHORT_MS));
    CU_ASSERT_EQUAL(ended(SIGINT, &took_ms), 1);
    CU_ASSERT(took_ms < SHORT_MS); /* not the 25 seconds that the first one allows */
    CU_ASSERT(logged("second signal"));
}

static void test_without_faktory(void)
{
    static const char *const env[] = {"WORKER_SHUTDOWN_TIMEOUT=5s", NULL};
    int64_t took_ms;

    if (!start_faktory(NULL) || !start_worker("slow_worker", env))
        return;
    push("slow", "[3000]", 1);
    CU_ASSERT(wait_inside(1));
    CU_ASSERT_EQUAL(faktory_server_kill(faktory), 0);
    CU_ASSERT_EQUAL(ended(SIGTERM, &took_ms), 1); /* the job was done and Faktory does not know */
    CU_ASSERT(took_ms < 8000);
    CU_ASSERT(logged("Faktory does not know every outcome"));
}

/* ---- quiet, and Faktory's page ---- */

static void check_quiet(void)
{
    CU_ASSERT(page_says("/health", "\"state\":\"quiet\""));
    CU_ASSERT(wait_processed(1, SHORT_MS)); /* what was in hand went on */
}

/* FETCHes that were under way when it went quiet may still bring their jobs; no others come. */
static bool fetches_ended(void *arg)
{
    char *body = NULL;
    bool none;

    (void)arg;
    (void)page("/metrics", &body);
    none = body && strstr(body, "wf_worker_fetches_in_flight 0\n");
    free(body);
    return none;
}

static void check_quiet_fetches_nothing(void)
{
    struct faktory_info now;

    CU_ASSERT(wait_until(fetches_ended, NULL, SHORT_MS));
    push("noop", "[]", 20);
    now = info();
    CU_ASSERT_EQUAL(now.enqueued, 20);
    CU_ASSERT(process_alive(service_process(worker)));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT_EQUAL(info().enqueued, 20);
    CU_ASSERT_EQUAL(info().working, 0);
}

static void test_quiet_signal(void)
{
    if (!start_faktory(NULL) || !start_worker("slow_worker", NULL))
        return;
    push("slow", "[1500]", 1);
    CU_ASSERT(wait_inside(1));
    CU_ASSERT_EQUAL(process_signal(service_process(worker), SIGTSTP), 0);
    CU_ASSERT(
        logs_within("quiet: no more jobs are fetched, those in hand go on (SIGTSTP)", SHORT_MS));
    CU_ASSERT_EQUAL(process_signal(service_process(worker), SIGCONT), 0); /* changes nothing */
    check_quiet();
    check_quiet_fetches_nothing();
}

static void test_quiet_page(void)
{
    static const struct faktory_options options = {.web = true};

    if (!start_faktory(&options) || !start_worker("slow_worker", NULL))
        return;
    push("slow", "[1500]", 1);
    CU_ASSERT(wait_inside(1));
    CU_ASSERT_EQUAL(faktory_server_signal_workers(faktory, "quiet", NULL), 0);
    CU_ASSERT(logs_within("those in hand go on (asked by Faktory)", LONG_MS));
    check_quiet();
    check_quiet_fetches_nothing();
}

static void test_terminate_page(void)
{
    static const struct faktory_options options = {.web = true};

    if (!start_faktory(&options) || !start_worker("slow_worker", NULL))
        return;
    push("noop", "[]", 5);
    CU_ASSERT(wait_processed(5, SHORT_MS));
    CU_ASSERT_EQUAL(faktory_server_signal_workers(faktory, "terminate", NULL), 0);
    CU_ASSERT_EQUAL(ended(0, NULL), 0);
    CU_ASSERT(logged("stopping worker (asked by Faktory)"));
    CU_ASSERT_EQUAL(info().working, 0);
}

/* ---- Faktory in trouble ---- */

static bool nothing_left(const struct faktory_info *now, void *arg)
{
    (void)arg;
    return now->enqueued == 0 && now->working == 0;
}

static void test_restart(void)
{
    struct err_text why = {""};

    if (!start_faktory(NULL) || !start_worker("worker-service", NULL))
        return;
    push("math_add", "[{\"a\":1,\"b\":2}]", 10);
    CU_ASSERT(wait_processed(10, SHORT_MS));
    CU_ASSERT_EQUAL(faktory_server_stop(faktory), 0);
    CU_ASSERT_EQUAL_FATAL(faktory_server_restart(faktory, &why), 0);
    push("math_add", "[{\"a\":1,\"b\":2}]", 500);
    CU_ASSERT(wait_processed(510, LONG_MS));
    CU_ASSERT_EQUAL(faktory_server_kill(faktory), 0);
    CU_ASSERT_EQUAL_FATAL(faktory_server_restart(faktory, &why), 0);
    push("math_add", "[{\"a\":1,\"b\":2}]", 500);
    CU_ASSERT(faktory_server_wait(faktory, nothing_left, NULL, LONG_MS, NULL));
    CU_ASSERT_EQUAL(page("/health", NULL), 200);
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT_EQUAL(info().working, 0);
    CU_ASSERT_EQUAL(stopped_count("done"), 1010);
}

/* A running job outlives a restart of Faktory, and its outcome gets there afterwards. */
static void test_restart_while_busy(void)
{
    struct err_text why = {""};

    if (!start_faktory(NULL) || !start_worker("slow_worker", NULL))
        return;
    push("slow", "[3000]", 20);
    CU_ASSERT(wait_inside(20));
    CU_ASSERT_EQUAL(faktory_server_stop(faktory), 0);
    CU_ASSERT_EQUAL_FATAL(faktory_server_restart(faktory, &why), 0);
    CU_ASSERT(faktory_server_wait(faktory, nothing_left, NULL, LONG_MS, NULL));
    CU_ASSERT_EQUAL(info().total_failures, 0);
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT_EQUAL(stopped_count("done"), 20);
}

static void test_comes_later(void)
{
    struct err_text why = {""};

    if (!start_faktory(NULL))
        return;
    push("math_add", "[{\"a\":1,\"b\":2}]", 3);
    CU_ASSERT_EQUAL(faktory_server_stop(faktory), 0);
    worker = service_start("worker-service", NULL, faktory_server_url(faktory), NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(worker);
    CU_ASSERT_EQUAL(page("/health", NULL), 503);
    CU_ASSERT_EQUAL_FATAL(faktory_server_restart(faktory, &why), 0);
    CU_ASSERT(logs_within("Worker connected and ready", SHORT_MS));
    CU_ASSERT(wait_processed(3, SHORT_MS));
    CU_ASSERT_EQUAL(page("/health", NULL), 200);
}

static bool told_all(void *arg)
{
    char *body = NULL;
    bool all;

    (void)page("/metrics", &body);
    all = body && strstr(body, arg);
    free(body);
    return all;
}

/* Faktory is there and says nothing for some seconds: jobs that end meanwhile are told later. */
static void test_frozen(void)
{
    static char all_done[] = "wf_worker_jobs_done_total{type=\"slow\"} 30\n";

    if (!start_faktory(NULL) || !start_worker("slow_worker", NULL))
        return;
    push("slow", "[1000]", 30);
    CU_ASSERT(wait_inside(30));
    CU_ASSERT_EQUAL(faktory_server_pause(faktory, FAKTORY_ITSELF), 0);
    CU_ASSERT(wait_until(told_all, all_done, SHORT_MS));
    CU_ASSERT_EQUAL(page("/health", NULL), 200); /* a few seconds are nothing to worry about */
    CU_ASSERT_EQUAL(faktory_server_resume(faktory, FAKTORY_ITSELF), 0);
    push("noop", "[]", 100);
    CU_ASSERT(wait_processed(130, LONG_MS));
    CU_ASSERT_EQUAL(info().total_failures, 0);
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT_EQUAL(info().working, 0);
}

/* ---- as PID 1 ---- */

static bool may_unshare(const char *log)
{
    static const char *const probe[] = {"/usr/bin/unshare", "--pid", "--fork", "/bin/true", NULL};
    struct process_options options = {.argv = probe, .log_path = log};
    struct process *p = process_start(&options, NULL);
    int status = -1;
    bool may = p && process_wait(p, SHORT_MS, &status) == 0 && status == 0;

    process_free(p);
    return may;
}

/* build/MODE/bin/worker-service: of $WF_BUILD, else of the build that this test lies in. */
static void find_worker(char *out, size_t room)
{
    const char *build = getenv("WF_BUILD");
    char self[512] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *tests = n > 0 ? strstr(self, "/tests/") : NULL;

    if (tests)
        *tests = '\0';
    snprintf(out, room, "%s/bin/worker-service", build && *build ? build : self);
}

/* In a container the program is PID 1, and the kernel drops a signal that such a process does not
 * handle. The signal goes to the child of unshare, as a container's runtime would send it. */
static void test_pid_1(void)
{
    const char *argv[] = {"/usr/bin/unshare", "--pid", "--fork", "--kill-child", NULL, NULL};
    char program[640], url[128], log[TEMPDIR_MAX + 8];
    const char *const env[] = {"WORKER_*", url, NULL};
    struct process_options options = {.argv = argv, .env = env, .log_path = log};
    struct tempdir dir = {""};
    struct process *p = NULL;
    int status = -1;
    pid_t child;

    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
    snprintf(log, sizeof log, "%s/log", dir.path);
    if (!may_unshare(log))
        suite_skip("this machine does not let us make a PID namespace");
    else if (start_faktory(NULL)) {
        snprintf(url, sizeof url, "FAKTORY_URL=%s", faktory_server_url(faktory));
        find_worker(program, sizeof program);
        argv[4] = program;
        p = process_start(&options, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        CU_ASSERT(process_has_logged(p, "Worker connected and ready", SHORT_MS));
        child = procfs_child(process_pid(p), "worker-service");
        CU_ASSERT_FATAL(child > 0);
        CU_ASSERT_EQUAL(kill(child, SIGTERM), 0);
        CU_ASSERT_EQUAL(process_wait(p, SHORT_MS, &status), 0);
        CU_ASSERT_EQUAL(status, 0);
        CU_ASSERT_EQUAL(info().working, 0);
    }
    process_free(p);
    tempdir_fini(&dir);
}

static const struct suite_test tests[] = {
    {"D20: SIGTERM while busy leaves nothing reserved and loses nothing", test_busy},
    {"D20: jobs that did not start are back in the queue, at the cost of no retry",
     test_handed_back},
    {"D20: nothing is done after SIGTERM, and it does not take all of the time",
     test_nothing_after},
    {"D20: a job that does not end is failed in time and tried again elsewhere", test_too_long},
    {"a second signal ends the worker at once", test_second_signal},
    {"D21: a worker that leaves outcomes behind says so and exits with an error",
     test_without_faktory},
    {"SIGTSTP makes it quiet: it finishes what it has, fetches nothing, and stays",
     test_quiet_signal},
    {"\"quiet\" on Faktory's page does the same", test_quiet_page},
    {"\"terminate\" on Faktory's page stops it", test_terminate_page},
    {"D18: after a restart and a crash of Faktory it works again", test_restart},
    {"D18: jobs that run through a restart of Faktory are acknowledged", test_restart_while_busy},
    {"D18: a Faktory that comes later than the worker is found", test_comes_later},
    {"D18: a Faktory that is silent for seconds loses nothing", test_frozen},
    {"as PID 1 it stops like any other", test_pid_1},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "worker_stop", tests, SUITE_COUNT(tests), NULL,
                      worker_fixture_teardown);
}
