// SPDX-License-Identifier: MIT
/* The four operations: results, and what is refused for good. */
#include "tests/unit/worker/fixture.h"
#include "worker/handlers/handlers.h"

struct good_case {
    wf_handler *run;
    const char *args, *result;
};

struct bad_case {
    wf_handler *run;
    const char *args, *errtype, *message;
};

static void test_results(void)
{
    static const struct good_case cases[] = {
        {math_add, "[{\"a\":1,\"b\":2}]", "3"},
        {math_add, "[{\"a\":0.1,\"b\":0.2}]", "0.30000000000000004"},
        {math_add, "[{\"a\":-5,\"b\":2.5}]", "-2.5"},
        {math_add, "[{\"a\":1e308,\"b\":7e307}]", "1.7e+308"},
        {math_add, "[{\"b\":2,\"a\":1,\"request_id\":null}]", "3"},
        {math_add, "[{\"a\":1,\"b\":2,\"request_id\":\"x-1\"}]", "3"},
        {math_add, "[{\"a\":1,\"b\":2,\"comment\":[true]}]", "3"},
        {math_subtract, "[{\"a\":20,\"b\":8}]", "12"},
        {math_subtract, "[{\"a\":-1.5,\"b\":-1.25}]", "-0.25"},
        {math_multiply, "[{\"a\":6,\"b\":7}]", "42"},
        {math_multiply, "[{\"a\":-0.5,\"b\":3}]", "-1.5"},
        {math_multiply, "[{\"a\":9007199254740991,\"b\":1}]", "9007199254740991"},
        {math_divide, "[{\"a\":100,\"b\":4}]", "25"},
        {math_divide, "[{\"a\":1,\"b\":3}]", "0.3333333333333333"},
        {math_divide, "[{\"a\":0,\"b\":5}]", "0"},
        {math_divide, "[{\"a\":1e-320,\"b\":1e300}]", "0"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture_said said = fixture_run(cases[i].run, cases[i].args);

        CU_ASSERT_EQUAL(said.word, HANDLER_NUMBER);
        CU_ASSERT_STRING_EQUAL(said.text, cases[i].result);
        if (strcmp(said.text, cases[i].result) != 0)
            fprintf(stderr, "%s: %s\n", cases[i].args, said.text);
    }
}

static void check_bad(const struct bad_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct fixture_said said = fixture_run(cases[i].run, cases[i].args);

        CU_ASSERT_EQUAL(said.word, HANDLER_BURY);
        CU_ASSERT_STRING_EQUAL(said.errtype, cases[i].errtype);
        CU_ASSERT_STRING_EQUAL(said.text, cases[i].message);
        if (strcmp(said.text, cases[i].message) != 0)
            fprintf(stderr, "%s: %s\n", cases[i].args, said.text);
    }
}

static void test_zero(void)
{
    static const struct bad_case cases[] = {
        {math_divide, "[{\"a\":1,\"b\":0}]", "DivisionByZero", "cannot divide 1 by zero"},
        {math_divide, "[{\"a\":0,\"b\":0.0}]", "DivisionByZero", "cannot divide 0 by zero"},
        {math_divide, "[{\"a\":-2.5,\"b\":-0.0}]", "DivisionByZero", "cannot divide -2.5 by zero"},
    };

    check_bad(cases, sizeof cases / sizeof cases[0]);
}

static void test_overflow(void)
{
    static const char too_large[] = "the result is too large for a double";
    static const struct bad_case cases[] = {
        {math_add, "[{\"a\":1.7e308,\"b\":1e308}]", "Overflow", too_large},
        {math_subtract, "[{\"a\":-1.7e308,\"b\":1e308}]", "Overflow", too_large},
        {math_multiply, "[{\"a\":1e200,\"b\":1e200}]", "Overflow", too_large},
        {math_divide, "[{\"a\":1e300,\"b\":1e-300}]", "Overflow", too_large},
    };

    check_bad(cases, sizeof cases / sizeof cases[0]);
}

static void test_arguments(void)
{
    static const char type[] = "InvalidArguments";
    static const struct bad_case cases[] = {
        {math_add, "[]", type, "argument 1: expected an object, got nothing"},
        {math_add, "[5]", type, "argument 1: expected an object, got a number"},
        {math_add, "[{}]", type, "argument 1: \"a\": expected a number, got nothing"},
        {math_add, "[{\"a\":1}]", type, "argument 1: \"b\": expected a number, got nothing"},
        {math_add, "[{\"a\":\"1\",\"b\":2}]", type,
         "argument 1: \"a\": expected a number, got a string"},
        {math_add, "[{\"a\":1,\"b\":null}]", type,
         "argument 1: \"b\": expected a number, got null"},
        {math_add, "[{\"a\":1,\"b\":2,\"request_id\":7}]", type,
         "argument 1: \"request_id\": expected a string or null, got a number"},
        {math_add, "[{\"a\":1e999,\"b\":2}]", type,
         "argument 1: \"a\": expected a number that a double can hold, got a number"},
        {math_divide, "[{\"a\":1,\"b\":2},3]", type, "expected 1 argument, got 2"},
        {math_divide, "[{\"a\":1,\"b\":[0]}]", type,
         "argument 1: \"b\": expected a number, got an array"},
    };

    check_bad(cases, sizeof cases / sizeof cases[0]);
}

static const struct suite_test tests[] = {
    {"whole numbers, fractions and negatives come out right", test_results},
    {"D23: division by zero fails for good", test_zero},
    {"a result beyond a double fails for good", test_overflow},
    {"D23: bad arguments fail for good, and the message names the field", test_arguments},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "math", tests, SUITE_COUNT(tests), NULL, NULL);
}
