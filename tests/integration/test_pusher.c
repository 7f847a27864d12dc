// SPDX-License-Identifier: MIT
/* The pusher on a real Faktory: what it says to be stored is in the queue, once. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/jid.h"
#include "tests/fault/rig.h"
#include "tests/support/faktory_server.h"
#include "tests/support/faktory_talk.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 10000, LONG_MS = 60000, THREADS_MAX = 96 };

struct fixture {
    struct faktory_server *server;
    struct faktory_settings settings;
    struct pusher *pusher;
    struct metrics *metrics;
    struct push_metrics counts;
};

static bool is_up(void *arg)
{
    struct fixture *f = arg;
    struct pusher_state state;

    pusher_look(f->pusher, &state);
    return state.connections_up == 4;
}

/* False when there is no Faktory: the test is skipped. */
static bool start(struct fixture *f, const struct faktory_options *options)
{
    *f = (struct fixture){.server = faktory_server_for_test(options)};
    if (!f->server)
        return false;
    f->settings = rig_settings(faktory_server_url(f->server));
    f->settings.net.read_ms = 10000;
    f->metrics = metrics_new();
    f->counts = (struct push_metrics){
        .batch_jobs = metrics_histogram(f->metrics, "batch_jobs", "Jobs.", NULL, metrics_batch_jobs,
                                        metrics_batch_jobs_n, 1),
        .stored = metrics_counter(f->metrics, "stored", "Stored.", NULL)};
    f->pusher = pusher_start(&(struct pusher_options){.settings = &f->settings,
                                                      .connections = 4,
                                                      .max_size = 100,
                                                      .max_delay_ms = 50,
                                                      .auto_batch = true,
                                                      .queue_max = 20000,
                                                      .metrics = f->counts});
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->pusher);
    CU_ASSERT_TRUE_FATAL(wait_until(is_up, f, SHORT_MS));
    return true;
}

static void stop(struct fixture *f)
{
    if (f->pusher)
        pusher_stop(f->pusher, clock_ms() + SHORT_MS);
    faktory_server_free(f->server);
    metrics_free(f->metrics);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

typedef char jid_text[JID_CHARS + 1];

/* All jobs of the queue, taken out: their jids, sorted; *n is how many. The caller frees. */
static jid_text *drain(struct fixture *f, const char *queue, unsigned *n)
{
    struct faktory_talk *t = faktory_talk_open(faktory_server_port(f->server), NULL, NULL, NULL);
    jid_text *jids = NULL;
    char line[96];

    *n = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    snprintf(line, sizeof line, "FETCH %s queues", queue); /* answers at once when it is empty */
    for (;;) {
        char *job = faktory_talk_command(t, line);
        const char *jid = job && job[0] == '{' ? strstr(job, "\"jid\":\"") : NULL;

        if (jid) {
            jids = realloc(jids, (*n + 1) * sizeof *jids);
            snprintf(jids[(*n)++], sizeof *jids, "%.24s", jid + 7);
        }
        free(job);
        if (!jid)
            break;
    }
    faktory_talk_close(t);
    qsort(jids, *n, sizeof *jids, compare);
    return jids;
}

static unsigned twice_in(jid_text *jids, unsigned n)
{
    unsigned twice = 0;

    for (unsigned i = 1; i < n; i++)
        twice += strcmp(jids[i - 1], jids[i]) == 0;
    return twice;
}

/* ---- pushing from threads ---- */

struct push_thread {
    pthread_t thread;
    struct fixture *fixture;
    struct rig_jobs *jobs;
    unsigned from, n, chain;
    unsigned refused; /* chains that pusher_add() did not take */
    bool wait_each;   /* for the outcome of each chain before the next */
    atomic_bool *enough;
};

static void *push_all(void *arg)
{
    struct push_thread *t = arg;

    for (unsigned i = 0; i < t->n && !(t->enough && atomic_load(t->enough)); i += t->chain) {
        if (rig_jobs_add(t->jobs, t->fixture->pusher, t->from + i, t->chain) != 0) {
            t->refused++;
            (void)rig_jobs_wait(t->jobs, UINT32_MAX, 2); /* a moment: Faktory is away */
            continue;
        }
        while (t->wait_each && rig_jobs_outcome(t->jobs, t->from + i) == RIG_UNSETTLED)
            (void)rig_jobs_wait(t->jobs, rig_jobs_settled(t->jobs) + 1, 100);
    }
    return NULL;
}

/* Pushes all of `jobs` from so many threads; the sum of refusals. */
static unsigned push_from(struct fixture *f, struct rig_jobs *jobs, unsigned n, unsigned threads,
                          struct push_thread like)
{
    struct push_thread all[THREADS_MAX];
    unsigned refused = 0;

    for (unsigned i = 0; i < threads; i++) {
        all[i] = like;
        all[i].fixture = f;
        all[i].jobs = jobs;
        all[i].n = n / threads;
        all[i].from = i * all[i].n;
        CU_ASSERT_EQUAL_FATAL(thread_start(&all[i].thread, "push", 0, push_all, &all[i]), 0);
    }
    for (unsigned i = 0; i < threads; i++) {
        thread_join(all[i].thread);
        refused += all[i].refused;
    }
    return refused;
}

static void test_all_once(void)
{
    enum { JOBS = 10000 };
    struct rig_jobs *jobs;
    struct fixture f;
    jid_text *jids;
    unsigned n;

    if (!start(&f, NULL))
        return;
    jobs = rig_jobs_new(JOBS, "default", 0, LONG_MS);
    CU_ASSERT_EQUAL(push_from(&f, jobs, JOBS, 20, (struct push_thread){.chain = 5}), 0);
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, JOBS, LONG_MS));
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_STORED), JOBS);
    CU_ASSERT_EQUAL(rig_jobs_twice(jobs), 0);
    CU_ASSERT_EQUAL(counter_value(f.counts.stored), JOBS);
    jids = drain(&f, "default", &n);
    CU_ASSERT_EQUAL(n, JOBS);
    CU_ASSERT_EQUAL(twice_in(jids, n), 0);
    for (unsigned i = 0; i < JOBS; i++)
        if (!bsearch(rig_jobs_jid(jobs, i), jids, n, sizeof *jids, compare)) {
            CU_FAIL("a stored job is not in the queue");
            break;
        }
    free(jids);
    stop(&f);
    rig_jobs_free(jobs);
}

