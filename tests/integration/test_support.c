// SPDX-License-Identifier: MIT
/* The parts of the test support that need no job queue: programs, folders, HTTP, services. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/faktory_server.h"
#include "tests/support/http_client.h"
#include "tests/support/http_load.h"
#include "tests/support/process.h"
#include "tests/support/procfs.h"
#include "tests/support/services.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 10000 };

static struct tempdir dir;

static void set_up(void)
{
    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
}

static void tear_down(void)
{
    tempdir_fini(&dir);
}

static const char *in_dir(const char *name)
{
    static char path[TEMPDIR_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", dir.path, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *f = fopen(in_dir(name), "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
    chmod(in_dir(name), mode);
}

/* Runs a line of shell. */
static struct process *shell(const char *script, const char *const *env)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    char log[TEMPDIR_MAX + 64];
    struct process_options options = {.argv = argv, .env = env, .log_path = log};
    struct process *p;

    snprintf(log, sizeof log, "%s/log", dir.path);
    p = process_start(&options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return p;
}

static void expect_output(struct process *p, const char *wanted)
{
    char *text = process_output(p);

    CU_ASSERT(text && strcmp(text, wanted) == 0);
    free(text);
}

static void test_status_and_output(void)
{
    struct process *p = shell("echo out; echo err >&2; exit 7", NULL);
    int status = -1;

    CU_ASSERT_EQUAL(process_wait(p, SHORT_MS, &status), 0);
    CU_ASSERT_EQUAL(status, 7);
    CU_ASSERT_FALSE(process_alive(p));
    CU_ASSERT_EQUAL(process_signal(p, SIGTERM), ERR_ABSENT);
    CU_ASSERT_EQUAL(process_wait(p, 0, &status), 0);
    expect_output(p, "out\nerr\n");
    process_free(p);
}

static void test_cannot_run(void)
{
    const char *argv[] = {"/nonexistent/program", NULL};
    char log[TEMPDIR_MAX + 64];
    struct process_options options = {.argv = argv, .log_path = log};
    struct err_text why = {""};

    snprintf(log, sizeof log, "%s/log", dir.path);
    CU_ASSERT_PTR_NULL(process_start(&options, &why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "No such file"));
}

static void test_environment(void)
{
    static const char *const env[] = {"WF_TEST_*", "WF_TEST_B=new", "WF_OTHER", NULL};
    struct process *p;

    setenv("WF_TEST_A", "a", 1);
    setenv("WF_TEST_B", "old", 1);
    setenv("WF_OTHER", "o", 1);
    setenv("WF_OTHER_STAYS", "s", 1);
    p = shell("echo \"$WF_TEST_A,$WF_TEST_B,$WF_OTHER,$WF_OTHER_STAYS\"", env);
    CU_ASSERT_EQUAL(process_wait(p, SHORT_MS, NULL), 0);
    expect_output(p, ",new,,s\n");
    process_free(p);
}

static void test_log_wait(void)
{
    struct process *p = shell("echo ready; exec sleep 60", NULL);
    struct process *q;

    CU_ASSERT(process_has_logged(p, "ready", SHORT_MS));
    process_free(p);
    q = shell("echo nothing of interest", NULL);
    int64_t started = clock_ms();
    CU_ASSERT_FALSE(process_has_logged(q, "never said", SHORT_MS));
    CU_ASSERT(clock_ms() - started < SHORT_MS); /* it ended, so there is nothing to wait for */
    process_free(q);
}

static void test_stop(void)
{
    struct process *p = shell("trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done", NULL);

    CU_ASSERT(process_has_logged(p, "up", SHORT_MS));
    CU_ASSERT_EQUAL(process_stop(p, SHORT_MS), 3);
    process_free(p);
    p = shell("trap '' TERM; echo stubborn; while :; do sleep 0.05; done", NULL);
    CU_ASSERT(process_has_logged(p, "stubborn", SHORT_MS));
    CU_ASSERT_EQUAL(process_wait(p, 0, NULL), ERR_TIMEOUT);
    CU_ASSERT_EQUAL(process_stop(p, 50), 128 + SIGKILL);
    process_free(p);
}

