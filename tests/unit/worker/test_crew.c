// SPDX-License-Identifier: MIT
/* crew: every item is run once, warm threads come first, a burst of long items reaches everybody.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"
#include "worker/crew.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { START_MS = 60000 }; /* for 2,000 threads */
#else
enum { START_MS = 5000 };
#endif

enum {
    LONG_MS = 60000,
    ITEMS_MAX = 100000,
    QUICK_ITEMS = 2000,
    SPREAD_MS = 2000,
    STACK_BYTES = 256 << 10
};

/* What the running function of a test records; written by many threads. */
static struct {
    _Atomic unsigned runs[ITEMS_MAX];
    _Atomic unsigned total, claimed, inside;
    struct crew_seat *_Atomic seats[ITEMS_MAX];
} seen;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void reset(void)
{
    memset(&seen, 0, sizeof seen);
    cond_init(&gate.opened);
    gate.open = false;
}

static void clean_up(void)
{
    cond_fini(&gate.opened);
}

/* Items are the numbers 1 ..., so that none is NULL. */
static void *item(unsigned n)
{
    return (void *)(uintptr_t)(n + 1);
}

static unsigned number(const void *it)
{
    return (unsigned)((uintptr_t)it - 1);
}

static void note(struct crew_seat *seat, void *it)
{
    atomic_store(&seen.seats[atomic_load(&seen.total)], seat);
    atomic_fetch_add(&seen.runs[number(it)], 1);
    if (crew_claim(seat))
        atomic_fetch_add(&seen.claimed, 1);
    atomic_fetch_add(&seen.total, 1);
}

static void run_quick(void *ctx, struct crew_seat *seat, void *it)
{
    (void)ctx;
    note(seat, it);
}

static void release(void)
{
    mutex_lock(&gate.lock);
    gate.open = true;
    cond_broadcast(&gate.opened);
    mutex_unlock(&gate.lock);
}

/* Stays inside until the test says go. */
static void run_blocked(void *ctx, struct crew_seat *seat, void *it)
{
    int64_t deadline_ms = clock_ms() + LONG_MS;

    (void)ctx;
    atomic_fetch_add(&seen.inside, 1);
    mutex_lock(&gate.lock);
    while (!gate.open && cond_wait_until(&gate.opened, &gate.lock, deadline_ms))
        ;
    mutex_unlock(&gate.lock);
    note(seat, it);
}

static struct crew *start(unsigned threads, unsigned waiting_max,
                          void (*run)(void *, struct crew_seat *, void *))
{
    struct crew_options options = {
        .threads = threads, .waiting_max = waiting_max, .stack_bytes = STACK_BYTES, .run = run};
    struct err_text why = {""};
    struct crew *c = crew_start(&options, &why);

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    crew_open(c);
    return c;
}

static void stop(struct crew *c)
{
    CU_ASSERT(crew_stop(c, clock_ms() + LONG_MS));
}

static bool add_waiting(struct crew *c, unsigned n)
{
    while (!crew_add(c, item(n)))
        sched_yield();
    return true;
}

struct adder {
    struct crew *crew;
    unsigned from, to;
};

static void *add_many(void *arg)
{
    struct adder *a = arg;

    for (unsigned n = a->from; n < a->to; n++)
        add_waiting(a->crew, n);
    return NULL;
}

static void test_once(void)
{
    enum { ADDERS = 4, EACH = 20000 };
    struct crew *c = start(16, 1000, run_quick);
    struct adder adders[ADDERS];
    pthread_t threads[ADDERS];
    unsigned wrong = 0;

    for (unsigned i = 0; i < ADDERS; i++) {
        adders[i] = (struct adder){c, i * EACH, (i + 1) * EACH};
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[i], "adder", 0, add_many, &adders[i]), 0);
    }
    for (unsigned i = 0; i < ADDERS; i++)
        thread_join(threads[i]);
    CU_ASSERT(crew_wait_done(c, clock_ms() + LONG_MS));
    for (unsigned n = 0; n < ADDERS * EACH; n++)
        wrong += atomic_load(&seen.runs[n]) != 1;
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(atomic_load(&seen.claimed), ADDERS * EACH);
    stop(c);
}

