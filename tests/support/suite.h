// SPDX-License-Identifier: MIT
/*
 * suite - the runner around CUnit that every test program shares.
 *
 * A program lists its tests in one table and returns suite_main(). Called without arguments it runs
 * them all; with `test_x NAME` it runs the tests whose name contains NAME; `test_x --list` prints
 * them. The exit code is 1 when anything failed or no test matched. A test that asserts nothing
 * counts as failed: it could not fail. The last line on standard output is
 * `suite <program>: N passed, N failed, N skipped`, which tests/run.sh adds up.
 *
 * CUnit's asserts are not thread-safe: collect in threads, assert in the test.
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <CUnit/CUnit.h>

struct suite_test {
    const char *name; /* a sentence: "a duplicate key is refused" */
    void (*run)(void);
};

/* `name` is the program's ("json"). `setup` and `teardown` (may be NULL) wrap each test. */
int suite_main(int argc, char **argv, const char *name, const struct suite_test *tests, int n,
               void (*setup)(void), void (*teardown)(void));

/* Ends the current test as skipped, with the reason on its line. Call it and return. */
void suite_skip(const char *why);

#define SUITE_COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

#endif
