// SPDX-License-Identifier: MIT
#include "common/metrics/prometheus.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/suite.h"

static struct metrics *m;
static struct buf out;

static void setup(void)
{
    m = metrics_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
}

static void teardown(void)
{
    metrics_free(m);
    buf_fini(&out);
}

static const char *scrape(void)
{
    buf_clear(&out);
    prometheus_write(m, &out);
    return buf_str(&out);
}

static double value_of(void *ctx)
{
    return *(double *)ctx;
}

static void empty_registry_is_empty_text(void)
{
    CU_ASSERT_STRING_EQUAL(scrape(), "");
}

static void families_are_sorted_with_one_help_and_type(void)
{
    counter_add(metrics_counter(m, "z_total", "Last.", NULL), 3);
    counter_add(metrics_counter(m, "a_total", "First.", "x=\"2\""), 2);
    gauge_set(metrics_gauge(m, "m", "Middle.", NULL), -7);
    counter_add(metrics_counter(m, "a_total", "First.", "x=\"1\""), 18446744073709551615u);
    CU_ASSERT_STRING_EQUAL(scrape(), "# HELP a_total First.\n"
                                     "# TYPE a_total counter\n"
                                     "a_total{x=\"1\"} 18446744073709551615\n"
                                     "a_total{x=\"2\"} 2\n"
                                     "# HELP m Middle.\n"
                                     "# TYPE m gauge\n"
                                     "m -7\n"
                                     "# HELP z_total Last.\n"
                                     "# TYPE z_total counter\n"
                                     "z_total 3\n");
}

static void histogram_is_cumulative_and_scaled(void)
{
    static const int64_t bounds[] = {100, 2500, 1000000};
    struct histogram *h = metrics_histogram(m, "t_seconds", "T.", "route=\"/a\"", bounds, 3, 1e-6);

    histogram_observe(h, 100); /* bounds belong to their bucket */
    histogram_observe(h, 101);
    histogram_observe(h, 999999);
    histogram_observe(h, 5000000);
    CU_ASSERT_STRING_EQUAL(scrape(), "# HELP t_seconds T.\n"
                                     "# TYPE t_seconds histogram\n"
                                     "t_seconds_bucket{route=\"/a\",le=\"0.0001\"} 1\n"
                                     "t_seconds_bucket{route=\"/a\",le=\"0.0025\"} 2\n"
                                     "t_seconds_bucket{route=\"/a\",le=\"1\"} 3\n"
                                     "t_seconds_bucket{route=\"/a\",le=\"+Inf\"} 4\n"
                                     "t_seconds_sum{route=\"/a\"} 6.0002\n"
                                     "t_seconds_count{route=\"/a\"} 4\n");
}

static void histogram_without_labels_has_only_le(void)
{
    static const int64_t bounds[] = {1};

    histogram_observe(metrics_histogram(m, "h", "H.", NULL, bounds, 1, 1), 1);
    CU_ASSERT_STRING_EQUAL(scrape(), "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n"
                                     "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n");
}

static void functions_are_asked_at_each_scrape(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1.5, "g 1.5\n"},       {1e300, "g 1e+300\n"},   {NAN, "g NaN\n"},
                 {INFINITY, "g +Inf\n"}, {-INFINITY, "g -Inf\n"}, {6, "g 6\n"}};
    double value = 0;

    CU_ASSERT_EQUAL(metrics_gauge_fn(m, "g", "G.", NULL, value_of, &value), 0);
    for (int i = 0; i < SUITE_COUNT(cases); i++) {
        value = cases[i].value;
        CU_ASSERT_PTR_NOT_NULL(strstr(scrape(), cases[i].text));
    }
}

/* It would lock up if functions were called with the registry's lock held. */
static double registers_another(void *ctx)
{
    counter_add(metrics_counter(ctx, "late_total", "Late.", NULL), 1);
    return 1;
}

static void function_may_use_the_registry(void)
{
    CU_ASSERT_EQUAL(metrics_gauge_fn(m, "g", "G.", NULL, registers_another, m), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(scrape(), "late_total 1\n"));
}

static void labels_and_help_are_escaped(void)
{
    struct buf labels = BUF_INIT(0);

    prometheus_label(&labels, "a", "x\"y\\z\nw");
    prometheus_label(&labels, "b", "{,}");
    CU_ASSERT_STRING_EQUAL(buf_str(&labels), "a=\"x\\\"y\\\\z\\nw\",b=\"{,}\"");
    counter_add(metrics_counter(m, "c_total", "Say \"a\\b\"\nand c.", buf_str(&labels)), 1);
    CU_ASSERT_STRING_EQUAL(scrape(), "# HELP c_total Say \"a\\\\b\"\\nand c.\n"
                                     "# TYPE c_total counter\n"
                                     "c_total{a=\"x\\\"y\\\\z\\nw\",b=\"{,}\"} 1\n");
    buf_fini(&labels);
}

static void promtool_accepts_it(void)
{
    static double value = 2.5;
    struct buf labels = BUF_INIT(0);
    FILE *promtool;

    /* NOLINTNEXTLINE(cert-env33-c): found as a person's shell would find it */
    if (system("command -v promtool >/dev/null 2>&1") != 0) {
        suite_skip("promtool is not installed");
        return;
    }
    prometheus_label(&labels, "type", "we\"ird\\\n\xc3\xa9");
    counter_add(metrics_counter(m, "wf_jobs_total", "Jobs.", buf_str(&labels)), 5);
    counter_add(metrics_counter(m, "wf_jobs_total", "Jobs.", "type=\"b\""), 5);
    gauge_set(metrics_gauge(m, "wf_depth", "Depth.", NULL), -3);
    CU_ASSERT_EQUAL(metrics_gauge_fn(m, "wf_ratio", "A function.", NULL, value_of, &value), 0);
    for (int64_t us = 1; us < 100000000; us *= 3)
        histogram_observe(metrics_histogram(m, "wf_wait_seconds", "Waiting.", "lane=\"1\"",
                                            metrics_latency_us, metrics_latency_us_n, 1e-6),
                          us);
    histogram_observe(metrics_histogram(m, "wf_batch_jobs", "Jobs in a batch.", NULL,
                                        metrics_batch_jobs, metrics_batch_jobs_n, 1),
                      7);
    scrape();
    fflush(stdout);
    /* NOLINTNEXTLINE(cert-env33-c) */
    promtool = popen("promtool check metrics", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(promtool);
    CU_ASSERT_EQUAL(fwrite(out.data, 1, out.len, promtool), out.len);
    CU_ASSERT_EQUAL(pclose(promtool), 0);
    buf_fini(&labels);
}

static const struct suite_test tests[] = {
    {"an empty registry is an empty text", empty_registry_is_empty_text},
    {"families are sorted, with one HELP and TYPE each",
     families_are_sorted_with_one_help_and_type},
    {"a histogram is cumulative and scaled", histogram_is_cumulative_and_scaled},
    {"a histogram without labels has only le", histogram_without_labels_has_only_le},
    {"functions are asked at each scrape", functions_are_asked_at_each_scrape},
    {"a function may use the registry itself", function_may_use_the_registry},
    {"labels and help are escaped", labels_and_help_are_escaped},
    {"promtool accepts the text", promtool_accepts_it},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "prometheus", tests, SUITE_COUNT(tests), setup, teardown);
}
