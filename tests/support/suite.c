// SPDX-License-Identifier: MIT
#include "tests/support/suite.h"

#include <CUnit/TestRun.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

/* CUnit's handlers carry no context, so what they share is here. One test runs at a time. */
static const char *suite_name;
static const char *skip_reason; /* of the running test, NULL: not skipped */
static unsigned asserts_before;
static int64_t started_us;
static int passed, failed, skipped;

void suite_skip(const char *why)
{
    skip_reason = why;
}

static void print_failures(const struct CU_FailureRecord *failure)
{
    for (; failure; failure = failure->pNext)
        printf("       %s:%u: %s\n", failure->strFileName ? failure->strFileName : "?",
               failure->uiLineNumber, failure->strCondition ? failure->strCondition : "?");
}

static void on_start(const CU_pTest test, const CU_pSuite suite)
{
    (void)test;
    (void)suite;
    skip_reason = NULL;
    asserts_before = CU_get_run_summary()->nAsserts;
    started_us = clock_us();
}

static void on_complete(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
    double ms = (double)(clock_us() - started_us) / 1000;

    (void)suite;
    if (failure) {
        failed++;
        printf("FAIL   %s: %s (%.1f ms)\n", suite_name, test->pName, ms);
        print_failures(failure);
    } else if (skip_reason) {
        skipped++;
        printf("skip   %s: %s: %s\n", suite_name, test->pName, skip_reason);
    } else if (CU_get_run_summary()->nAsserts == asserts_before) {
        failed++;
        printf("FAIL   %s: %s: it asserted nothing\n", suite_name, test->pName);
    } else {
        passed++;
        printf("ok     %s: %s (%.1f ms)\n", suite_name, test->pName, ms);
    }
}

/* False when CUnit itself could not run the tests; failed tests are counted by on_complete. */
static bool run(void)
{
    CU_ErrorCode code;

    CU_set_test_start_handler(on_start);
    CU_set_test_complete_handler(on_complete);
    CU_set_error_action(CUEA_IGNORE);
    code = CU_run_all_tests();
    if (code != CUE_SUCCESS)
        printf("FAIL   %s: CUnit: %s\n", suite_name, CU_get_error_msg());
    return code == CUE_SUCCESS;
}

/* Adds the tests whose name contains `filter` (NULL: all) and returns how many; -1: CUnit failed.
 */
static int add_tests(const struct suite_test *tests, int n, const char *filter, CU_SetUpFunc setup,
                     CU_TearDownFunc teardown)
{
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown(suite_name, NULL, NULL, setup, teardown);
    int added = 0;

    if (!suite)
        return -1;
    for (int i = 0; i < n; i++) {
        if (filter && !strstr(tests[i].name, filter))
            continue;
        if (!CU_add_test(suite, tests[i].name, tests[i].run) || CU_get_error() != CUE_SUCCESS)
            return -1; /* two tests of one name are an error too */
        added++;
    }
    return added;
}

static int list(const struct suite_test *tests, int n)
{
    for (int i = 0; i < n; i++)
        printf("%s\n", tests[i].name);
    return 0;
}

int suite_main(int argc, char **argv, const char *name, const struct suite_test *tests, int n,
               void (*setup)(void), void (*teardown)(void))
{
    const char *filter = argc > 1 ? argv[1] : NULL;
    bool good = false;
    int added;

    if (filter && strcmp(filter, "--list") == 0)
        return list(tests, n);
    suite_name = name;
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was printed before a crash is kept */
    if (CU_initialize_registry() != CUE_SUCCESS ||
        (added = add_tests(tests, n, filter, setup, teardown)) < 0)
        printf("FAIL   %s: CUnit: %s\n", name, CU_get_error_msg());
    else if (added == 0)
        printf("FAIL   %s: no test is called like \"%s\"\n", name, filter ? filter : "");
    else
        good = run();
    CU_cleanup_registry();
    if (!good && failed == 0)
        failed = 1; /* so that the sum of many programs shows it too */
    printf("suite %s: %d passed, %d failed, %d skipped\n", name, passed, failed, skipped);
    return good && failed == 0 ? 0 : 1;
}
