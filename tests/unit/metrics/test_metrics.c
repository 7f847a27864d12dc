// SPDX-License-Identifier: MIT
#include "common/metrics/metrics.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/sync.h"
#include "common/metrics/prometheus.h"
#include "tests/support/suite.h"

static struct metrics *m;

static void setup(void)
{
    m = metrics_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
}

static void teardown(void)
{
    metrics_free(m);
    m = NULL;
}

static void counters_count(void)
{
    struct counter *c = metrics_counter(m, "a_total", "A.", NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(counter_value(c), 0);
    counter_add(c, 1);
    counter_add(c, 41);
    CU_ASSERT_EQUAL(counter_value(c), 42);
}

static void gauges_go_up_and_down(void)
{
    struct gauge *g = metrics_gauge(m, "a", "A.", NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(g);
    gauge_set(g, 5);
    gauge_add(g, -7);
    CU_ASSERT_EQUAL(gauge_value(g), -2);
}

static void same_name_and_labels_are_the_same_metric(void)
{
    struct counter *a = metrics_counter(m, "a_total", "A.", "x=\"1\"");

    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_PTR_EQUAL(metrics_counter(m, "a_total", "A.", "x=\"1\""), a);
    CU_ASSERT_PTR_NOT_EQUAL(metrics_counter(m, "a_total", "A.", "x=\"2\""), a);
    CU_ASSERT_PTR_NOT_EQUAL(metrics_counter(m, "a_total", "A.", NULL), a);
    CU_ASSERT_PTR_NOT_EQUAL(metrics_counter(m, "b_total", "B.", "x=\"1\""), a);
}

static double one(void *ctx)
{
    (void)ctx;
    return 1;
}

static void name_keeps_its_kind(void)
{
    CU_ASSERT_PTR_NOT_NULL(metrics_counter(m, "a_total", "A.", NULL));
    CU_ASSERT_PTR_NULL(metrics_gauge(m, "a_total", "A.", "x=\"1\""));
    CU_ASSERT_PTR_NULL(
        metrics_histogram(m, "a_total", "A.", NULL, metrics_batch_jobs, metrics_batch_jobs_n, 1));
    CU_ASSERT_EQUAL(metrics_gauge_fn(m, "a_total", "A.", NULL, one, NULL), ERR_INVALID);
    CU_ASSERT_EQUAL(metrics_counter_fn(m, "a_total", "A.", NULL, one, NULL), ERR_INVALID);
    CU_ASSERT_EQUAL(metrics_counter_fn(m, "a_total", "A.", "fn=\"1\"", one, NULL), 0);
    CU_ASSERT_PTR_NULL(metrics_counter(m, "a_total", "A.", "fn=\"1\""));
}

static void function_may_be_registered_again_but_not_replaced(void)
{
    CU_ASSERT_EQUAL(metrics_gauge_fn(m, "a", "A.", NULL, one, NULL), 0);
    CU_ASSERT_EQUAL(metrics_gauge_fn(m, "a", "A.", NULL, one, NULL), 0);
    CU_ASSERT_EQUAL(metrics_gauge_fn(m, "a", "A.", NULL, one, m), ERR_INVALID);
}

static void bad_names_are_refused(void)
{
    static const char *const names[] = {"", "1a", "a-b", "a b", "a{}", "\xc3\xa9"};

    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_PTR_NULL(metrics_counter(m, names[i], "A.", NULL));
    CU_ASSERT_PTR_NOT_NULL(metrics_counter(m, "_a:B9", "A.", NULL));
}

static void everything_works_without_a_registry(void)
{
    CU_ASSERT_PTR_NULL(metrics_counter(NULL, "a", "A.", NULL));
    CU_ASSERT_PTR_NULL(metrics_gauge(NULL, "a", "A.", NULL));
    CU_ASSERT_PTR_NULL(
        metrics_histogram(NULL, "a", "A.", NULL, metrics_latency_us, metrics_latency_us_n, 1e-6));
    CU_ASSERT_EQUAL(metrics_gauge_fn(NULL, "a", "A.", NULL, one, NULL), 0);
    counter_add(NULL, 1);
    gauge_set(NULL, 1);
    gauge_add(NULL, 1);
    histogram_observe(NULL, 1);
    CU_ASSERT_EQUAL(counter_value(NULL), 0);
    CU_ASSERT_EQUAL(gauge_value(NULL), 0);
    CU_ASSERT_EQUAL(histogram_count(NULL), 0);
    CU_ASSERT_EQUAL(histogram_sum(NULL), 0);
    CU_ASSERT_EQUAL(histogram_quantile(NULL, 0.5), 0);
    metrics_free(NULL);
}

static const int64_t bounds[] = {10, 20, 40};

static struct histogram *histogram(void)
{
    struct histogram *h = metrics_histogram(m, "h", "H.", NULL, bounds, 3, 1);

    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    return h;
}

static void histograms_count_and_sum(void)
{
    struct histogram *h = histogram();

    CU_ASSERT_EQUAL(histogram_quantile(h, 0.5), 0);
    for (int64_t value = 1; value <= 50; value++)
        histogram_observe(h, value);
    CU_ASSERT_EQUAL(histogram_count(h), 50);
    CU_ASSERT_EQUAL(histogram_sum(h), 1275);
}

static void quantiles_are_interpolated(void)
{
    struct histogram *h = histogram();

    for (int64_t value = 1; value <= 40; value++)
        histogram_observe(h, value);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0), 0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0.125), 5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0.25), 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0.5), 20, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0.75), 30, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 1), 40, 1e-9);
}

