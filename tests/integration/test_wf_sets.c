// SPDX-License-Identifier: MIT
/*
 * wf retries, dead and scheduled against a real Faktory: exactly the jobs that were named move, and
 * nothing moves that was not asked for.
 */
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "tests/integration/wf_fixture.h"

enum { WAIT_MS = 20000 };

static const char later[] = ",\"at\":\"2099-01-01T00:00:00Z\"";

static struct faktory_server *server;

static bool start(void)
{
    server = faktory_server_for_test(NULL);
    return server != NULL;
}

static void teardown(void)
{
    faktory_server_free(server);
    server = NULL;
}

/* ---- jobs in their sets ---- */

static void push(const char *jid, const char *type, const char *args, int retry, const char *more)
{
    struct buf job = BUF_INIT(0);
    struct err_text why = {""};

    buf_addf(
        &job,
        "{\"jid\":\"%s\",\"jobtype\":\"%s\",\"args\":[%s],\"queue\":\"default\",\"retry\":%d%s}",
        jid, type, args, retry, more);
    CU_ASSERT_EQUAL_FATAL(faktory_server_push(server, buf_str(&job), &why), 0);
    buf_fini(&job);
}

/* Puts the job into the retries (retry 5), or the dead (-1). */
static void fail(const char *jid, const char *type, const char *args, int retry)
{
    char line[128], *reply, *job;

    push(jid, type, args, retry, "");
    job = faktory_server_fetch(server, "default");
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(job, jid));
    free(job);
    snprintf(line, sizeof line, "FAIL {\"jid\":\"%s\",\"errtype\":\"E\",\"message\":\"m\"}", jid);
    reply = faktory_server_command(server, line);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
    CU_ASSERT_STRING_EQUAL(reply, "+OK");
    free(reply);
}

static struct faktory_info info(void)
{
    struct faktory_info i;

    CU_ASSERT_EQUAL(faktory_server_info(server, &i, NULL), 0);
    return i;
}

/* True when the queue holds exactly these jids, separated by blanks, in any order. */
static bool queue_holds(const char *jids)
{
    size_t wanted = 0, got = 0;
    bool good = true;
    char *job;

    for (const char *at = jids; *at; at += strcspn(at, " "), at += *at == ' ')
        wanted++;
    while (got < wanted && (job = faktory_server_fetch(server, "default")) != NULL) {
        const char *jid = strstr(job, "\"jid\":\"");
        char one[64] = "?";

        if (jid)
            snprintf(one, sizeof one, "%.*s", (int)strcspn(jid + 7, "\""), jid + 7);
        if (!strstr(jids, one)) {
            printf("%s was not to move\n", one);
            good = false;
        }
        CU_ASSERT_EQUAL(faktory_server_ack(server, one, NULL), 0);
        free(job);
        got++;
    }
    return good && got == wanted && info().enqueued == 0;
}

/* Runs wf with the words of a line, which are separated by bars; its exit code. */
static int wf(const char *line)
{
    const char *args[8] = {NULL};
    char words[128], *rest = words;

    snprintf(words, sizeof words, "%s", line);
    for (int n = 0; rest && n < 7; n++)
        args[n] = strsep(&rest, "|");
    return wf_run(faktory_server_url(server), NULL, args);
}

/* One command, and what became of the jobs. */
struct step {
    const char *line;
    int code;          /* its exit code */
    const char *moved; /* what it put into the queue, as for queue_holds() */
    struct {
        int retries, dead, scheduled;
    } left;
    const char *says; /* among other things */
};

static void take(const struct step *steps, int n)
{
    for (const struct step *s = steps; s < steps + n; s++) {
        struct faktory_info i;

        CU_ASSERT_EQUAL(wf(s->line), s->code);
        CU_ASSERT_TRUE(wf_says(s->says));
        CU_ASSERT_TRUE(queue_holds(s->moved));
        i = info();
        if (i.retries != s->left.retries || i.dead != s->left.dead ||
            i.scheduled != s->left.scheduled) {
            CU_FAIL("other jobs are left than should be");
            printf("%s leaves %lld, %lld and %lld jobs\n", s->line, i.retries, i.dead, i.scheduled);
        }
    }
}

