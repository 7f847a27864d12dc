// SPDX-License-Identifier: MIT
/* What the bench reads off our services' pages: its checks of packs rest on it. */
#include "tests/support/suite.h"
#include "tools/bench/scrape.h"

static const char page[] = "# HELP jobs_total Jobs.\n"
                           "# TYPE jobs_total counter\n"
                           "jobs_total{type=\"add\",outcome=\"stored\"} 7\n"
                           "jobs_total{type=\"divide\",outcome=\"stored\"} 5\n"
                           "jobs_total{type=\"add\",outcome=\"refused\"} 2\n"
                           "jobs_total_more 100\n"
                           "packs_total 3\n"
                           "seconds_sum 0.25";

static void sums(void)
{
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum(page, "jobs_total", ""), 14, 0);
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum(page, "packs_total", ""), 3, 0);
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum(page, "seconds_sum", ""), 0.25, 0);
}

static void picks(void)
{
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum(page, "jobs_total", "outcome=\"stored\""), 12, 0);
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum(page, "jobs_total", "type=\"add\""), 9, 0);
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum(page, "packs_total", "type=\"add\""), 0, 0);
}

static void absent(void)
{
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum(page, "total", ""), 0, 0);
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum(page, "jobs", ""), 0, 0);
    CU_ASSERT_DOUBLE_EQUAL(scrape_sum("", "jobs_total", ""), 0, 0);
}

static const struct suite_test tests[] = {
    {"the series of a metric are added up, those of another are not", sums},
    {"only series with the wanted labels count", picks},
    {"a metric that is not there counts 0", absent},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "scrape", tests, SUITE_COUNT(tests), NULL, NULL);
}
