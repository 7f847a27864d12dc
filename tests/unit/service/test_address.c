// SPDX-License-Identifier: MIT
#include "common/service/address.h"

#include <stdio.h>

#include "common/base/err.h"
#include "tests/support/suite.h"

static int check(const char *text)
{
    struct buf expected = BUF_INIT(0);
    int code = address_check(text, &expected);

    CU_ASSERT_EQUAL(expected.len > 0, code != 0);
    buf_fini(&expected);
    return code;
}

static void test_good(void)
{
    static const char *const good[] = {"",        "127.0.0.1:3000", "0.0.0.0:0",
                                       "[::1]:9", "[::]:65535",     "localhost:80"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_EQUAL(check(good[i]), 0);
}

static void test_bad(void)
{
    static const char *const bad[] = {"3000",   ":3000", "host",       "host:",     "host:x",
                                      "::1:80", "[]:80", "[::1",       "h:65536",   "h:123456",
                                      "h h:80", "[a:80", "http://h:1", "[::1]x:80", "h:-1"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (check(bad[i]) != ERR_INVALID)
            fprintf(stderr, "taken: %s\n", bad[i]);
        CU_ASSERT_EQUAL(check(bad[i]), ERR_INVALID);
    }
}

static const struct suite_test tests[] = {
    {"names and addresses with a port are taken", test_good},
    {"whatever is no address with a port is refused", test_bad},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "address", tests, SUITE_COUNT(tests), NULL, NULL);
}
