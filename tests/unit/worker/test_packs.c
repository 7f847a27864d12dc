// SPDX-License-Identifier: MIT
/*
 * packs, on a real crew, with a consumer of this test's own: the functions of consumer.h are
 * defined here, so the linker never looks for the real ones.
 */
#include "worker/packs.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/sync.h"
#include "common/pack/pack.h"
#include "common/pack/verdict.h"
#include "tests/support/wait.h"
#include "tests/unit/worker/fixture.h"
#include "worker/runner.h"

enum { LONG_MS = 60000, THREADS = 8, ITEMS = 300 };

/* What the consumer was told. */
static struct {
    pthread_mutex_t lock;
    unsigned acked, failed, buried, handed_back, stored;
    char jid[64], errtype[128], message[1100];
    struct buf texts; /* of the last store */
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(unsigned *count, struct job *job)
{
    mutex_lock(&told.lock);
    (*count)++;
    snprintf(told.jid, sizeof told.jid, "%s", job->jid);
    mutex_unlock(&told.lock);
    job_free(job);
}

void consumer_ack(struct consumer *c, struct job *job)
{
    (void)c;
    note(&told.acked, job);
}

void consumer_hand_back(struct consumer *c, struct job *job)
{
    (void)c;
    note(&told.handed_back, job);
}

void consumer_fail(struct consumer *c, struct job *job, const char *errtype, const char *message,
                   bool permanent)
{
    (void)c;
    mutex_lock(&told.lock);
    snprintf(told.errtype, sizeof told.errtype, "%s", errtype);
    snprintf(told.message, sizeof told.message, "%s", message);
    mutex_unlock(&told.lock);
    note(permanent ? &told.buried : &told.failed, job);
}

void consumer_store(struct consumer *c, struct job *job, struct buf *texts)
{
    (void)c;
    mutex_lock(&told.lock);
    buf_fini(&told.texts);
    told.texts = *texts;
    *texts = (struct buf)BUF_INIT(0);
    mutex_unlock(&told.lock);
    note(&told.stored, job);
}

/* ---- handlers ---- */

static atomic_uint runs[ITEMS], inside, most_inside;
static _Atomic bool may_end;

static bool is_free(void *arg)
{
    (void)arg;
    return atomic_load(&may_end);
}

/* args: [number of the item] */
static int64_t count(struct wf_job *job)
{
    int64_t n = 0;

    if (wf_integer(wf_arg(job, 1), &n))
        atomic_fetch_add(&runs[n], 1);
    return n;
}

static void quick(struct wf_job *job)
{
    (void)count(job);
    wf_succeed(job, NULL);
}

/* Every tenth fails, every hundredth for good. */
static void shaky(struct wf_job *job)
{
    int64_t n = count(job);

    if (n % 100 == 0)
        wf_fail_for_good(job, "Broken", "item %d", (int)n);
    else if (n % 10 == 0)
        wf_fail(job, "Timeout", "item %d", (int)n);
    else
        wf_succeed(job, NULL);
}

static void hold(struct wf_job *job)
{
    unsigned now = atomic_fetch_add(&inside, 1) + 1, most = atomic_load(&most_inside);

    (void)count(job);
    while (most < now && !atomic_compare_exchange_weak(&most_inside, &most, now))
        ;
    (void)wait_until(is_free, NULL, LONG_MS);
    atomic_fetch_sub(&inside, 1);
    wf_succeed_string(job, wf_args(job)); /* still readable */
}

static const struct registry_row rows[] = {{"quick", quick}, {"shaky", shaky}, {"hold", hold}};

/* ---- the parts ---- */

static struct metrics *metrics;
static struct packs_metrics counts;
static struct registry *registry;
static struct runner *runner;
static struct crew *crew;

static void set_up(void)
{
    struct crew_options options = {
        .threads = THREADS, .waiting_max = 6, .stack_bytes = 1 << 20, .run = runner_run};

    told.acked = told.failed = told.buried = told.handed_back = told.stored = 0;
    told.jid[0] = told.errtype[0] = told.message[0] = '\0';
    memset(runs, 0, sizeof runs);
    inside = most_inside = 0;
    may_end = false;
    metrics = metrics_new();
    counts = (struct packs_metrics){
        .opened = metrics_counter(metrics, "opened_total", "Opened.", NULL),
        .items = metrics_histogram(metrics, "items", "Items.", NULL, metrics_batch_jobs,
                                   metrics_batch_jobs_n, 1),
        .handed_back = metrics_counter(metrics, "handed_back_total", "Handed back.", NULL),
    };
    registry = registry_new(rows, sizeof rows / sizeof rows[0], metrics);
    runner = runner_new(registry, &counts);
    options.ctx = runner;
    crew = crew_start(&options, NULL);
    runner_connect(runner, NULL, crew);
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
    buf_fini(&told.texts);
}

/* A pack of `n` items of this type, numbered from 0. */
static struct job *make_pack(const char *type, int n, const char *more)
{
    struct buf list = BUF_INIT(0), text = BUF_INIT(0);
    struct pack_spec spec = {
        .jid = "the-pack", .queue = "default", .retry = 25, .reserve_for_s = 600, .n = (size_t)n};
    struct err_text why = {""};
    struct job *job;