/* How many threads find their job settled in one go depends on how fast they are. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { LEAST_BATCH = 10 };
#else
enum { LEAST_BATCH = 20 };
#endif

/* Group commit: 96 threads that each wait for their job share their pushes. */
static void test_batches(void)
{
    enum { EACH = 40, JOBS = THREADS_MAX * EACH };
    struct rig_jobs *jobs;
    struct fixture f;
    struct faktory_info before, after;
    long long commands;

    if (!start(&f, NULL))
        return;
    jobs = rig_jobs_new(JOBS, "default", 0, LONG_MS);
    CU_ASSERT_EQUAL(faktory_server_info(f.server, &before, NULL), 0);
    CU_ASSERT_EQUAL(
        push_from(&f, jobs, JOBS, THREADS_MAX, (struct push_thread){.chain = 1, .wait_each = true}),
        0);
    CU_ASSERT_EQUAL(faktory_server_info(f.server, &after, NULL), 0);
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_STORED), JOBS);
    CU_ASSERT_EQUAL(histogram_sum(f.counts.batch_jobs), JOBS);
    /* Faktory counts the same, and a few commands of the harness */
    commands = after.command_count - before.command_count;
    printf("       %lld commands for %d jobs\n", commands, JOBS);
    CU_ASSERT(commands >= (long long)histogram_count(f.counts.batch_jobs));
    CU_ASSERT(commands <= (long long)histogram_count(f.counts.batch_jobs) + 10);
    CU_ASSERT(histogram_count(f.counts.batch_jobs) < JOBS / LEAST_BATCH);
    stop(&f);
    rig_jobs_free(jobs);
}

static void test_lonely_job(void)
{
    struct rig_jobs *jobs;
    struct fixture f;
    int64_t before;

    if (!start(&f, NULL))
        return;
    jobs = rig_jobs_new(50, "default", 0, LONG_MS);
    before = clock_ms();
    for (unsigned i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, i, 1), 0);
        CU_ASSERT_TRUE(rig_jobs_wait(jobs, i + 1, SHORT_MS));
    }
    /* max_delay is 50 ms: waiting for company would have taken 2,500 */
    CU_ASSERT(clock_ms() - before < 2500);
    stop(&f);
    rig_jobs_free(jobs);
}

