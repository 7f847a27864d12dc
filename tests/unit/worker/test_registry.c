// SPDX-License-Identifier: MIT
/* registry: the table, looking types up, a set of metrics for each. */
#include <string.h>

#include "common/metrics/prometheus.h"
#include "tests/support/suite.h"
#include "worker/handlers/handlers.h"
#include "worker/registry.h"

static struct metrics *metrics;
static struct registry *registry;

static void set_up(void)
{
    metrics = metrics_new();
    registry = registry_new(registry_rows, registry_n_rows, metrics);
}

static void tear_down(void)
{
    registry_free(registry);
    metrics_free(metrics);
}

static void test_math(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(registry);
    CU_ASSERT_PTR_EQUAL(registry_find(registry, "math_add")->run, math_add);
    CU_ASSERT_PTR_EQUAL(registry_find(registry, "math_subtract")->run, math_subtract);
    CU_ASSERT_PTR_EQUAL(registry_find(registry, "math_multiply")->run, math_multiply);
    CU_ASSERT_PTR_EQUAL(registry_find(registry, "math_divide")->run, math_divide);
}

static void test_unknown(void)
{
    static const char *const types[] = {"", "math", "math_add2", "MATH_ADD", "\xff"};
    const struct registry_entry *unknown = registry_find(registry, "nothing");

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        CU_ASSERT_PTR_EQUAL(registry_find(registry, types[i]), unknown);
    CU_ASSERT_PTR_NULL(unknown->run);
    CU_ASSERT_PTR_NOT_NULL(unknown->buried);
}

static void test_names(void)
{
    struct buf names = BUF_INIT(0);

    registry_names(registry, &names);
    CU_ASSERT_STRING_EQUAL(buf_str(&names), "math_add, math_divide, math_multiply, math_subtract");
    buf_fini(&names);
}

static void test_metrics(void)
{
    struct buf text = BUF_INIT(0);

    counter_add(registry_find(registry, "math_add")->done, 3);
    counter_add(registry_find(registry, "math_divide")->buried, 2);
    counter_add(registry_find(registry, "made\"up")->buried, 1);
    prometheus_write(metrics, &text);
    CU_ASSERT(strstr(buf_str(&text), "wf_worker_jobs_done_total{type=\"math_add\"} 3\n") != NULL);
    CU_ASSERT(strstr(buf_str(&text), "wf_worker_jobs_failed_total{type=\"math_divide\",permanent="
                                     "\"true\"} 2\n") != NULL);
    CU_ASSERT(strstr(buf_str(&text), "wf_worker_jobs_failed_total{type=\"unknown\",permanent="
                                     "\"true\"} 1\n") != NULL);
    CU_ASSERT(strstr(buf_str(&text), "made") == NULL);
    buf_fini(&text);
}

static void test_empty(void)
{
    struct registry *none = registry_new(NULL, 0, metrics);

    CU_ASSERT_PTR_NOT_NULL_FATAL(none);
    CU_ASSERT_PTR_NULL(registry_find(none, "math_add")->run);
    registry_free(none);
    registry_free(NULL);
}

static const struct suite_test tests[] = {
    {"the four operations are in the table", test_math},
    {"a type that nobody registered has no function", test_unknown},
    {"the names are listed in order", test_names},
    {"each type counts for itself, unknown ones together", test_metrics},
    {"a worker without handlers is possible", test_empty},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "registry", tests, SUITE_COUNT(tests), set_up, tear_down);
}
