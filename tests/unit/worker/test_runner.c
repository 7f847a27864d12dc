// SPDX-License-Identifier: MIT
/*
 * runner, with a consumer of this test's own: the functions of consumer.h that the runner calls
 * are defined here, so the linker never looks for the real ones.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/sync.h"
#include "tests/support/wait.h"
#include "tests/unit/worker/fixture.h"
#include "worker/runner.h"

enum { LONG_MS = 60000 };

/* What the consumer was told; the last one's texts. */
static struct {
    pthread_mutex_t lock;
    unsigned acked, failed, buried;
    char jid[64], errtype[128], message[1100];
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

void consumer_ack(struct consumer *c, struct job *job)
{
    (void)c;
    mutex_lock(&told.lock);
    told.acked++;
    mutex_unlock(&told.lock);
    job_free(job);
}

void consumer_fail(struct consumer *c, struct job *job, const char *errtype, const char *message,
                   bool permanent)
{
    (void)c;
    mutex_lock(&told.lock);
    *(permanent ? &told.buried : &told.failed) += 1;
    snprintf(told.jid, sizeof told.jid, "%s", job->jid);
    snprintf(told.errtype, sizeof told.errtype, "%s", errtype);
    snprintf(told.message, sizeof told.message, "%s", message);
    mutex_unlock(&told.lock);
    job_free(job);
}

void consumer_hand_back(struct consumer *c, struct job *job)
{
    (void)c;
    (void)job;
    abort(); /* nothing here does that */
}

void consumer_store(struct consumer *c, struct job *job, struct buf *texts)
{
    (void)c;
    (void)job;
    (void)texts;
    abort();
}

/* ---- handlers ---- */

static _Atomic bool slow_is_inside, slow_may_end;

static void succeed(struct wf_job *job)
{
    wf_succeed(job, "{\"fine\":true}");
}

static void say_nothing(struct wf_job *job)
{
    (void)job;
}

static void fail(struct wf_job *job)
{
    wf_fail(job, "Timeout", "attempt %d", (int)wf_attempt(job));
}

static void fail_for_good(struct wf_job *job)
{
    wf_fail_for_good(job, "Broken", "for ever");
}

static bool may_end(void *arg)
{
    (void)arg;
    return atomic_load(&slow_may_end);
}

static void be_slow(struct wf_job *job)
{
    atomic_store(&slow_is_inside, true);
    (void)wait_until(may_end, NULL, LONG_MS);
    wf_succeed_string(job, wf_args(job)); /* still readable */
}

static const struct registry_row rows[] = {
    {"succeed", succeed}, {"say_nothing", say_nothing},
    {"fail", fail},       {"fail_for_good", fail_for_good},
    {"be_slow", be_slow},
};

/* ---- the parts ---- */

static struct metrics *metrics;
static struct registry *registry;
static struct runner *runner;
static struct crew *crew;

static void set_up(void)
{
    struct crew_options options = {
        .threads = 2, .waiting_max = 8, .stack_bytes = 1 << 20, .run = runner_run};

    told.acked = told.failed = told.buried = 0;
    told.jid[0] = told.errtype[0] = told.message[0] = '\0';
    slow_is_inside = slow_may_end = false;
    metrics = metrics_new();
    registry = registry_new(rows, sizeof rows / sizeof rows[0], metrics);
    runner = runner_new(registry, &(struct packs_metrics){NULL});
    options.ctx = runner;
    crew = crew_start(&options, NULL);
    crew_open(crew);
}

static void tear_down(void)
{
    if (!crew_stop(crew, clock_ms() + LONG_MS))
        abort();
    runner_free(runner);
    registry_free(registry);
    metrics_free(metrics);
}

static void run(const char *type, const char *more)
{
    CU_ASSERT(crew_add(crew, fixture_job(type, "[1]", more)));
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
}

/* ---- tests ---- */

static void test_done(void)
{
    const struct registry_entry *entry = registry_find(registry, "succeed");
    struct attempts_totals totals;

    run("succeed", "");
    run("succeed", "");
    CU_ASSERT_EQUAL(told.acked, 2);
    CU_ASSERT_EQUAL(counter_value(entry->done), 2);
    CU_ASSERT_EQUAL(histogram_count(entry->run_us), 2);
    runner_look(runner, &totals);
    CU_ASSERT_EQUAL(totals.done, 2);
    CU_ASSERT_EQUAL(totals.failed, 0);
}

static void test_failed(void)
{
    run("fail", ",\"failure\":{\"retry_count\":0}");
    CU_ASSERT_EQUAL(told.failed, 1);
    CU_ASSERT_EQUAL(told.buried, 0);
    CU_ASSERT_STRING_EQUAL(told.errtype, "Timeout");
    CU_ASSERT_STRING_EQUAL(told.message, "attempt 2");
    CU_ASSERT_EQUAL(counter_value(registry_find(registry, "fail")->failed), 1);
}

static void test_buried(void)
{
    run("fail_for_good", "");
    CU_ASSERT_EQUAL(told.buried, 1);
    CU_ASSERT_STRING_EQUAL(told.errtype, "Broken");
    CU_ASSERT_EQUAL(counter_value(registry_find(registry, "fail_for_good")->buried), 1);
}

static void test_silent(void)
{
    run("say_nothing", "");
    CU_ASSERT_EQUAL(told.buried, 1);
    CU_ASSERT_STRING_EQUAL(told.errtype, "NoOutcome");
    CU_ASSERT(strstr(told.message, "\"say_nothing\"") != NULL);
}

static void test_unknown(void)
{
    run("who_knows", "");
    CU_ASSERT_EQUAL(told.buried, 1);
    CU_ASSERT_STRING_EQUAL(told.errtype, "UnknownJobType");
    CU_ASSERT(strstr(told.message, "\"who_knows\"") != NULL);
    CU_ASSERT(strstr(told.message, "be_slow, fail, fail_for_good, say_nothing, succeed") != NULL);
}

static bool inside(void *arg)
{
    (void)arg;
    return atomic_load(&slow_is_inside);
}

static void test_given_up(void)
{
    struct job *job = fixture_job("be_slow", "[{\"a\":1}]", "");
    struct attempts_totals totals;

    CU_ASSERT(crew_add(crew, job));
    CU_ASSERT(wait_until(inside, NULL, LONG_MS));
    crew_close(crew);
    CU_ASSERT_EQUAL(crew_take_running(crew, runner_give_up, runner), 1);
    CU_ASSERT_EQUAL(told.failed, 1);
    CU_ASSERT_STRING_EQUAL(told.jid, "0123456789abcdef");
    CU_ASSERT_STRING_EQUAL(told.errtype, "WorkerStopped");
    CU_ASSERT(strstr(told.message, "had not ended after") != NULL);
    atomic_store(&slow_may_end, true);
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
    CU_ASSERT_EQUAL(told.acked, 0); /* settled once: the handler's own word came too late */
    CU_ASSERT_EQUAL(told.failed, 1);
    runner_look(runner, &totals);
    CU_ASSERT_EQUAL(totals.given_up, 1);
    CU_ASSERT_EQUAL(totals.done, 0);
    job_free(job); /* it is nobody's; a worker that gives up ends without freeing it */
}

static const struct suite_test tests[] = {
    {"a job that succeeds is acknowledged and counted", test_done},
    {"a failure worth a retry is failed with its type and message", test_failed},
    {"a permanent failure is buried", test_buried},
    {"a handler that says nothing has failed for good", test_silent},
    {"D23: an unknown type fails for good and names the known ones", test_unknown},
    {"a job that was given up is settled once, while its handler still reads it", test_given_up},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "runner", tests, SUITE_COUNT(tests), set_up, tear_down);
}
