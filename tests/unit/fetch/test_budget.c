// SPDX-License-Identifier: MIT
/* How many jobs may be asked for: never more than capacity and what a round trip finishes. */
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/fetch/budget.h"
#include "tests/support/suite.h"

static void expect_look(struct budget *b, unsigned asked, unsigned in_hand)
{
    unsigned a, h;

    budget_look(b, &a, &h);
    CU_ASSERT_EQUAL(a, asked);
    CU_ASSERT_EQUAL(h, in_hand);
}

static void test_capacity(void)
{
    struct budget *b = budget_new(1, 10, 100);

    CU_ASSERT_EQUAL(budget_ask(b, 4), 4);
    CU_ASSERT_EQUAL(budget_ask(b, 100), 6);
    CU_ASSERT_EQUAL(budget_ask(b, 1), 0);
    expect_look(b, 10, 0);
    budget_answered(b, true);
    budget_answered(b, false);
    expect_look(b, 8, 1);
    CU_ASSERT_EQUAL(budget_ask(b, 5), 1);
    budget_free(b);
}

static void test_hunger(void)
{
    struct budget *b = budget_new(1, 2, 0);

    CU_ASSERT_EQUAL(budget_ask(b, 2), 2);
    CU_ASSERT_FALSE(budget_answered(b, true));
    CU_ASSERT_FALSE(budget_answered(b, true));
    CU_ASSERT_FALSE(budget_finished(b)); /* nobody was turned away */
    CU_ASSERT_EQUAL(budget_ask(b, 1), 1);
    CU_ASSERT_EQUAL(budget_ask(b, 1), 0);
    CU_ASSERT_TRUE(budget_answered(b, false)); /* nothing came: others may try */
    CU_ASSERT_EQUAL(budget_ask(b, 2), 1);
    CU_ASSERT_FALSE(budget_answered(b, true));
    CU_ASSERT_TRUE(budget_finished(b));
    CU_ASSERT_FALSE(budget_finished(b)); /* told once */
    expect_look(b, 0, 0);
    budget_free(b);
}

/* Finished jobs that Faktory does not know of are bounded, too, and its answers make room. */
static void test_unsettled(void)
{
    struct budget *b = budget_new(1, 10, 0);
    unsigned finished = 0, told = 0;

    while (budget_ask(b, 1) == 1) {
        (void)budget_answered(b, true);
        (void)budget_finished(b);
        CU_ASSERT_FATAL(++finished < 10000);
    }
    CU_ASSERT(finished >= 10);
    for (unsigned i = 0; i < finished; i++)
        told += budget_settled(b);
    CU_ASSERT_EQUAL(told, 1);
    CU_ASSERT_EQUAL(budget_ask(b, 100), 10);
    budget_free(b);
}

static void test_share(void)
{
    struct budget *b = budget_new(4, 10, 0);

    CU_ASSERT_EQUAL(budget_share(b), 3); /* all lanes together reach the capacity */
    budget_free(b);
    b = budget_new(4, 1, 0);
    CU_ASSERT_EQUAL(budget_share(b), 1);
    budget_free(b);
}

/* `n` jobs, asked for, received and finished one after the other. */
static void pass_through(struct budget *b, int n)
{
    for (int i = 0; i < n; i++) {
        CU_ASSERT_EQUAL_FATAL(budget_ask(b, 1), 1);
        (void)budget_answered(b, true);
        (void)budget_finished(b);
        (void)budget_settled(b);
    }
}

/* All that may be asked for now; it is given back. */
static unsigned room(struct budget *b)
{
    unsigned n = budget_ask(b, 100000000);

    for (unsigned i = 0; i < n; i++)
        budget_answered(b, false);
    return n;
}

