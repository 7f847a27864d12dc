// SPDX-License-Identifier: MIT
/*
 * How the API stops: under load, while Faktory hangs, twice, as PID 1. It runs the real program,
 * over HTTP, with a real Faktory behind it. A test that begins with D and a number would fail on
 * that defect of the system that came before.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/fault/api_case.h"
#include "tests/support/process.h"
#include "tests/support/procfs.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

/* D9: SIGTERM lost what was queued. */
static void test_stop_under_load(void)
{
    struct ids answered = {NULL, 0, 0}, queued = {NULL, 0, 0};
    struct http_load_run *run;
    int requests = 200000;

    if (!case_start(NULL))
        return;
    run = case_load(32, requests);
    CU_ASSERT(wait_until(case_thousand_done, run, SHORT_MS));
    CU_ASSERT_EQUAL(process_signal(service_process(tc.api), SIGTERM), 0);
    http_load_stop(run);
    CU_ASSERT(case_collect(run, requests, &answered, 202) >= 900);
    http_load_free(run);
    CU_ASSERT_EQUAL(case_exit_status(), 0);
    case_fetch("default", (size_t)case_info().enqueued, &queued, NULL);
    CU_ASSERT(ids_same(&answered, &queued));
    free(answered.at);
    free(queued.at);
}

static bool is_waiting(void *arg)
{
    (void)arg;
    return case_get("/metrics") == 200 &&
           strstr(tc.answer.body, "\nwf_api_in_flight_jobs 1\n") != NULL;
}

/* A request that Faktory keeps waiting, and the service told to stop. */
static struct http_load_run *stop_while_hanging(const char *const *env)
{
    struct http_load_run *run;

    if (!case_start(env))
        return NULL;
    CU_ASSERT_EQUAL(faktory_server_pause(tc.faktory, FAKTORY_ITSELF), 0);
    run = case_load(1, 1);
    CU_ASSERT(wait_until(is_waiting, NULL, SHORT_MS));
    CU_ASSERT_EQUAL(process_signal(service_process(tc.api), SIGTERM), 0);
    CU_ASSERT(process_has_logged(service_process(tc.api), "stopping", SHORT_MS));
    return run;
}

static void test_stop_has_a_deadline(void)
{
    static const char *const env[] = {"API_SHUTDOWN_TIMEOUT=700ms", NULL};
    struct http_load_run *run = stop_while_hanging(env);
    int64_t began = clock_ms();

    if (!run)
        return;
    CU_ASSERT_EQUAL(case_exit_status(), 0);
    CU_ASSERT(clock_ms() - began < SHORT_MS);
    CU_ASSERT_EQUAL(case_collect(run, 1, NULL, 504), 1); /* answered, and as unknown */
    http_load_free(run);
}

static void test_stop_waits_for_answers(void)
{
    struct http_load_run *run = stop_while_hanging(NULL);

    if (!run)
        return;
    CU_ASSERT_EQUAL(faktory_server_resume(tc.faktory, FAKTORY_ITSELF), 0);
    CU_ASSERT_EQUAL(case_collect(run, 1, NULL, 202), 1);
    http_load_free(run);
    CU_ASSERT_EQUAL(case_exit_status(), 0);
    CU_ASSERT_EQUAL(case_info().enqueued, 1);
}

static void test_second_signal(void)
{
    struct http_load_run *run = stop_while_hanging(NULL);
    int64_t began = clock_ms();

    if (!run)
        return;
    CU_ASSERT_EQUAL(process_signal(service_process(tc.api), SIGTERM), 0);
    CU_ASSERT_EQUAL(case_exit_status(), 1);
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
    {"D9: SIGTERM under load loses nothing that was answered", test_stop_under_load},
    {"stopping waits for Faktory until its deadline only", test_stop_has_a_deadline},
    {"a request that waits while the service stops gets its answer", test_stop_waits_for_answers},
    {"a second signal ends the service at once", test_second_signal},
    {"D9: SIGTERM stops the service as PID 1", test_pid_1},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "api_stop", tests, SUITE_COUNT(tests), NULL, case_teardown);
}
