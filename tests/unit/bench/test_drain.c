// SPDX-License-Identifier: MIT
/* What the bench makes of samples of Faktory's counter: only with right rates are its claims worth
 * anything. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/bench/drain.h"

enum { QUARTER_US = 250000 };

static struct drain *fresh(void)
{
    struct drain *d = calloc(1, sizeof *d);

    if (!d)
        abort();
    return d;
}

static void sample(struct drain *d, int64_t at_us, long long done)
{
    d->sample[d->n].at_us = at_us;
    d->sample[d->n++].done = done;
}

/* 1,000 jobs/s after an idle second; the last 100 jobs end somewhere within the last quarter. */
static struct drain *steady(void)
{
    struct drain *d = fresh();

    for (int i = 0; i <= 4; i++)
        sample(d, (int64_t)i * QUARTER_US, 0);
    for (int i = 1; i <= 20; i++)
        sample(d, (int64_t)(4 + i) * QUARTER_US, 250LL * i);
    sample(d, INT64_C(25) * QUARTER_US, 5100);
    return d;
}

static void start_and_end_are_not_in_the_rate(void)
{
    struct drain *d = steady();

    CU_ASSERT_DOUBLE_EQUAL(drain_rate(d), 1000, 0.001);
    sample(d, INT64_C(26) * QUARTER_US, 5100); /* looking on after the end changes nothing */
    CU_ASSERT_DOUBLE_EQUAL(drain_rate(d), 1000, 0.001);
    free(d);
}

static void short_drain_is_counted_from_its_start_to_its_end(void)
{
    struct drain *d = fresh();

    sample(d, 0, 0);
    sample(d, QUARTER_US, 400);
    sample(d, 2 * QUARTER_US, 500);
    CU_ASSERT_DOUBLE_EQUAL(drain_rate(d), 1000, 0.001);
    free(d);
}

static void nothing_done_is_no_rate(void)
{
    struct drain *d = fresh();

    CU_ASSERT_EQUAL(drain_rate(d), 0);
    sample(d, 0, 0);
    CU_ASSERT_EQUAL(drain_rate(d), 0);
    sample(d, QUARTER_US, 0);
    CU_ASSERT_EQUAL(drain_rate(d), 0);
    CU_ASSERT_EQUAL(drain_tenth_rate(d, 1), 0);
    free(d);
}

static void rate_of_a_window_leaves_out_what_was_before(void)
{
    struct drain *d = fresh();

    for (int i = 0; i <= 8; i++)
        sample(d, (int64_t)i * QUARTER_US, 10LL * i); /* getting going: 40/s */
    for (int i = 1; i <= 8; i++)
        sample(d, (int64_t)(8 + i) * QUARTER_US, 80 + 100LL * i); /* then 400/s */
    CU_ASSERT_DOUBLE_EQUAL(drain_rate_from(d, 8), 400, 0.001);
    free(d);
}

static void tenths_show_where_a_drain_slows_down(void)
{
    struct drain *d = fresh();

    for (int i = 0; i <= 18; i++)
        sample(d, (int64_t)i * QUARTER_US, 500LL * i); /* 9,000 jobs at 2,000/s */
    for (int i = 1; i <= 8; i++)
        sample(d, (int64_t)(18 + i) * QUARTER_US, 9000 + 125LL * i); /* the last 1,000 at 500/s */
    CU_ASSERT_DOUBLE_EQUAL(drain_tenth_rate(d, 2), 2000, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(drain_tenth_rate(d, 10), 500, 0.001);
    free(d);
}

static void one_job_too_few_too_many_or_failed_is_noticed(void)
{
    struct server_info good = {.processed = 100}, bad;
    struct err_text why;

    CU_ASSERT_EQUAL(drain_check_all_done(&good, 100, &why), 0);
    CU_ASSERT_NOT_EQUAL(drain_check_all_done(&good, 99, &why), 0);
    CU_ASSERT_NOT_EQUAL(drain_check_all_done(&good, 101, &why), 0);
    for (int i = 0; i < 6; i++) {
        bad = good;
        *(long long *[]){&bad.failures, &bad.enqueued, &bad.working,
                         &bad.retries,  &bad.dead,     &bad.scheduled}[i] = 1;
        CU_ASSERT_NOT_EQUAL(drain_check_all_done(&bad, 100, &why), 0);
    }
}

static void stopping_halfway_must_leave_the_rest(void)
{
    struct server_info info = {.processed = 60, .enqueued = 35, .working = 5};
    struct err_text why;

    CU_ASSERT_EQUAL(drain_check_none_lost(&info, 100, 0, &why), 0);
    info.working = 4;
    CU_ASSERT_EQUAL(drain_check_none_lost(&info, 100, 1, &why), 0);
    CU_ASSERT_NOT_EQUAL(drain_check_none_lost(&info, 100, 0, &why), 0);
    info.working = 6;
    CU_ASSERT_NOT_EQUAL(drain_check_none_lost(&info, 100, 1, &why), 0);
    CU_ASSERT_NOT_EQUAL(drain_check_none_lost(&info, 100, 0, &why), 0);
    info.working = 5;
    info.failures = 1;
    CU_ASSERT_NOT_EQUAL(drain_check_none_lost(&info, 100, 0, &why), 0);
}

static const struct suite_test tests[] = {
    {"start and end of a drain are not in its rate", start_and_end_are_not_in_the_rate},
    {"a short drain is counted from its start to its end",
     short_drain_is_counted_from_its_start_to_its_end},
    {"nothing done is no rate", nothing_done_is_no_rate},
    {"the rate of a window leaves out what was before",
     rate_of_a_window_leaves_out_what_was_before},
    {"tenths show where a drain slows down", tenths_show_where_a_drain_slows_down},
    {"one job too few, too many or failed is noticed",
     one_job_too_few_too_many_or_failed_is_noticed},
    {"stopping halfway must leave the rest", stopping_halfway_must_leave_the_rest},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "drain", tests, SUITE_COUNT(tests), NULL, NULL);
}
