// SPDX-License-Identifier: MIT
#include "common/service/process_metrics.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/metrics/prometheus.h"
#include "tests/support/suite.h"

static struct metrics *registry;
static struct buf text;

static void setup(void)
{
    registry = metrics_new();
    text = (struct buf)BUF_INIT(0);
    CU_ASSERT_EQUAL_FATAL(process_metrics_add(registry, "wf_test_build_info", "v1\"x"), 0);
    prometheus_write(registry, &text);
}

static void teardown(void)
{
    metrics_free(registry);
    buf_fini(&text);
}

static double value_of(const char *name)
{
    const char *at = strstr(buf_str(&text), name);

    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    return strtod(at + strlen(name), NULL);
}

static void test_values(void)
{
    CU_ASSERT(value_of("\nprocess_resident_memory_bytes ") > 100000);
    CU_ASSERT(value_of("\nprocess_open_fds ") >= 3);
    CU_ASSERT(value_of("\nprocess_cpu_seconds_total ") >= 0);
    CU_ASSERT(value_of("\nprocess_start_time_seconds ") > 1e9);
}

static void test_build(void)
{
    CU_ASSERT_EQUAL(value_of("\nwf_test_build_info{version=\"v1\\\"x\"} "), 1);
}

static const struct suite_test tests[] = {
    {"memory, files, CPU time and start are there and plausible", test_values},
    {"the build says its version in a label", test_build},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "process_metrics", tests, SUITE_COUNT(tests), setup, teardown);
}