static void test_warm(void)
{
    struct crew *c = start(64, 10, run_quick);
    unsigned others = 0;

    for (unsigned n = 0; n < 500; n++) {
        CU_ASSERT(crew_add(c, item(n)));
        CU_ASSERT(crew_wait_done(c, clock_ms() + LONG_MS));
    }
    /* The thread that went idle last is called first. It may still be on its way to the stack when
     * the next item comes; then its neighbour takes over, the more often the busier the machine. */
    for (unsigned n = 100; n < 500; n++) {
        bool known = false;

        for (unsigned i = 100; i < n && !known; i++)
            known = seen.seats[i] == seen.seats[n];
        others += !known;
    }
    CU_ASSERT(others < 48); /* calling the coldest first would touch all 64 */
    stop(c);
}

static bool all_done(void *arg)
{
    return atomic_load(&seen.total) == *(const unsigned *)arg;
}

static bool all_inside(void *arg)
{
    return atomic_load(&seen.inside) == *(const unsigned *)arg;
}

static void test_spread(void)
{
    unsigned threads = 300;
    struct crew *c = start(threads, 1000, run_blocked);
    struct crew_state state;

    for (unsigned n = 0; n < threads + 50; n++)
        CU_ASSERT(crew_add(c, item(n)));
    CU_ASSERT(wait_until(all_inside, &threads, LONG_MS));
    crew_look(c, &state);
    CU_ASSERT_EQUAL(state.threads, threads);
    CU_ASSERT_EQUAL(state.running, threads);
    CU_ASSERT_EQUAL(state.waiting, 50);
    release();
    stop(c);
    CU_ASSERT_EQUAL(atomic_load(&seen.total), threads + 50);
}

/* The first items are quick, the others stay. */
static void run_mixed(void *ctx, struct crew_seat *seat, void *it)
{
    (number(it) < QUICK_ITEMS ? run_quick : run_blocked)(ctx, seat, it);
}

/* Quick items make the crew trust that its threads are back in a moment. Where they are not, that
 * costs what waits a few milliseconds, once. */
static void test_not_quick_any_more(void)
{
    unsigned threads = 50, quick = QUICK_ITEMS;
    struct crew *c = start(threads, QUICK_ITEMS, run_mixed);
    int64_t began_ms;

    for (unsigned n = 0; n < quick; n++)
        add_waiting(c, n);
    CU_ASSERT(wait_until(all_done, &quick, LONG_MS));
    began_ms = clock_ms();
    for (unsigned n = quick; n < quick + threads; n++)
        CU_ASSERT(crew_add(c, item(n)));
    CU_ASSERT(wait_until(all_inside, &threads, LONG_MS));
    CU_ASSERT(clock_ms() - began_ms < SPREAD_MS);
    release();
    stop(c);
    CU_ASSERT_EQUAL(atomic_load(&seen.total), quick + threads);
}

static void test_many_threads(void)
{
    unsigned threads = 2000;
    int64_t began = clock_ms();
    struct crew *c = start(threads, threads, run_blocked);

    CU_ASSERT(clock_ms() - began < START_MS);
    for (unsigned n = 0; n < threads; n++)
        CU_ASSERT(crew_add(c, item(n)));
    CU_ASSERT(wait_until(all_inside, &threads, LONG_MS));
    release();
    stop(c);
    CU_ASSERT_EQUAL(atomic_load(&seen.total), threads);
}

static void test_full(void)
{
    unsigned one = 1;
    struct crew *c = start(1, 3, run_blocked);

    CU_ASSERT(crew_add(c, item(0)));
    CU_ASSERT(wait_until(all_inside, &one, LONG_MS));
    for (unsigned n = 1; n <= 3; n++)
        CU_ASSERT(crew_add(c, item(n)));
    CU_ASSERT_FALSE(crew_add(c, item(4)));
    release();
    stop(c);
    CU_ASSERT_EQUAL(atomic_load(&seen.total), 4);
    CU_ASSERT_EQUAL(atomic_load(&seen.runs[4]), 0);
}

static void test_paused(void)
{
    struct crew_options options = {.threads = 2, .waiting_max = 8, .run = run_quick};
    struct crew *c = crew_start(&options, NULL);
    struct crew_state state;

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    for (unsigned n = 0; n < 3; n++)
        CU_ASSERT(crew_add(c, item(n)));
    crew_look(c, &state);
    CU_ASSERT_EQUAL(state.waiting, 3);
    CU_ASSERT_EQUAL(atomic_load(&seen.total), 0);
    crew_open(c);
    stop(c);
    CU_ASSERT_EQUAL(atomic_load(&seen.total), 3);
}