static bool no_sleeper(void *arg)
{
    return procfs_gone(*(pid_t *)arg, "sleep");
}

/* The child of a test that dies goes with it: here the "test" is a forked process of this one. */
static void test_dies_with_its_test(void)
{
    const char *argv[] = {"/bin/sleep", "60", NULL};
    struct process_options options = {.argv = argv, .log_path = "/dev/null"};
    int tell[2];
    pid_t test, sleeper = 0;

    CU_ASSERT_EQUAL_FATAL(pipe(tell), 0);
    if ((test = fork()) == 0) {
        struct process *p = process_start(&options, NULL);
        pid_t pid = p ? process_pid(p) : 0;

        if (write(tell[1], &pid, sizeof pid) != (ssize_t)sizeof pid)
            _exit(1);
        for (;;)
            pause();
    }
    CU_ASSERT_EQUAL(read(tell[0], &sleeper, sizeof sleeper), (ssize_t)sizeof sleeper);
    CU_ASSERT(sleeper > 0);
    CU_ASSERT_FALSE(no_sleeper(&sleeper));
    kill(test, SIGKILL);
    waitpid(test, NULL, 0);
    CU_ASSERT(wait_until(no_sleeper, &sleeper, SHORT_MS));
    close(tell[0]);
    close(tell[1]);
}

static void test_tempdir(void)
{
    struct tempdir other = {""};
    char path[TEMPDIR_MAX];

    CU_ASSERT_EQUAL(tempdir_init(&other, NULL), 0);
    CU_ASSERT_STRING_NOT_EQUAL(other.path, dir.path);
    snprintf(path, sizeof path, "%s", other.path);
    mkdir(in_dir("inner"), 0700);
    write_file("inner/file", "text", 0600);
    char *text = file_text(in_dir("inner/file"));
    CU_ASSERT(text && strcmp(text, "text") == 0);
    free(text);
    CU_ASSERT_PTR_NULL(file_text(in_dir("missing")));
    tempdir_fini(&other);
    CU_ASSERT(getenv("WF_KEEP_TMP") || access(path, F_OK) != 0);
    tempdir_fini(&other);
}

static void test_free_port(void)
{
    int port = free_port();

    CU_ASSERT(port > 1024 && port < 65536);
    CU_ASSERT_FALSE(procfs_owns_listener(getpid(), port));
}

/* Faktory's own web page is the HTTP server at hand. NULL after a skip or a failure. */
static struct faktory_server *web_server(void)
{
    const struct faktory_options options = {.web = true};

    return faktory_server_for_test(&options);
}

static void test_http_request(void)
{
    struct faktory_server *s = web_server();
    struct http_answer answer;
    char url[64], value[64];
    struct http_call call = {.url = url};

    if (!s)
        return;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/stats", faktory_server_web_port(s));
    CU_ASSERT_EQUAL_FATAL(http_request(&call, &answer, NULL), 0);
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.body, "faktory_version"));
    CU_ASSERT_EQUAL(answer.body_len, strlen(answer.body));
    CU_ASSERT_PTR_NOT_NULL(http_answer_header(&answer, "content-type", value, sizeof value));
    CU_ASSERT_PTR_NOT_NULL(strstr(value, "application/json"));
    CU_ASSERT_PTR_NULL(http_answer_header(&answer, "X-None", value, sizeof value));
    http_answer_fini(&answer);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/static/none.css", faktory_server_web_port(s));
    CU_ASSERT_EQUAL_FATAL(http_request(&call, &answer, NULL), 0);
    CU_ASSERT_EQUAL(answer.status, 404);
    http_answer_fini(&answer);
    faktory_server_stop(s);
    CU_ASSERT_EQUAL(http_request(&call, &answer, NULL), ERR_IO);
    faktory_server_free(s);
}

static void ask_health(int n, struct buf *path, struct buf *body, void *arg)
{
    (void)body;
    (void)arg;
    buf_addf(path, "/health?n=%d", n);
}