/* ---- tests ---- */

static void counts(void)
{
    if (!start())
        return;
    fail("job-one-1", "a", "1", 5);
    fail("job-two-2", "a", "1", -1);
    push("job-three", "a", "1", 5, later);
    push("job-four-4", "a", "1", 5, later);
    CU_ASSERT_EQUAL(wf("retries"), 0);
    CU_ASSERT_TRUE(wf_says("retries: 1 job\n"));
    CU_ASSERT_TRUE(wf_says("cannot list them"));
    CU_ASSERT_TRUE(wf_says("http://127.0.0.1:7420/retries"));
    CU_ASSERT_EQUAL(wf("dead|--quiet"), 0);
    CU_ASSERT_STRING_EQUAL(wf_said, "dead: 1 job\n");
    CU_ASSERT_EQUAL(wf("scheduled|--json"), 0);
    CU_ASSERT_STRING_EQUAL(wf_said, "{\"set\":\"scheduled\",\"jobs\":2}\n");
}

static void by_type(void)
{
    static const struct step steps[] = {
        {"retries|requeue|--type|a*b|--yes",
         0,
         "type-star",
         {2, 0, 0},
         "done: requeue the jobs of type a*b among the 3 in retries"},
        {"retries|requeue|--type|a<b c|--yes", 0, "type-angle", {1, 0, 0}, ""},
        {"retries|requeue|--type|a|--yes", 0, "", {1, 0, 0}, ""},
    };

    if (!start())
        return;
    fail("type-star", "a*b", "1", 5);
    fail("type-other", "aXb", "1", 5);
    fail("type-angle", "a<b c", "1", 5);
    take(steps, SUITE_COUNT(steps));
}

static void by_id(void)
{
    static const struct step steps[] = {
        {"retries|kill|--id|first-job,third-job|-y", 0, "", {1, 2, 0}, ""},
        {"dead|requeue|--id=first-job|--yes", 0, "first-job", {1, 1, 0}, ""},
        {"dead|requeue|--all|--yes", 0, "third-job", {1, 0, 0}, ""},
        {"retries|requeue|--all|--yes", 0, "first-job-too", {0, 0, 0}, ""},
    };

    if (!start())
        return;
    fail("first-job", "a", "1", 5);
    fail("first-job-too", "a", "1", 5);
    fail("third-job", "a", "1", 5);
    take(steps, SUITE_COUNT(steps));
}

static void by_pattern(void)
{
    static const struct step steps[] = {
        {"retries|requeue|--pattern|\"New Y*k\"|--yes", 0, "pattern-1", {2, 0, 0}, ""},
        {"retries|discard|--pattern|New[ Y]|--yes", 0, "", {0, 0, 0}, ""},
    };

    if (!start())
        return;
    fail("pattern-1", "a", "{\"name\":\"New York\"}", 5);
    fail("pattern-2", "a", "{\"name\":\"NewYork\"}", 5);
    fail("pattern-3", "a", "{\"name\":\"New Delhi\"}", 5);
    take(steps, SUITE_COUNT(steps));
}

static void of_the_future(void)
{
    static const struct step steps[] = {
        {"scheduled|requeue|--type|a|--yes", 0, "future-1", {0, 0, 2}, ""},
        {"scheduled|kill|--type|b|--yes", 0, "", {0, 1, 1}, ""},
        {"scheduled|discard|--all|--yes|--json",
         0,
         "",
         {0, 1, 0},
         "{\"set\":\"scheduled\",\"action\":\"discard\",\"jobs_before\":1}"},
        {"scheduled|discard|--all", 0, "", {0, 1, 0}, "the set is empty"},
    };

    if (!start())
        return;
    push("future-1", "a", "1", 5, later);
    push("future-2", "b", "1", 5, later);
    push("future-3", "c", "1", 5, later);
    take(steps, SUITE_COUNT(steps));
}

