// SPDX-License-Identifier: MIT
/* The test support itself, against a real Faktory: what these tests say, the others rely on. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/faktory_server.h"
#include "tests/support/faktory_talk.h"
#include "tests/support/http_client.h"
#include "tests/support/process.h"
#include "tests/support/procfs.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 10000 };

#define JOB(jid)                                                                                   \
    "{\"jid\":\"" jid "\",\"jobtype\":\"noop\",\"queue\":\"default\",\"args\":[1],"                \
    "\"retry\":0,\"reserve_for\":60}"

/* What INFO says, all zero when it could not be had. */
static struct faktory_info info_of(struct faktory_server *s)
{
    struct faktory_info info;

    CU_ASSERT_EQUAL(faktory_server_info(s, &info, NULL), 0);
    return info;
}

static void test_job_life(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);
    char *job;

    if (!s)
        return;
    CU_ASSERT_EQUAL(faktory_server_push(s, JOB("harness-1"), NULL), 0);
    CU_ASSERT_EQUAL(info_of(s).enqueued, 1);
    struct faktory_info info = info_of(s);
    CU_ASSERT_EQUAL(faktory_info_queue(&info, "default"), 1);
    CU_ASSERT_EQUAL(faktory_info_queue(&info, "nowhere"), -1);
    job = faktory_server_fetch(s, "default");
    CU_ASSERT_PTR_NOT_NULL(job);
    CU_ASSERT(job && strstr(job, "\"jid\":\"harness-1\""));
    free(job);
    CU_ASSERT_EQUAL(info_of(s).working, 1);
    CU_ASSERT_EQUAL(faktory_server_ack(s, "harness-1", NULL), 0);
    info = info_of(s);
    CU_ASSERT_EQUAL(info.working, 0);
    CU_ASSERT_EQUAL(info.total_processed, 1);
    CU_ASSERT_EQUAL(info.total_failures, 0);
    CU_ASSERT(info.connections >= 1);
    CU_ASSERT(info.command_count >= 5);
    CU_ASSERT_PTR_NULL(faktory_server_fetch(s, "default"));
    faktory_server_free(s);
}

static void test_refusals(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);
    struct err_text why = {""};
    char *reply;

    if (!s)
        return;
    CU_ASSERT_EQUAL(faktory_server_push(s, JOB("short"), &why), ERR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "jid"));
    CU_ASSERT_EQUAL(faktory_server_push(s, "{\"jid\":7}", &why), ERR_REFUSED);
    reply = faktory_server_command(s, "NONSENSE");
    CU_ASSERT(reply && strcmp(reply, "-ERR unknown command NONSENSE") == 0);
    free(reply);
    faktory_server_free(s);
}

static void test_flush(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);

    if (!s)
        return;
    CU_ASSERT_EQUAL(faktory_server_push(s, JOB("harness-1"), NULL), 0);
    CU_ASSERT_EQUAL(faktory_server_flush(s, NULL), 0);
    CU_ASSERT_EQUAL(info_of(s).enqueued, 0);
    faktory_server_free(s);
}

static void test_restart_keeps_jobs(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);
    struct err_text why = {""};
    char *job;
    int port;

    if (!s)
        return;
    port = faktory_server_port(s);
    CU_ASSERT_EQUAL(faktory_server_push(s, JOB("harness-1"), NULL), 0);
    CU_ASSERT_EQUAL(faktory_server_restart(s, &why), ERR_INVALID); /* it still runs */
    CU_ASSERT_EQUAL(faktory_server_stop(s), 0);
    CU_ASSERT_PTR_NULL(faktory_server_command(s, "INFO"));
    CU_ASSERT_EQUAL(faktory_server_restart(s, &why), 0);
    CU_ASSERT_EQUAL(faktory_server_port(s), port);
    job = faktory_server_fetch(s, "default");
    CU_ASSERT(job && strstr(job, "\"jid\":\"harness-1\""));
    free(job);
    faktory_server_free(s);
}

static void test_kill_and_restart(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);
    pid_t redis;

    if (!s)
        return;
    redis = procfs_child(process_pid(faktory_server_process(s)), "redis-server");
    CU_ASSERT(redis > 0);
    CU_ASSERT_EQUAL(faktory_server_push(s, JOB("harness-1"), NULL), 0);
    for (int i = 0; i < 3; i++) {
        struct err_text why = {""};

        CU_ASSERT_EQUAL(faktory_server_kill(s), 0);
        CU_ASSERT(procfs_gone(redis, "redis-server"));
        CU_ASSERT_EQUAL(faktory_server_restart(s, &why), 0);
        CU_ASSERT_STRING_EQUAL(why.text, "");
        CU_ASSERT_EQUAL(info_of(s).enqueued, 1);
    }
    faktory_server_free(s);
}