static void test_http_load(void)
{
    struct faktory_server *s = web_server();
    const struct http_load_answer *answers;
    struct http_load load = {
        .connections = 16, .requests = 400, .method = "GET", .make = ask_health};
    struct http_load_run *run;
    int good = 0, none = 0;

    if (!s)
        return;
    load.port = faktory_server_web_port(s);
    run = http_load_start(&load);
    CU_ASSERT_PTR_NOT_NULL_FATAL(run);
    answers = http_load_finish(run);
    for (int i = 0; i < load.requests; i++)
        good += answers[i].status == 200 && answers[i].us > 0 &&
                strstr(answers[i].body, "faktory_version") != NULL;
    CU_ASSERT_EQUAL(good, load.requests);
    CU_ASSERT_EQUAL(http_load_progress(run), load.requests);
    http_load_free(run);
    faktory_server_stop(s);
    run = http_load_start(&load);
    CU_ASSERT_PTR_NOT_NULL_FATAL(run);
    answers = http_load_finish(run);
    for (int i = 0; i < load.requests; i++)
        none += answers[i].status == 0 && !answers[i].body;
    CU_ASSERT_EQUAL(none, load.requests);
    http_load_free(run);
    faktory_server_free(s);
}

/* A build folder whose programs are scripts, for what services.c itself does. */
static void fake_program(const char *name, const char *script)
{
    char path[64];

    mkdir(in_dir("bin"), 0700);
    snprintf(path, sizeof path, "bin/%s", name);
    write_file(path, script, 0700);
}

static void check_services(void)
{
    static const char *const env[] = {"WORKER_CONCURRENCY=3", NULL};
    static const char *const args[] = {"--version", NULL};
    struct err_text why = {""};
    struct service *s;
    char *text;

    fake_program("worker-service",
                 "#!/bin/sh\n"
                 "echo \"args=$* conc=$WORKER_CONCURRENCY queues=$WORKER_QUEUES\"\n"
                 "echo \"url=$FAKTORY_URL\"\n"
                 "echo 'info metrics on 127.0.0.1:4711'\n"
                 "trap 'exit 5' TERM\n"
                 "while :; do sleep 0.05; done\n");
    s = service_start("worker-service", args, "tcp://127.0.0.1:1", env, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(service_wait_port(s, "metrics", SHORT_MS), 4711);
    CU_ASSERT_EQUAL(service_wait_port(s, "listening", 0), 0);
    text = process_output(service_process(s));
    CU_ASSERT(text && strstr(text, "args=--version conc=3 queues=\n"));
    CU_ASSERT(text && strstr(text, "url=tcp://127.0.0.1:1\n"));
    free(text);
    CU_ASSERT_EQUAL(service_stop(s), 5);
    service_free(s);
    CU_ASSERT_PTR_NULL(service_start("no-such-service", NULL, NULL, NULL, &why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "no-such-service"));
}

static void test_services(void)
{
    const char *build = getenv("WF_BUILD");
    char *saved = build ? strdup(build) : NULL;

    setenv("WF_BUILD", dir.path, 1);
    setenv("WORKER_QUEUES", "the-testers-own", 1);
    check_services();
    unsetenv("WORKER_QUEUES");
    if (saved)
        setenv("WF_BUILD", saved, 1);
    else
        unsetenv("WF_BUILD");
    free(saved);
}

static const struct suite_test tests[] = {
    {"a program's exit status and output are seen", test_status_and_output},
    {"a program that cannot be run is reported at once", test_cannot_run},
    {"a child's environment is changed as told", test_environment},
    {"waiting for a line ends with the line or with the program", test_log_wait},
    {"stop asks first and kills after the deadline", test_stop},
    {"a child dies with the test that started it", test_dies_with_its_test},
    {"a temporary folder goes with all that is in it", test_tempdir},
    {"a free port is one that nobody listens on", test_free_port},
    {"one request brings status, headers and body", test_http_request},
    {"many connections bring one answer for each request", test_http_load},
    {"a service gets its settings and not the tester's", test_services},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "support", tests, SUITE_COUNT(tests), set_up, tear_down);
}
