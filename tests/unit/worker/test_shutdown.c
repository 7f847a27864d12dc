// SPDX-License-Identifier: MIT
/*
 * shutdown: the steps and their order. The consumer is this test's own: its functions are defined
 * here, so the linker never looks for the real ones.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/sync.h"
#include "tests/support/wait.h"
#include "tests/unit/worker/fixture.h"
#include "worker/shutdown.h"

enum { LONG_MS = 60000, WAITING = 5 };

/* What the consumer was told, in order, one letter each: Quiet, hand Back, Ack, Fail, wait for
 * Replies, wait for Outcomes. */
static struct {
    pthread_mutex_t lock;
    char steps[32];
    bool fetched, settled; /* what the waits answer */
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(char step)
{
    mutex_lock(&told.lock);
    snprintf(told.steps + strlen(told.steps), 2, "%c", step);
    mutex_unlock(&told.lock);
}

void consumer_quiet(struct consumer *c, enum consumer_wish state)
{
    (void)c;
    note(state == CONSUMER_TERMINATE ? 'Q' : '?');
}

void consumer_hand_back(struct consumer *c, struct job *job)
{
    (void)c;
    note('B');
    job_free(job);
}

void consumer_store(struct consumer *c, struct job *job, struct buf *texts)
{
    (void)c;
    note('?'); /* no pack is in these tests */
    buf_fini(texts);
    job_free(job);
}

void consumer_ack(struct consumer *c, struct job *job)
{
    (void)c;
    note('A');
    job_free(job);
}

void consumer_fail(struct consumer *c, struct job *job, const char *errtype, const char *message,
                   bool permanent)
{
    (void)c;
    (void)message;
    note(strcmp(errtype, "WorkerStopped") == 0 && !permanent ? 'F' : '?');
    job_free(job);
}

bool consumer_wait_fetched(struct consumer *c, int64_t deadline_ms)
{
    (void)c;
    (void)deadline_ms;
    note('R');
    return told.fetched;
}

bool consumer_wait_settled(struct consumer *c, int64_t deadline_ms)
{
    (void)c;
    (void)deadline_ms;
    note('O');
    return told.settled;
}

void consumer_look(struct consumer *c, struct consumer_state *state)
{
    (void)c;
    *state = (struct consumer_state){.lanes = 1};
}

/* ---- the parts: one thread, in a job until the test lets it go ---- */

static _Atomic bool inside, may_end;
static struct metrics *metrics;
static struct registry *registry;
static struct runner *runner;
static struct crew *crew;
static struct counter *handed_back;

static bool is_true(void *arg)
{
    return atomic_load((_Atomic bool *)arg);
}

static void hold(struct wf_job *job)
{
    atomic_store(&inside, true);
    (void)wait_until(is_true, &may_end, LONG_MS);
    wf_succeed(job, NULL);
}

static const struct registry_row rows[] = {{"hold", hold}};

static void set_up(void)
{
    struct crew_options options = {
        .threads = 1, .waiting_max = 8, .stack_bytes = 1 << 20, .run = runner_run};

    told.steps[0] = '\0';
    told.fetched = told.settled = true;
    inside = may_end = false;
    metrics = metrics_new();
    handed_back = metrics_counter(metrics, "handed_back_total", "Handed back.", NULL);
    registry = registry_new(rows, 1, metrics);
    runner = runner_new(registry, &(struct packs_metrics){NULL, NULL, NULL});
    options.ctx = runner;
    crew = crew_start(&options, NULL);
    crew_open(crew);
}

static void tear_down(void)
{
    atomic_store(&may_end, true);
    if (!crew_stop(crew, clock_ms() + LONG_MS))
        abort();
    runner_free(runner);
    registry_free(registry);
    metrics_free(metrics);
}

static bool stop_within(int64_t cut_ms)
{
    struct shutdown s = {.crew = crew, .runner = runner, .handed_back = handed_back};
    int64_t now_ms = clock_ms();
    struct shutdown_plan plan = {now_ms + cut_ms / 2, now_ms + cut_ms, now_ms + cut_ms + 50};

    return shutdown_run(&s, &plan);
}

/* One that runs, five that wait. */
static struct job *fill(void)
{
    struct job *running = fixture_job("hold", "[]", "");

    CU_ASSERT(crew_add(crew, running));
    CU_ASSERT(wait_until(is_true, &inside, LONG_MS));
    for (int i = 0; i < WAITING; i++)
        CU_ASSERT(crew_add(crew, fixture_job("hold", "[]", "")));
    return running;
}

/* ---- tests ---- */

static void test_idle(void)
{
    CU_ASSERT(stop_within(LONG_MS));
    CU_ASSERT_STRING_EQUAL(told.steps, "QRO");
}

static bool began(void *arg)
{
    bool has;

    (void)arg;
    mutex_lock(&told.lock);
    has = told.steps[0] != '\0';
    mutex_unlock(&told.lock);
    return has;
}

static void *let_go(void *arg)
{
    (void)arg;
    (void)wait_until(began, NULL, LONG_MS);
    atomic_store(&may_end, true);
    return NULL;
}

static void test_waiting(void)
{
    pthread_t thread;

    (void)fill();
    CU_ASSERT_EQUAL_FATAL(thread_start(&thread, "let_go", 0, let_go, NULL), 0);
    /* the running one may end before the waiting ones are taken, and then starts one of them */
    CU_ASSERT(stop_within(LONG_MS));
    thread_join(thread);
    CU_ASSERT_EQUAL(told.steps[0], 'Q');
    CU_ASSERT_EQUAL(strlen(told.steps), 1 + 1 + WAITING + 2); /* each job exactly once */
    CU_ASSERT_PTR_NULL(strchr(told.steps, 'F'));
    CU_ASSERT_STRING_EQUAL(told.steps + 1 + 1 + WAITING, "RO");
}

static void test_no_end(void)
{
    struct job *running = fill();

    CU_ASSERT(stop_within(100));
    CU_ASSERT_STRING_EQUAL(told.steps, "QBBBBBFRO");
    CU_ASSERT_EQUAL(counter_value(handed_back), WAITING);
    atomic_store(&may_end, true);
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
    CU_ASSERT_STRING_EQUAL(told.steps, "QBBBBBFRO"); /* not settled a second time */
    job_free(running); /* nobody's; a worker that gives up ends without freeing it */
}

static void test_left_behind(void)
{
    told.fetched = false;
    CU_ASSERT_FALSE(stop_within(LONG_MS));
    told.fetched = true;
    told.settled = false;
    CU_ASSERT_FALSE(stop_within(LONG_MS));
}

static const struct suite_test tests[] = {
    {"an idle worker goes through the steps in order", test_idle},
    {"what waits is handed back, what runs is waited for", test_waiting},
    {"what does not end is failed, once", test_no_end},
    {"a FETCH or an outcome without an answer is not a good end", test_left_behind},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "shutdown", tests, SUITE_COUNT(tests), set_up, tear_down);
}
