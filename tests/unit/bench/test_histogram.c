// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/bench/hist.h"

static struct hist *fresh(void)
{
    struct hist *h = calloc(1, sizeof *h);

    if (!h)
        abort();
    return h;
}

static void empty_histogram_says_zero(void)
{
    struct hist *h = fresh();

    CU_ASSERT_EQUAL(hist_quantile(h, 0.5), 0);
    CU_ASSERT_EQUAL(hist_quantile(h, 1), 0);
    CU_ASSERT_EQUAL(h->count, 0);
    free(h);
}

static void small_values_are_exact(void)
{
    for (int64_t v = 0; v < HIST_EXACT; v++) {
        struct hist *h = fresh();

        hist_record(h, v);
        hist_record(h, 1000000); /* so that the highest value does not cut the cell */
        CU_ASSERT_EQUAL(hist_quantile(h, 0.5), v);
        free(h);
    }
}

/* Around every power of two up to the highest cell, where an index would slip. */
static void every_value_is_kept_to_within_two_percent_and_never_too_low(void)
{
    for (int bit = 7; bit <= 40; bit++)
        for (int64_t v = (INT64_C(1) << bit) - 3; v <= (INT64_C(1) << bit) + 3; v++) {
            struct hist *h = fresh();
            int64_t got;

            hist_record(h, v);
            hist_record(h, INT64_MAX / 2);
            got = hist_quantile(h, 0.5);
            CU_ASSERT_TRUE(got >= v && got - v <= v / 50);
            free(h);
        }
}

static void quantiles_are_those_of_a_sorted_list(void)
{
    struct hist *h = fresh();

    for (int64_t v = 100000; v >= 1; v--)
        hist_record(h, v);
    for (int percent = 1; percent <= 100; percent++) {
        int64_t right = 1000 * percent, got = hist_quantile(h, percent / 100.0);

        CU_ASSERT_TRUE(got >= right && got - right <= right / 50 + 1);
    }
    CU_ASSERT_EQUAL(hist_quantile(h, 1), 100000);
    free(h);
}

static void one_slow_answer_in_a_thousand_is_seen_at_the_last_quantile_only(void)
{
    struct hist *h = fresh();

    for (int i = 0; i < 999; i++)
        hist_record(h, 50);
    hist_record(h, 1000000);
    CU_ASSERT_EQUAL(hist_quantile(h, 0.999), 50);
    CU_ASSERT_EQUAL(hist_quantile(h, 0.9995), 1000000);
    CU_ASSERT_EQUAL(h->max, 1000000);
    free(h);
}

static void values_out_of_range_go_to_the_ends(void)
{
    struct hist *h = fresh();

    hist_record(h, -5);
    CU_ASSERT_EQUAL(hist_quantile(h, 1), 0);
    hist_record(h, INT64_MAX);
    CU_ASSERT_EQUAL(hist_quantile(h, 1), INT64_MAX);
    CU_ASSERT_EQUAL(h->count, 2);
    free(h);
}

static void adding_two_is_recording_into_one(void)
{
    struct hist *a = fresh(), *b = fresh(), *both = fresh();

    for (int64_t v = 1; v < 200000; v = v * 3 / 2 + 1) {
        hist_record(v % 2 ? a : b, v);
        hist_record(both, v);
    }
    hist_add(a, b);
    CU_ASSERT_EQUAL(a->count, both->count);
    CU_ASSERT_EQUAL(a->max, both->max);
    CU_ASSERT_EQUAL(memcmp(a->cells, both->cells, sizeof a->cells), 0);
    free(a);
    free(b);
    free(both);
}

static const struct suite_test tests[] = {
    {"an empty histogram says zero", empty_histogram_says_zero},
    {"small values are exact", small_values_are_exact},
    {"every value is kept to within 2 % and never too low",
     every_value_is_kept_to_within_two_percent_and_never_too_low},
    {"quantiles are those of a sorted list", quantiles_are_those_of_a_sorted_list},
    {"one slow answer in a thousand shows at the last quantile only",
     one_slow_answer_in_a_thousand_is_seen_at_the_last_quantile_only},
    {"values out of range go to the ends", values_out_of_range_go_to_the_ends},
    {"adding two is recording into one", adding_two_is_recording_into_one},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "histogram", tests, SUITE_COUNT(tests), NULL, NULL);
}