static void refusals(void)
{
    static const struct step steps[] = {
        {"retries|discard|--all", 1, "", {1, 0, 0}, "say --yes"},
        {"retries|discard|--yes", 2, "", {1, 0, 0}, ""},
        {"retries|discard|--type||--yes", 2, "", {1, 0, 0}, ""},
        {"retries|discard|--id||--yes", 2, "", {1, 0, 0}, ""},
        {"retries|discard|--pattern|*|--yes", 2, "", {1, 0, 0}, ""},
        {"retries|--all", 2, "", {1, 0, 0}, ""},
        {"retries|burn|--all|--yes", 2, "", {1, 0, 0}, ""},
        {"dead|kill|--all|--yes", 2, "", {1, 0, 0}, "dead already"},
    };

    if (!start())
        return;
    fail("stays-here", "a", "1", 5);
    take(steps, SUITE_COUNT(steps));
    faktory_server_stop(server);
    CU_ASSERT_EQUAL(wf("retries"), 3);
    CU_ASSERT_TRUE(wf_says("wf doctor looks closer"));
}

/* ---- at a terminal ---- */

/* Runs `wf retries discard --all` at a terminal and types the answer; its exit code. */
static int at_a_terminal(const char *answer)
{
    const char *build = getenv("WF_BUILD");
    int64_t deadline = clock_ms() + WAIT_MS;
    char path[512], url[128];
    int terminal, status = -1;
    size_t n = 0;
    pid_t pid;

    snprintf(path, sizeof path, "%s/bin/wf", build ? build : "");
    snprintf(url, sizeof url, "%s", faktory_server_url(server));
    if ((pid = forkpty(&terminal, NULL, NULL, NULL)) == 0) {
        execl(path, path, "--faktory", url, "retries", "discard", "--all", (char *)NULL);
        _exit(127);
    }
    CU_ASSERT_TRUE_FATAL(pid > 0);
    while (n + 1 < sizeof wf_said) {
        struct pollfd p = {.fd = terminal, .events = POLLIN};
        ssize_t got = -1;

        if (poll(&p, 1, clock_poll_ms(deadline, WAIT_MS)) > 0)
            got = read(terminal, wf_said + n, sizeof wf_said - n - 1);
        if (got <= 0) /* EIO: the other end is closed */
            break;
        n += (size_t)got;
        wf_said[n] = '\0';
        if (answer && strstr(wf_said, "[y/N]")) {
            CU_ASSERT_EQUAL(write(terminal, answer, strlen(answer)), (ssize_t)strlen(answer));
            answer = NULL;
        }
    }
    if (clock_ms() >= deadline)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    close(terminal);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void asks(void)
{
    if (!start())
        return;
    fail("asked-for-1", "a", "1", 5);
    fail("asked-for-2", "a", "1", 5);
    CU_ASSERT_EQUAL(at_a_terminal("n\n"), 1);
    CU_ASSERT_TRUE(wf_says("discard all 2 jobs in retries? [y/N]"));
    CU_ASSERT_EQUAL(info().retries, 2);
    CU_ASSERT_EQUAL(at_a_terminal("\n"), 1);
    CU_ASSERT_EQUAL(info().retries, 2);
    CU_ASSERT_EQUAL(at_a_terminal("y\n"), 0);
    CU_ASSERT_EQUAL(info().retries, 0);
}

static const struct suite_test tests[] = {
    {"the sets are counted, and where to see their jobs is said", counts},
    {"the jobs of a type move, wildcards in its name or not", by_type},
    {"the jobs with these ids move, and none whose id only begins like that", by_id},
    {"the jobs that hold a pattern move, blanks included", by_pattern},
    {"jobs of the future can be had now, killed or discarded", of_the_future},
    {"nothing moves without saying which jobs, and that one is sure", refusals},
    {"at a terminal it says how many there are, asks, and does nothing without a yes", asks},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "wf_sets", tests, SUITE_COUNT(tests), NULL, teardown);
}