static void test_round_trip(void)
{
    struct budget *b = budget_new(1, 10, 100000000);
    int64_t end_us = clock_us() + 20000;
    unsigned near, far;

    CU_ASSERT_EQUAL(room(b), 10);
    while (clock_us() < end_us)
        pass_through(b, 100);
    near = room(b);
    CU_ASSERT(near > 10); /* a near one counts as some milliseconds away */
    budget_set_rtt(b, 1);
    CU_ASSERT_EQUAL(room(b), near);
    budget_set_rtt(b, 50000); /* ten times as far as the nearest */
    far = room(b);
    CU_ASSERT(far > 5 * near && far < 20 * near);
    budget_free(b);
    b = budget_new(1, 10, 50);
    end_us = clock_us() + 20000;
    while (clock_us() < end_us)
        pass_through(b, 100);
    budget_set_rtt(b, 10000000); /* ten seconds at this rate are far beyond the bound */
    CU_ASSERT_EQUAL(room(b), 60);
    budget_free(b);
}

/* The rate that raises the budget is the one of finished jobs: without any there is no raise. */
static void test_no_rate(void)
{
    struct budget *b = budget_new(1, 5, 1000);

    budget_set_rtt(b, 500000);
    CU_ASSERT_EQUAL(room(b), 5);
    budget_free(b);
}

struct answerer {
    struct budget *budget;
    atomic_bool go;
};

static void *answer_later(void *arg)
{
    struct answerer *a = arg;

    while (!atomic_load(&a->go))
        ;
    budget_answered(a->budget, true);
    return NULL;
}

static void test_wait_unasked(void)
{
    struct budget *b = budget_new(1, 5, 0);
    struct answerer a = {.budget = b};
    pthread_t thread;
    int64_t started = clock_ms();

    CU_ASSERT_TRUE(budget_wait_unasked(b, clock_ms() + 10000));
    CU_ASSERT_EQUAL(budget_ask(b, 2), 2);
    budget_answered(b, false);
    CU_ASSERT_FALSE(budget_wait_unasked(b, clock_ms() + 50));
    CU_ASSERT(clock_ms() - started >= 50);
    CU_ASSERT_EQUAL_FATAL(thread_start(&thread, "answerer", 0, answer_later, &a), 0);
    atomic_store(&a.go, true);
    CU_ASSERT_FALSE(budget_wait_unasked(b, clock_ms() + 50)); /* it is not with its receiver yet */
    budget_delivered(b);
    CU_ASSERT_TRUE(budget_wait_unasked(b, clock_ms() + 10000));
    thread_join(thread);
    expect_look(b, 0, 1);
    budget_free(b);
}

enum { LANES = 4, CAPACITY = 16, ROUNDS = 20000 };

struct lane_run {
    struct budget *budget;
    atomic_uint *over;
};

static void *ask_and_finish(void *arg)
{
    struct lane_run *run = arg;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned got = budget_ask(run->budget, 8), asked, in_hand;

        budget_look(run->budget, &asked, &in_hand);
        if (asked + in_hand > CAPACITY)
            atomic_fetch_add(run->over, 1);
        for (unsigned k = 0; k < got; k++) {
            (void)budget_answered(run->budget, k % 2);
            if (k % 2) {
                (void)budget_finished(run->budget);
                (void)budget_settled(run->budget);
            }
        }
    }
    return NULL;
}

static void test_threads(void)
{
    struct budget *b = budget_new(LANES, CAPACITY, 0);
    atomic_uint over = 0;
    struct lane_run run = {b, &over};
    pthread_t threads[LANES];

    for (int i = 0; i < LANES; i++)
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[i], "lane", 0, ask_and_finish, &run), 0);
    for (int i = 0; i < LANES; i++)
        thread_join(threads[i]);
    CU_ASSERT_EQUAL(atomic_load(&over), 0);
    expect_look(b, 0, 0);
    budget_free(b);
}

static const struct suite_test tests[] = {
    {"asked for and in hand are at most the capacity", test_capacity},
    {"who was turned away is remembered, and told once", test_hunger},
    {"jobs that Faktory does not know to be finished are bounded", test_unsettled},
    {"the lanes' shares reach the capacity", test_share},
    {"a far Faktory adds what is finished in a round trip, up to a bound", test_round_trip},
    {"a far Faktory alone adds nothing", test_no_rate},
    {"waiting for the last answer ends with it or with the deadline", test_wait_unasked},
    {"four lanes at once never get more than there is", test_threads},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "budget", tests, SUITE_COUNT(tests), NULL, NULL);
}