/* Faktory mixes up the retry counts of concurrent single pushes; through us each keeps its own. */
static void test_retry_survives(void)
{
    enum { KINDS = 4, EACH = 400 };
    static const int64_t retries[KINDS] = {0, -1, 3, 25};
    struct push_thread threads[KINDS];
    struct rig_jobs *jobs[KINDS];
    struct fixture f;
    unsigned wrong = 0;

    if (!start(&f, NULL))
        return;
    for (int k = 0; k < KINDS; k++) {
        char queue[16];

        snprintf(queue, sizeof queue, "kind%d", k);
        jobs[k] = rig_jobs_new(EACH, queue, retries[k], LONG_MS);
        threads[k] = (struct push_thread){.fixture = &f, .jobs = jobs[k], .n = EACH, .chain = 1};
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[k].thread, "kind", 0, push_all, &threads[k]),
                              0);
    }
    for (int k = 0; k < KINDS; k++) {
        thread_join(threads[k].thread);
        CU_ASSERT_TRUE(rig_jobs_wait(jobs[k], EACH, LONG_MS));
    }
    for (int k = 0; k < KINDS; k++) {
        struct faktory_talk *t = faktory_talk_open(faktory_server_port(f.server), NULL, NULL, NULL);
        char line[32], wanted[32];

        snprintf(line, sizeof line, "FETCH kind%d", k);
        snprintf(wanted, sizeof wanted, "\"retry\":%d,", (int)retries[k]);
        for (int i = 0; t && i < EACH; i++) {
            char *job = faktory_talk_command(t, line);

            wrong += !job || !strstr(job, wanted);
            free(job);
        }
        faktory_talk_close(t);
        rig_jobs_free(jobs[k]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    stop(&f);
}

/* Faktory is stopped and started while jobs come in: what was called stored is there after it. */
static void test_restart(void)
{
    enum { THREADS = 4, JOBS = 40000 };
    struct push_thread threads[THREADS];
    atomic_bool enough = false;
    struct rig_jobs *jobs;
    struct fixture f;
    unsigned n, stored = 0, missing = 0, added = 0;
    jid_text *jids;

    if (!start(&f, NULL))
        return;
    jobs = rig_jobs_new(JOBS, "default", 0, LONG_MS);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct push_thread){.fixture = &f,
                                          .jobs = jobs,
                                          .from = i * (JOBS / THREADS),
                                          .n = JOBS / THREADS,
                                          .chain = 1,
                                          .wait_each = true,
                                          .enough = &enough};
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[i].thread, "load", 0, push_all, &threads[i]),
                              0);
    }
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, 200, LONG_MS));
    CU_ASSERT_EQUAL(faktory_server_stop(f.server), 0);
    CU_ASSERT_EQUAL(faktory_server_restart(f.server, NULL), 0);
    CU_ASSERT_TRUE(wait_until(is_up, &f, SHORT_MS));
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, rig_jobs_settled(jobs) + 200, LONG_MS));
    atomic_store(&enough, true);
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i].thread);
    pusher_stop(f.pusher, clock_ms() + SHORT_MS);
    f.pusher = NULL;
    jids = drain(&f, "default", &n);
    for (unsigned i = 0; i < JOBS; i++) {
        added += rig_jobs_outcome(jobs, i) != RIG_UNSETTLED;
        if (rig_jobs_outcome(jobs, i) != PUSH_STORED)
            continue;
        stored++;
        missing += !n || !bsearch(rig_jobs_jid(jobs, i), jids, n, sizeof *jids, compare);
    }
    printf("       %u added, %u stored, %u unknown, %u in the queue\n", added, stored,
           rig_jobs_count(jobs, PUSH_UNKNOWN), n);
    CU_ASSERT(stored >= 400);
    CU_ASSERT_EQUAL(missing, 0);
    CU_ASSERT(n <= stored + rig_jobs_count(jobs, PUSH_UNKNOWN));
    CU_ASSERT_EQUAL(rig_jobs_twice(jobs), 0);
    free(jids);
    stop(&f);
    rig_jobs_free(jobs);
}

/* ---- connecting ---- */

static void test_password(void)
{
    const struct faktory_options options = {.password = "p\xc3\xa4ss:w%rd"};
    struct faktory_server *s = faktory_server_for_test(&options);
    struct faktory_settings settings;
    struct err_text why = {""};
    struct faktory *c;
    int code = 0;

    if (!s)
        return;
    settings = rig_settings("tcp://127.0.0.1:1");
    snprintf(settings.url.port, sizeof settings.url.port, "%d", faktory_server_port(s));
    snprintf(settings.url.password, sizeof settings.url.password, "%s", options.password);
    c = faktory_connect(&settings, NULL, &code, &why);
    CU_ASSERT_PTR_NOT_NULL(c);
    faktory_close(c);
    snprintf(settings.url.password, sizeof settings.url.password, "wrong");
    CU_ASSERT_PTR_NULL(faktory_connect(&settings, NULL, &code, &why));
    CU_ASSERT_EQUAL(code, ERR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "Invalid password"));
    settings.url.password[0] = '\0';
    CU_ASSERT_PTR_NULL(faktory_connect(&settings, NULL, &code, &why));
    CU_ASSERT_EQUAL(code, ERR_REFUSED);
    faktory_server_free(s);
}

static const struct suite_test tests[] = {
    {"ten thousand jobs from twenty threads are in the queue, each once", test_all_once},
    {"many threads that wait for their jobs share their pushes", test_batches},
    {"a job alone does not wait for company", test_lonely_job},
    {"each job keeps the retry that it was pushed with", test_retry_survives},
    {"what was stored is there after a restart under load", test_restart},
    {"the right password opens, a wrong one and none are refused for good", test_password},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "pusher", tests, SUITE_COUNT(tests), NULL, NULL);
}