static void test_password(void)
{
    const struct faktory_options options = {.password = "open-sesame"};
    struct faktory_server *s = faktory_server_for_test(&options);
    struct faktory_talk *t;
    struct err_text why = {""};

    if (!s)
        return;
    CU_ASSERT_PTR_NOT_NULL(strstr(faktory_server_url(s), "tcp://:open-sesame@127.0.0.1:"));
    t = faktory_talk_open(faktory_server_port(s), "open-sesame", NULL, &why);
    CU_ASSERT_PTR_NOT_NULL(t);
    faktory_talk_close(t);
    CU_ASSERT_PTR_NULL(faktory_talk_open(faktory_server_port(s), "wrong", NULL, &why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "Invalid password"));
    CU_ASSERT_PTR_NULL(faktory_talk_open(faktory_server_port(s), NULL, NULL, &why));
    CU_ASSERT_EQUAL(faktory_server_push(s, JOB("harness-1"), NULL), 0);
    faktory_server_free(s);
}

/* A paused part gives no reply within the short wait of this test, and does after it goes on. */
static void pause_and_resume(struct faktory_server *s, enum faktory_part part, const char *command)
{
    struct faktory_talk *t = faktory_talk_open(faktory_server_port(s), NULL, NULL, NULL);
    int64_t started;
    char *reply;

    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL(faktory_server_pause(s, part), 0);
    CU_ASSERT_EQUAL(faktory_talk_send(t, command), 0);
    CU_ASSERT_FALSE(faktory_talk_ready(t, 300));
    started = clock_ms();
    CU_ASSERT_EQUAL(faktory_server_resume(s, part), 0);
    reply = faktory_talk_read(t);
    CU_ASSERT_PTR_NOT_NULL(reply);
    CU_ASSERT(clock_ms() - started < SHORT_MS);
    free(reply);
    faktory_talk_close(t);
}

static void test_pause(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);

    if (!s)
        return;
    pause_and_resume(s, FAKTORY_ITSELF, "INFO");
    pause_and_resume(s, FAKTORY_REDIS, "INFO");
    /* A paused server can be stopped, too. */
    CU_ASSERT_EQUAL(faktory_server_pause(s, FAKTORY_REDIS), 0);
    CU_ASSERT_EQUAL(faktory_server_pause(s, FAKTORY_ITSELF), 0);
    CU_ASSERT_EQUAL(faktory_server_stop(s), 0);
    faktory_server_free(s);
}

static void test_web(void)
{
    const struct faktory_options options = {.web = true};
    struct faktory_server *s = faktory_server_for_test(&options);
    struct faktory_talk *t;
    char *reply;

    if (!s)
        return;
    t = faktory_talk_open(faktory_server_port(s), NULL, "harness-worker", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    reply = faktory_talk_command(t, "BEAT {\"wid\":\"harness-worker\"}");
    CU_ASSERT(reply && strcmp(reply, "+OK") == 0);
    free(reply);
    CU_ASSERT_EQUAL(faktory_server_signal_workers(s, "quiet", NULL), 0);
    reply = faktory_talk_command(t, "BEAT {\"wid\":\"harness-worker\"}");
    CU_ASSERT(reply && strcmp(reply, "{\"state\":\"quiet\"}") == 0);
    free(reply);
    faktory_talk_close(t);
    faktory_server_free(s);
}

static bool all_waiting(const struct faktory_info *info, void *arg)
{
    return info->enqueued == *(int *)arg;
}

static void test_wait(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);
    struct faktory_info last;
    int wanted = 1;

    if (!s)
        return;
    CU_ASSERT_EQUAL(faktory_server_push(s, JOB("harness-1"), NULL), 0);
    CU_ASSERT(faktory_server_wait(s, all_waiting, &wanted, SHORT_MS, &last));
    CU_ASSERT_EQUAL(last.enqueued, 1);
    wanted = 2;
    CU_ASSERT_FALSE(faktory_server_wait(s, all_waiting, &wanted, 1, NULL));
    faktory_server_free(s);
}

static void test_two_servers(void)
{
    struct faktory_server *a = faktory_server_for_test(NULL),
                          *b = a ? faktory_server_for_test(NULL) : NULL;

    if (a && b) {
        CU_ASSERT_NOT_EQUAL(faktory_server_port(a), faktory_server_port(b));
        CU_ASSERT_EQUAL(faktory_server_push(a, JOB("harness-1"), NULL), 0);
        CU_ASSERT_EQUAL(info_of(a).enqueued, 1);
        CU_ASSERT_EQUAL(info_of(b).enqueued, 0);
        CU_ASSERT_FALSE(
            procfs_owns_listener(process_pid(faktory_server_process(a)), faktory_server_port(b)));
    }
    faktory_server_free(a);
    faktory_server_free(b);
}

static const struct suite_test tests[] = {
    {"a job is pushed, fetched and acknowledged, and INFO follows", test_job_life},
    {"what Faktory refuses is reported as refused", test_refusals},
    {"flush empties the server", test_flush},
    {"a stopped server keeps its jobs over the restart", test_restart_keeps_jobs},
    {"a killed server takes its redis along and restarts on the same data", test_kill_and_restart},
    {"a wrong password is refused and the right one is not", test_password},
    {"a paused server or redis answers only when it goes on", test_pause},
    {"the web page quiets a worker", test_web},
    {"waiting for INFO ends with the condition or with the deadline", test_wait},
    {"two servers live side by side", test_two_servers},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "harness", tests, SUITE_COUNT(tests), NULL, NULL);
}
