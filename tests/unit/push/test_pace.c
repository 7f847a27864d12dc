// SPDX-License-Identifier: MIT
/* When a batch is cut: one case for each rule of pace.h. */
#include "common/push/pace.h"

#include "tests/support/suite.h"

enum { NOW_US = 50000000 };

static struct pace fresh(void)
{
    return (struct pace){.max_size = 100, .max_delay_us = 50000, .auto_batch = true};
}

/* The pace after a request that found `company` of them under way. */
static struct pace used_to(unsigned company)
{
    struct pace p = fresh();

    pace_note_request(&p, company, NOW_US);
    return p;
}

/* So many jobs in flight, on all connections. */
static struct pace_load busy(unsigned jobs)
{
    return (struct pace_load){.jobs = jobs, .idle_connection = jobs == 0};
}

static const char *ask(const struct pace *p, unsigned waiting, unsigned in_flight, int64_t age_us,
                       int64_t *again_us)
{
    *again_us = -1;
    return pace_reason(p, waiting, busy(in_flight), NOW_US - age_us, NOW_US, again_us);
}

static void test_alone(void)
{
    struct pace p = used_to(1);
    int64_t again_us;

    CU_ASSERT_STRING_EQUAL(ask(&p, 1, 0, 0, &again_us), "idle connection");
}

static void test_full(void)
{
    struct pace p = used_to(500);
    int64_t again_us;

    CU_ASSERT_STRING_EQUAL(ask(&p, 100, 300, 0, &again_us), "batch full");
}

static void test_company(void)
{
    struct pace p = used_to(64);
    int64_t again_us;

    CU_ASSERT_PTR_NULL(ask(&p, 1, 0, 0, &again_us));
    CU_ASSERT(again_us > NOW_US && again_us <= NOW_US + 10000);
    CU_ASSERT_STRING_EQUAL(ask(&p, pace_enough(&p, busy(0)), 0, 0, &again_us), "idle connection");
    CU_ASSERT_STRING_EQUAL(ask(&p, 1, 0, 10000, &again_us), "timeout");
}

static void test_beside_others(void)
{
    struct pace p = fresh();
    int64_t again_us;

    CU_ASSERT_PTR_NULL(ask(&p, 10, 5, 0, &again_us));
    CU_ASSERT_STRING_EQUAL(ask(&p, 30, 5, 0, &again_us), "idle connection");
    CU_ASSERT_PTR_NULL(ask(&p, 30, 60, 0, &again_us));
    CU_ASSERT_STRING_EQUAL(ask(&p, 60, 60, 0, &again_us), "idle connection");
}

static void test_idle_connection(void)
{
    struct pace p = used_to(64);
    struct pace_load load = {.jobs = 60, .idle_connection = true};

    CU_ASSERT(pace_enough(&p, load) <= 64 / 3); /* a third push among 64 clients */
    CU_ASSERT(pace_enough(&p, load) > 20);      /* and still over 20 jobs in each */
    CU_ASSERT_EQUAL(pace_enough(&p, busy(60)), 60);
}

static void test_far_faktory(void)
{
    struct pace p = fresh();
    int64_t near_us, far_us;

    (void)ask(&p, 1, 50, 0, &near_us);
    for (int i = 0; i < 100; i++)
        pace_note_push(&p, 200000);
    (void)ask(&p, 1, 50, 0, &far_us);
    CU_ASSERT(far_us > near_us);
    CU_ASSERT(far_us <= NOW_US + p.max_delay_us);
}

static void test_max_delay(void)
{
    struct pace p = used_to(64);
    int64_t again_us;

    p.max_delay_us = 1000;
    (void)ask(&p, 1, 0, 0, &again_us);
    CU_ASSERT_EQUAL(again_us, NOW_US + 1000);
    CU_ASSERT_STRING_EQUAL(ask(&p, 1, 0, 1000, &again_us), "timeout");
}

static void test_off(void)
{
    struct pace p = used_to(64);
    int64_t again_us;

    p.auto_batch = false;
    CU_ASSERT_STRING_EQUAL(ask(&p, 1, 50, 0, &again_us), "batching is off");
}

static void test_forgets(void)
{
    struct pace p = used_to(64);

    for (int ms = 0; ms < 1000; ms += 10)
        pace_note_request(&p, 1, NOW_US + ms * 1000);
    CU_ASSERT_EQUAL(pace_enough(&p, busy(0)), 1);
    p = used_to(64);
    pace_note_request(&p, 1, NOW_US + 10000000); /* the first one after a long silence */
    CU_ASSERT_EQUAL(pace_enough(&p, busy(0)), 1);
}

/* Pushes of `enough` jobs show at least as many requests under way: the number must not sink. */
static void test_holds_itself_up(void)
{
    struct pace p = used_to(64);

    for (int ms = 0; ms < 2000; ms += 2) {
        unsigned enough = pace_enough(&p, busy(0));

        for (unsigned n = 1; n <= enough; n++)
            pace_note_request(&p, n, NOW_US + ms * 1000);
    }
    CU_ASSERT(pace_enough(&p, busy(0)) >= 20);
}

static const struct suite_test tests[] = {
    {"a lone request goes at once", test_alone},
    {"a full batch goes at once", test_full},
    {"among many requests a push waits for company, for milliseconds", test_company},
    {"beside other pushes one starts when it is worth it", test_beside_others},
    {"a connection that is idle is given a push that is worth it, however much is in flight",
     test_idle_connection},
    {"a far Faktory is given more time, never more than the maximum", test_far_faktory},
    {"the maximum delay bounds every wait", test_max_delay},
    {"switched off, nothing waits", test_off},
    {"a crowd that has gone is soon forgotten", test_forgets},
    {"a crowd served in large pushes stays one", test_holds_itself_up},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "pace", tests, SUITE_COUNT(tests), NULL, NULL);
}