    for (int i = 0; i < n; i++)
        buf_addf(&list,
                 "%c{\"jid\":\"item-%05d\",\"jobtype\":\"%s\",\"queue\":\"default\",\"args\":[%d],"
                 "\"retry\":3,\"reserve_for\":60}",
                 i == 0 ? '[' : ',', i, type, i);
    buf_add_char(&list, ']');
    spec.list = (struct json_slice){list.data, list.len};
    pack_write(&text, &spec);
    text.len--; /* the brace */
    buf_addf(&text, "%s}", more);
    job = job_parse(text.data, text.len, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    buf_fini(&list);
    buf_fini(&text);
    return job;
}

static void run(struct job *job)
{
    CU_ASSERT(crew_add(crew, job));
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
}

/* The item on line `n` of what was stored; freed by the caller. NULL: there is none. */
static struct job *stored(unsigned n)
{
    const char *at = buf_str(&told.texts);
    struct err_text why = {""};

    for (; *at && n > 0; n--)
        at = strchr(at, '\n') + 1;
    return *at ? job_parse(at, (size_t)(strchr(at, '\n') - at), &why) : NULL;
}

static unsigned stored_n(void)
{
    unsigned n = 0;

    for (const char *at = buf_str(&told.texts); *at; at++)
        n += *at == '\n';
    return n;
}

static unsigned started(void)
{
    unsigned n = 0;

    for (int i = 0; i < ITEMS; i++) {
        CU_ASSERT(atomic_load(&runs[i]) <= 1);
        n += atomic_load(&runs[i]);
    }
    return n;
}

/* ---- tests ---- */

static void test_done(void)
{
    const struct registry_entry *entry = registry_find(registry, "quick");
    struct attempts_totals totals;

    run(make_pack("quick", ITEMS, ""));
    CU_ASSERT_EQUAL(started(), ITEMS);
    CU_ASSERT_EQUAL(told.acked, 1);
    CU_ASSERT_STRING_EQUAL(told.jid, "the-pack");
    CU_ASSERT_EQUAL(told.stored + told.failed + told.buried, 0);
    CU_ASSERT_EQUAL(counter_value(entry->done), ITEMS);
    CU_ASSERT_EQUAL(histogram_count(entry->run_us), ITEMS);
    CU_ASSERT_EQUAL(counter_value(counts.opened), 1);
    CU_ASSERT_EQUAL(histogram_sum(counts.items), ITEMS);
    runner_look(runner, &totals);
    CU_ASSERT_EQUAL(totals.done, ITEMS);
}

static bool all_inside(void *arg)
{
    return atomic_load(&inside) >= *(unsigned *)arg;
}

static void test_spread(void)
{
    unsigned all = THREADS;

    CU_ASSERT(crew_add(crew, make_pack("hold", 20, "")));
    CU_ASSERT(wait_until(all_inside, &all, LONG_MS));
    atomic_store(&may_end, true);
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
    CU_ASSERT_EQUAL(most_inside, THREADS);
    CU_ASSERT_EQUAL(told.acked, 1);
    CU_ASSERT_EQUAL(started(), 20);
}

static void test_many_packs(void)
{
    for (int i = 0; i < 200; i++) {
        struct job *job = make_pack("shaky", 10, "");

        while (!crew_add(crew, job))
            CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
    }
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
    CU_ASSERT_EQUAL(told.stored, 200); /* item 0 of each fails */
    CU_ASSERT_EQUAL(told.acked, 0);
    CU_ASSERT_EQUAL(counter_value(registry_find(registry, "shaky")->done), 200 * 9);
}

static void test_failed(void)
{
    bool seen[ITEMS] = {false};

    run(make_pack("shaky", ITEMS, ""));
    CU_ASSERT_EQUAL(told.stored, 1);
    CU_ASSERT_EQUAL(told.acked, 0);
    CU_ASSERT_EQUAL(stored_n(), ITEMS / 10);
    for (unsigned i = 0; i < stored_n(); i++) {
        struct job *job = stored(i);
        struct verdict v = {.permanent = false};
        int n = job ? atoi(job->jid + 5) : 0;

        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        CU_ASSERT_EQUAL(n % 10, 0);
        CU_ASSERT_FALSE(seen[n]);
        seen[n] = true;
        CU_ASSERT_EQUAL(job->retry, 3);
        CU_ASSERT_EQUAL(job->reserve_for_s, 60);
        CU_ASSERT_FATAL(verdict_read(job, &v));
        CU_ASSERT_EQUAL(v.permanent, n % 100 == 0);
        CU_ASSERT_STRING_EQUAL(buf_str(&v.errtype), n % 100 == 0 ? "Broken" : "Timeout");
        verdict_fini(&v);
        job_free(job);
    }
    CU_ASSERT_EQUAL(counter_value(registry_find(registry, "shaky")->failed), ITEMS / 10 - 3);
    CU_ASSERT_EQUAL(counter_value(registry_find(registry, "shaky")->buried), 3);
}

/* The other half: what was stored comes as a job and is failed without being run. */
static void test_verdict(void)
{
    struct job *job;

    run(make_pack("shaky", 1, ""));
    job = stored(0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    run(job);
    CU_ASSERT_EQUAL(runs[0], 1);
    CU_ASSERT_EQUAL(told.buried, 1);
    CU_ASSERT_STRING_EQUAL(told.jid, "item-00000");
    CU_ASSERT_STRING_EQUAL(told.errtype, "Broken");
    CU_ASSERT_STRING_EQUAL(told.message, "item 0");
    job = stored(0); /* the next attempt is one like any other */
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    job->attempt = 2;
    run(job);
    CU_ASSERT_EQUAL(runs[0], 2);
}

static void test_unknown(void)
{
    struct verdict v;
    struct job *job;

    run(make_pack("who_knows", 2, ""));
    CU_ASSERT_EQUAL(stored_n(), 2);
    job = stored(1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_FATAL(verdict_read(job, &v));
    CU_ASSERT(v.permanent);
    CU_ASSERT_STRING_EQUAL(buf_str(&v.errtype), "UnknownJobType");
    verdict_fini(&v);
    job_free(job);
}

static void test_again(void)
{
    struct job *job;

    run(make_pack("quick", 30, ",\"failure\":{\"retry_count\":0}"));
    CU_ASSERT_EQUAL(started(), 0);
    CU_ASSERT_EQUAL(told.stored, 1);
    CU_ASSERT_EQUAL(stored_n(), 30);
    job = stored(29);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_STRING_EQUAL(job->jid, "item-00029");
    CU_ASSERT_EQUAL(job->custom.len, 0);
    job_free(job);
}

static void test_invalid(void)
{
    run(fixture_job("wf_pack", "[1,2]",
                    ",\"custom\":{\"wf_pack\":{\"items\":2,\"encoding\":\"json\"}}"));
    CU_ASSERT_EQUAL(told.buried, 1);
    CU_ASSERT_STRING_EQUAL(told.errtype, "InvalidPack");
    CU_ASSERT(strstr(told.message, "item 1 of 2") != NULL);
}

/* As shutdown.c does it: close, hand back what waits, then what is inside packs. */
static void begin_stop(void)
{
    void *item;

    crew_close(crew);
    while ((item = crew_take_waiting(crew)) != NULL)
        (void)runner_hand_back(runner, item);
    runner_hand_back_packed(runner);
}

static void test_stop(void)
{
    unsigned all = THREADS;
    struct job *job;
    struct verdict v;

    CU_ASSERT(crew_add(crew, make_pack("hold", 20, "")));
    CU_ASSERT(wait_until(all_inside, &all, LONG_MS));
    CU_ASSERT(crew_add(crew, make_pack("hold", 20, ""))); /* waits: all threads are inside */
    begin_stop();
    CU_ASSERT_EQUAL(told.handed_back, 1); /* whole */
    CU_ASSERT_EQUAL(told.stored, 0);      /* eight still run */
    CU_ASSERT_EQUAL(counter_value(counts.handed_back), 20 - THREADS);
    atomic_store(&may_end, true);
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
    CU_ASSERT_EQUAL(told.stored, 1);
    CU_ASSERT_EQUAL(stored_n(), 20 - THREADS);
    CU_ASSERT_EQUAL(started(), THREADS);
    for (unsigned i = 0; i < stored_n(); i++) {
        job = stored(i);
        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        CU_ASSERT_EQUAL(runs[atoi(job->jid + 5)], 0); /* those that had not begun */
        CU_ASSERT_FALSE(verdict_read(job, &v));
        job_free(job);
    }
}

static void test_cut(void)
{
    unsigned all = THREADS, stopped = 0;
    struct attempts_totals totals;

    CU_ASSERT(crew_add(crew, make_pack("hold", 20, "")));
    CU_ASSERT(wait_until(all_inside, &all, LONG_MS));
    begin_stop();
    (void)crew_take_running(crew, runner_give_up, runner);
    runner_give_up_packed(runner);
    CU_ASSERT_EQUAL(told.stored, 1);
    CU_ASSERT_EQUAL(told.failed + told.acked, 0);
    CU_ASSERT_EQUAL(stored_n(), 20);
    for (unsigned i = 0; i < stored_n(); i++) {
        struct job *job = stored(i);
        struct verdict v;

        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        if (verdict_read(job, &v)) {
            stopped++;
            CU_ASSERT_STRING_EQUAL(buf_str(&v.errtype), "WorkerStopped");
            CU_ASSERT_FALSE(v.permanent);
            verdict_fini(&v);
        }
        job_free(job);
    }
    CU_ASSERT_EQUAL(stopped, THREADS);
    atomic_store(&may_end, true); /* their own words come too late */
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
    CU_ASSERT_EQUAL(told.stored, 1);
    runner_look(runner, &totals);
    CU_ASSERT_EQUAL(totals.given_up, THREADS);
    CU_ASSERT_EQUAL(totals.done, 0);
}

/* Stopping while packs come, are opened and end: each is settled once, each item runs at most
 * once or is stored. */
static void test_stop_race(void)
{
    unsigned packs = 0;

    for (int i = 0; i < 4; i++) {
        CU_ASSERT(crew_add(crew, make_pack("quick", ITEMS, "")));
        packs++;
    }
    begin_stop();
    CU_ASSERT(crew_wait_done(crew, clock_ms() + LONG_MS));
    CU_ASSERT_EQUAL(told.acked + told.stored + told.handed_back, packs);
    CU_ASSERT_EQUAL(told.failed + told.buried, 0);
}

static const struct suite_test tests[] = {
    {"every item of a pack is run once and counted, then the pack is acknowledged", test_done},
    {"a pack of long jobs spreads over all threads", test_spread},
    {"many packs at a time, more than there is room for, are all settled", test_many_packs},
    {"items that failed are stored again with their error, then the pack ends", test_failed},
    {"an item that failed is failed when it comes as a job, and not run before its retry",
     test_verdict},
    {"an unknown type inside a pack has failed for good", test_unknown},
    {"a pack that comes again is taken apart", test_again},
    {"a pack that cannot be read is buried", test_invalid},
    {"a stop stores what was not started and waits for what runs", test_stop},
    {"what does not end in time is stored with the worker's stop as its error, once", test_cut},
    {"a stop in the middle settles each pack once", test_stop_race},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "packs", tests, SUITE_COUNT(tests), set_up, tear_down);
}