static void test_take_waiting(void)
{
    unsigned two = 2;
    struct crew *c = start(2, 10, run_blocked);
    unsigned taken = 0;
    void *it;

    for (unsigned n = 0; n < 2; n++)
        CU_ASSERT(crew_add(c, item(n)));
    CU_ASSERT(wait_until(all_inside, &two, LONG_MS));
    for (unsigned n = 2; n < 9; n++)
        CU_ASSERT(crew_add(c, item(n)));
    crew_close(c);
    CU_ASSERT_FALSE(crew_add(c, item(9)));
    while ((it = crew_take_waiting(c)) != NULL)
        CU_ASSERT_EQUAL(number(it), 2 + taken++);
    CU_ASSERT_EQUAL(taken, 7);
    CU_ASSERT_FALSE(crew_wait_done(c, clock_ms() + 20));
    release();
    CU_ASSERT(crew_wait_done(c, clock_ms() + LONG_MS));
    CU_ASSERT_EQUAL(atomic_load(&seen.total), 2);
    stop(c);
}

static void count_taken(void *ctx, void *it, int64_t started_us)
{
    (void)it;
    if (started_us > 0 && started_us <= clock_us())
        ++*(unsigned *)ctx;
}

static void test_take_running(void)
{
    unsigned five = 5, taken = 0;
    struct crew *c = start(8, 10, run_blocked);

    for (unsigned n = 0; n < five; n++)
        CU_ASSERT(crew_add(c, item(n)));
    CU_ASSERT(wait_until(all_inside, &five, LONG_MS));
    crew_close(c);
    CU_ASSERT_EQUAL(crew_take_running(c, count_taken, &taken), five);
    CU_ASSERT_EQUAL(taken, five);
    CU_ASSERT_EQUAL(crew_take_running(c, count_taken, &taken), 0);
    CU_ASSERT_FALSE(crew_stop(c, clock_ms() + 20)); /* they still run: nothing may be freed */
    release();
    stop(c);
    CU_ASSERT_EQUAL(atomic_load(&seen.total), five);
    CU_ASSERT_EQUAL(atomic_load(&seen.claimed), 0); /* the other side has them all */
}

static void test_claims_race(void)
{
    enum { ROUNDS = 200, EACH = 8 };
    unsigned taken = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct crew *c = start(EACH, EACH, run_quick);

        for (unsigned n = 0; n < EACH; n++)
            CU_ASSERT(crew_add(c, item(n)));
        crew_close(c);
        while (crew_take_waiting(c))
            taken++;
        crew_take_running(c, count_taken, &taken);
        stop(c);
    }
    CU_ASSERT_EQUAL(atomic_load(&seen.claimed) + taken, ROUNDS * EACH);
}

static void test_no_room(void)
{
    struct crew_options options = {
        .threads = 10000, .waiting_max = 1, .stack_bytes = 64 << 20, .run = run_quick};
    struct rlimit before, small;
    struct err_text why = {""};
    struct crew *c;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    suite_skip("a sanitizer needs all of the address space");
    return;
#endif
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_AS, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)2 << 30;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_AS, &small), 0);
    c = crew_start(&options, &why);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_AS, &before), 0);
    CU_ASSERT_PTR_NULL(c);
    CU_ASSERT(strstr(why.text, "of 10000 threads") != NULL);
    CU_ASSERT(strstr(why.text, "ulimit -v 2097152") != NULL);
}

static void test_stop_null(void)
{
    CU_ASSERT(crew_stop(NULL, 0));
}

static const struct suite_test tests[] = {
    {"every item is run exactly once", test_once},
    {"items that come one by one are run by a few warm threads", test_warm},
    {"a burst of long items reaches all threads", test_spread},
    {"long items behind many quick ones reach all threads, too", test_not_quick_any_more},
    {"2,000 threads start within seconds and all of them work", test_many_threads},
    {"a full queue refuses an item and keeps the others", test_full},
    {"nothing runs before the crew is opened", test_paused},
    {"a closed crew takes nothing, and gives its waiting items back in order", test_take_waiting},
    {"an item that was taken while it runs is not claimed by its thread", test_take_running},
    {"of the thread and the one that stops exactly one gets each item", test_claims_race},
    {"too few threads are an error that names the limits", test_no_room},
    {"stopping no crew is fine", test_stop_null},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "crew", tests, SUITE_COUNT(tests), reset, clean_up);
}
