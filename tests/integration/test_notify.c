// SPDX-License-Identifier: MIT
/*
 * What both services tell a service manager, and that their signs of life mean something: a thread
 * that hangs ends them. The real programs, with a socket of ours as the manager's.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/faktory_server.h"
#include "tests/support/manager.h"
#include "tests/support/process.h"
#include "tests/support/services.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { SOON_MS = 15000, WATCHDOG_MS = 2000 };

static struct tempdir dir;
static struct manager manager;
static struct service *service;
static struct faktory_server *faktory;

static void setup(void)
{
    char path[TEMPDIR_MAX + 16];

    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
    snprintf(path, sizeof path, "%s/notify", dir.path);
    CU_ASSERT_EQUAL_FATAL(manager_init(&manager, path), 0);
}

static void teardown(void)
{
    service_free(service);
    service = NULL;
    faktory_server_free(faktory);
    faktory = NULL;
    manager_fini(&manager);
    tempdir_fini(&dir);
}

static void start(const char *program, const char *url)
{
    char watchdog[48];
    const char *env[] = {"WATCHDOG_PID", manager.env, watchdog, "LOG_LEVEL=debug", NULL};
    struct err_text why = {""};

    snprintf(watchdog, sizeof watchdog, "WATCHDOG_USEC=%d", WATCHDOG_MS * 1000);
    service = service_start(program, NULL, url, env, &why);
    if (!service)
        fprintf(stderr, "%s\n", why.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
}

/* ---- ready, alive, stopping ---- */

static void live_and_die(const char *program)
{
    char url[64];

    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", free_port()); /* nobody is there */
    start(program, url);
    CU_ASSERT(manager_hears_line(&manager, "READY=1", SOON_MS));
    for (int i = 0; i < 3; i++)
        CU_ASSERT(manager_hears_line(&manager, "WATCHDOG=1", WATCHDOG_MS));
    CU_ASSERT_EQUAL(service_stop(service), 0);
    CU_ASSERT(manager_hears_line(&manager, "STOPPING=1", SOON_MS));
    CU_ASSERT(manager_has_line(&manager, "EXTEND_TIMEOUT_USEC=35000000")); /* 25 s and 10 s */
}

static void test_api(void)
{
    live_and_die("api-service");
}

static void test_worker(void)
{
    live_and_die("worker-service");
}

static void test_cannot_start(void)
{
    const char *env[] = {manager.env, "BIND_ADDR=127.0.0.1:1", NULL};
    struct err_text why;

    if (getuid() == 0)
        env[1] = "BIND_ADDR=203.0.113.1:80"; /* an address for documents: no machine has it */
    service = service_start("api-service", NULL, "tcp://127.0.0.1:1", env, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
    CU_ASSERT(manager_hears(&manager, SOON_MS));
    CU_ASSERT_PTR_EQUAL(strstr(manager.text, "STATUS=cannot start: "), manager.text);
    CU_ASSERT(!manager_hears(&manager, 0));
    CU_ASSERT_EQUAL(service_stop(service), 1);
}

/* ---- status ---- */

static void test_status(void)
{
    if (!(faktory = faktory_server_for_test(NULL)))
        return;
    start("worker-service", faktory_server_url(faktory));
    CU_ASSERT(manager_hears_line(&manager, "STATUS=threads: 50; connections to Faktory: 16 of 16",
                                 SOON_MS));
    CU_ASSERT_EQUAL(process_signal(service_process(service), SIGTSTP), 0);
    CU_ASSERT(manager_hears_line(
        &manager, "STATUS=threads: 50, quiet; connections to Faktory: 16 of 16", SOON_MS));
    CU_ASSERT_EQUAL(faktory_server_stop(faktory), 0);
    CU_ASSERT(manager_hears_line(
        &manager, "STATUS=threads: 50, quiet; connections to Faktory: 0 of 16", SOON_MS));
}

/* ---- a thread that hangs ---- */

/* The thread of that name of the running service, or 0. */
static pid_t find_thread(const char *name)
{
    char path[320];
    DIR *tasks;
    struct dirent *task;
    pid_t found = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)process_pid(service_process(service)));
    if (!(tasks = opendir(path)))
        return 0;
    while (!found && (task = readdir(tasks)) != NULL) {
        char comm[32] = "", *text;

        snprintf(path, sizeof path, "/proc/%d/task/%.20s/comm",
                 (int)process_pid(service_process(service)), task->d_name);
        text = file_text(path);
        snprintf(comm, sizeof comm, "%s", text ? text : "");
        free(text);
        comm[strcspn(comm, "\n")] = '\0';
        if (strcmp(comm, name) == 0)
            found = (pid_t)strtol(task->d_name, NULL, 10);
    }
    closedir(tasks);
    return found;
}

/* Stops this one thread, as a debugger does; false when the machine does not allow it. */
static bool stop_thread(pid_t thread)
{
    int status;

    return ptrace(PTRACE_SEIZE, thread, NULL, NULL) == 0 &&
           ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0 &&
           waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status);
}

/* Silence for the whole of the watchdog's time. A thread may have said just before it was stopped
 * that it turns within a second, and half of the watchdog's time after that it is overdue: until
 * then, which is as long as the watchdog's time, signs of life may come. */
static bool hears_no_life(void)
{
    int64_t until_ms = clock_ms() + 2 * WATCHDOG_MS;

    while (clock_ms() < until_ms)
        if (!manager_hears_line(&manager, "WATCHDOG=1", WATCHDOG_MS))
            return true;
    return false;
}

static void hang(const char *program, const char *thread_name)
{
    char url[64];
    pid_t thread;

    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", free_port());
    start(program, url);
    CU_ASSERT(manager_hears_line(&manager, "READY=1", SOON_MS));
    CU_ASSERT(manager_hears_line(&manager, "WATCHDOG=1", SOON_MS));
    thread = find_thread(thread_name);
    CU_ASSERT_FATAL(thread > 0);
    if (!stop_thread(thread)) {
        suite_skip("this machine lets no process stop a thread of another (ptrace)");
        return;
    }
    CU_ASSERT(hears_no_life());
    CU_ASSERT(process_alive(service_process(service))); /* all else still turns */
    CU_ASSERT_EQUAL(ptrace(PTRACE_DETACH, thread, NULL, NULL), 0);
    CU_ASSERT(manager_hears_line(&manager, "WATCHDOG=1", SOON_MS));
    CU_ASSERT_EQUAL(service_stop(service), 0);
}

static void test_api_loop_hangs(void)
{
    hang("api-service", "http");
}

static void test_api_flusher_hangs(void)
{
    hang("api-service", "flusher");
}

static void test_worker_ticker_hangs(void)
{
    hang("worker-service", "consumer-tick");
}

static const struct suite_test tests[] = {
    {"the API is ready without Faktory, gives signs of life, says that it stops", test_api},
    {"so does the worker", test_worker},
    {"a service that cannot start says why, and not that it is ready", test_cannot_start},
    {"the status says what is connected, and whether a worker is quiet", test_status},
    {"an API whose http thread hangs gives no sign of life", test_api_loop_hangs},
    {"so does one whose flusher hangs", test_api_flusher_hangs},
    {"a worker whose clockwork hangs gives no sign of life", test_worker_ticker_hangs},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "notify", tests, SUITE_COUNT(tests), setup, teardown);
}
