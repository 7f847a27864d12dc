// SPDX-License-Identifier: MIT
/* What is kept of Faktory's INFO. */
#include <string.h>

#include "common/faktory/info.h"
#include "tests/support/suite.h"

static void check(const char *info, const char *wanted)
{
    struct buf out = BUF_INIT(0);
    struct json_slice root;

    CU_ASSERT_EQUAL_FATAL(json_check(info, strlen(info), &root, NULL), 0);
    info_write(root, &out);
    CU_ASSERT_STRING_EQUAL(buf_str(&out), wanted);
    buf_fini(&out);
}

static void keeps_what_is_shown(void)
{
    check("{\"now\":\"x\",\"faktory\":{\"queues\":{\"a\":3,\"b\":0},\"sets\":{\"dead\":1,"
          "\"retries\":2,\"scheduled\":4,\"working\":5},\"tasks\":{\"Busy\":{\"size\":0}},"
          "\"total_enqueued\":3,\"total_failures\":6,\"total_processed\":7,\"total_queues\":2},"
          "\"server\":{\"command_count\":8,\"connections\":9,\"faktory_version\":\"1.9.4\","
          "\"uptime\":10,\"used_memory_mb\":11}}",
          "{\"version\":\"1.9.4\",\"uptime_seconds\":10,\"connections\":9,\"command_count\":8,"
          "\"total_processed\":7,\"total_failures\":6,\"total_enqueued\":3,\"queues\":{\"a\":3,"
          "\"b\":0},\"scheduled\":4,\"retries\":2,\"dead\":1,\"working\":5}");
}

static void leaves_out_what_is_not_there(void)
{
    check("{}", "{}");
    check("{\"server\":[],\"faktory\":{\"sets\":7,\"total_processed\":1}}",
          "{\"total_processed\":1}");
}

static const struct suite_test tests[] = {
    {"what is shown of INFO is kept under its names", keeps_what_is_shown},
    {"what INFO does not hold is left out", leaves_out_what_is_not_there},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "info", tests, SUITE_COUNT(tests), NULL, NULL);
}