static void quantile_skips_empty_buckets(void)
{
    struct histogram *h = histogram();

    histogram_observe(h, 30);
    histogram_observe(h, 30);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0), 20, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(histogram_quantile(h, 0.5), 30, 1e-9);
}

static void quantile_above_all_bounds_is_the_highest(void)
{
    struct histogram *h = histogram();

    histogram_observe(h, 1000000);
    CU_ASSERT_EQUAL(histogram_quantile(h, 0.5), 40);
}

static void ready_made_bounds_ascend(void)
{
    for (size_t i = 1; i < metrics_latency_us_n; i++)
        CU_ASSERT_TRUE(metrics_latency_us[i - 1] < metrics_latency_us[i]);
    for (size_t i = 1; i < metrics_batch_jobs_n; i++)
        CU_ASSERT_TRUE(metrics_batch_jobs[i - 1] < metrics_batch_jobs[i]);
    CU_ASSERT_EQUAL(metrics_latency_us[0], 100);
    CU_ASSERT_EQUAL(metrics_latency_us[metrics_latency_us_n - 1], 60000000);
    CU_ASSERT_EQUAL(metrics_batch_jobs[metrics_batch_jobs_n - 1], 1000);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 5000 };

/* Records, registers and scrapes at once; returns its argument when a registration failed. */
static void *use_all(void *arg)
{
    void *failed = NULL;

    for (int i = 0; i < ROUNDS; i++) {
        char labels[] = "x=\"00\"";
        struct counter *c;

        labels[3] = (char)('0' + i % 10);
        c = metrics_counter(m, "shared_total", "S.", labels);
        if (!c)
            failed = arg;
        counter_add(c, 1);
        gauge_add(metrics_gauge(m, "level", "L.", NULL), i % 2 ? 1 : -1);
        histogram_observe(metrics_histogram(m, "h", "H.", NULL, bounds, 3, 1), i % 50);
        if (i % 500 == 0) {
            struct buf out = BUF_INIT(0);

            prometheus_write(m, &out);
            buf_fini(&out);
        }
    }
    return failed;
}

static void threads_lose_nothing(void)
{
    pthread_t threads[THREADS];
    uint64_t sum = 0;
    char labels[] = "x=\"00\"";

    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[i], "use_all", 0, use_all, &threads[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;

        pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    for (int i = 0; i < 10; i++) {
        labels[3] = (char)('0' + i);
        sum += counter_value(metrics_counter(m, "shared_total", "S.", labels));
    }
    CU_ASSERT_EQUAL(sum, THREADS * ROUNDS);
    CU_ASSERT_EQUAL(gauge_value(metrics_gauge(m, "level", "L.", NULL)), 0);
    CU_ASSERT_EQUAL(histogram_count(histogram()), THREADS * ROUNDS);
}

static const struct suite_test tests[] = {
    {"counters count", counters_count},
    {"gauges go up and down", gauges_go_up_and_down},
    {"the same name and labels are the same metric", same_name_and_labels_are_the_same_metric},
    {"a name keeps its kind", name_keeps_its_kind},
    {"a function may be registered again but not replaced",
     function_may_be_registered_again_but_not_replaced},
    {"bad names are refused", bad_names_are_refused},
    {"everything works without a registry", everything_works_without_a_registry},
    {"histograms count and sum", histograms_count_and_sum},
    {"quantiles are interpolated", quantiles_are_interpolated},
    {"a quantile skips empty buckets", quantile_skips_empty_buckets},
    {"a quantile above all bounds is the highest bound", quantile_above_all_bounds_is_the_highest},
    {"the ready-made bounds ascend", ready_made_bounds_ascend},
    {"threads that record, register and scrape lose nothing", threads_lose_nothing},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "metrics", tests, SUITE_COUNT(tests), setup, teardown);
}
