// SPDX-License-Identifier: MIT
#include "common/json/json_write.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json.h"
#include "tests/support/suite.h"

static struct buf out, back;

static void teardown(void)
{
    buf_fini(&out);
    buf_fini(&back);
}

static const char *string(const char *text, size_t len)
{
    buf_clear(&out);
    json_write_string(&out, text, len);
    return buf_str(&out);
}

static const char *integer(int64_t value)
{
    buf_clear(&out);
    json_write_int(&out, value);
    return buf_str(&out);
}

static const char *number(double value)
{
    buf_clear(&out);
    json_write_double(&out, value);
    return buf_str(&out);
}

static void strings_are_quoted_and_escaped(void)
{
    CU_ASSERT_STRING_EQUAL(string("", 0), "\"\"");
    CU_ASSERT_STRING_EQUAL(string("abc/d", 5), "\"abc/d\"");
    CU_ASSERT_STRING_EQUAL(string("a\"b\\c", 5), "\"a\\\"b\\\\c\"");
    CU_ASSERT_STRING_EQUAL(string("\b\f\n\r\t", 5), "\"\\b\\f\\n\\r\\t\"");
    CU_ASSERT_STRING_EQUAL(string("\x01\x1f\x7f", 3), "\"\\u0001\\u001f\x7f\"");
    CU_ASSERT_STRING_EQUAL(string("\xc3\xa9\xf0\x9f\x98\x80", 6), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

static void what_is_no_text_becomes_the_replacement_character(void)
{
    CU_ASSERT_STRING_EQUAL(string("a\xff"
                                  "b",
                                  3),
                           "\"a\xef\xbf\xbd"
                           "b\"");
    CU_ASSERT_STRING_EQUAL(string("a\0b", 3), "\"a\xef\xbf\xbd"
                                              "b\"");
    CU_ASSERT_STRING_EQUAL(string("\xc0\xaf", 2), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    CU_ASSERT_STRING_EQUAL(string("\xe2\x82", 2), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void c_strings_may_be_null(void)
{
    json_write_cstr(&out, NULL);
    buf_add_char(&out, ',');
    json_write_cstr(&out, "x");
    CU_ASSERT_STRING_EQUAL(buf_str(&out), "null,\"x\"");
}

static void blanks_can_be_escaped(void)
{
    buf_clear(&out);
    json_write_unblank(&out, " a  \"b\" ", 8);
    CU_ASSERT_STRING_EQUAL(buf_str(&out), "\"\\u0020a\\u0020\\u0020\\\"b\\\"\\u0020\"");
}

static void every_byte_pair_reads_back(void)
{
    for (int i = 0; i < 65536; i++) {
        char pair[2] = {(char)(i >> 8), (char)i};
        struct json_slice root = {NULL, 0};

        string(pair, 2);
        if (json_check(out.data, out.len, &root, NULL) != 0) {
            CU_FAIL_FATAL("what was written is no JSON");
        }
        buf_clear(&back);
        CU_ASSERT_EQUAL_FATAL(json_read_string(root, &back), 0);
        if (pair[0] > 0 && pair[1] > 0) /* plain ASCII comes back unchanged */
            CU_ASSERT_TRUE(back.len == 2 && memcmp(back.data, pair, 2) == 0);
    }
}

static void integers_are_written_whole(void)
{
    CU_ASSERT_STRING_EQUAL(integer(0), "0");
    CU_ASSERT_STRING_EQUAL(integer(-1), "-1");
    CU_ASSERT_STRING_EQUAL(integer(1234567890), "1234567890");
    CU_ASSERT_STRING_EQUAL(integer(INT64_MAX), "9223372036854775807");
    CU_ASSERT_STRING_EQUAL(integer(INT64_MIN), "-9223372036854775808");
}

static const struct {
    double value;
    const char *text;
} doubles[] = {
    {0, "0"},
    {-0.0, "-0"},
    {6, "6"},
    {-6, "-6"},
    {0.1, "0.1"},
    {0.1 + 0.2, "0.30000000000000004"},
    {-2.5, "-2.5"},
    {1.0 / 3, "0.3333333333333333"},
    {9007199254740991.0, "9007199254740991"},
    {123456789.125, "123456789.125"},
    {1e-7, "1e-07"},
    {1e300, "1e+300"},
    {5e-324, "4.94065645841247e-324"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
};

static void doubles_are_short(void)
{
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        CU_ASSERT_STRING_EQUAL(number(doubles[i].value), doubles[i].text);
}

static void what_is_not_finite_is_null(void)
{
    CU_ASSERT_STRING_EQUAL(number(NAN), "null");
    CU_ASSERT_STRING_EQUAL(number(INFINITY), "null");
    CU_ASSERT_STRING_EQUAL(number(-INFINITY), "null");
}

static void random_doubles_read_back_exactly(void)
{
    uint64_t state = 1;

    for (int i = 0; i < 100000; i++) {
        struct json_slice root = {NULL, 0};
        double value, again = 0;

        state = state * 6364136223846793005u + 1442695040888963407u;
        memcpy(&value, &state, sizeof value);
        if (!isfinite(value))
            continue;
        number(value);
        CU_ASSERT_EQUAL_FATAL(json_check(out.data, out.len, &root, NULL), 0);
        CU_ASSERT_EQUAL_FATAL(json_read_double(root, &again), 0);
        CU_ASSERT_EQUAL_FATAL(value, again);
    }
}

static void locale_changes_nothing(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE",       "fr_FR.UTF-8",
                                        "fr_FR",       "sv_SE.UTF-8", "ru_RU.UTF-8"};
    const char *set = NULL;
    struct json_slice root;
    double value = 0;

    for (size_t i = 0; !set && i < sizeof names / sizeof names[0]; i++)
        set = setlocale(LC_ALL, names[i]);
    if (!set) {
        suite_skip("no locale with a decimal comma is installed");
        return;
    }
    CU_ASSERT_EQUAL(strtod("1,5", NULL), 1.5); /* the locale is in force */
    CU_ASSERT_STRING_EQUAL(number(0.5), "0.5");
    CU_ASSERT_EQUAL(json_check("2.5", 3, &root, NULL), 0);
    CU_ASSERT_EQUAL(json_read_double(root, &value), 0);
    CU_ASSERT_EQUAL(value, 2.5);
    setlocale(LC_ALL, "C");
}

static void failure_sticks_in_the_buffer(void)
{
    struct buf small = BUF_INIT(3);

    json_write_string(&small, "abc", 3);
    CU_ASSERT_TRUE(small.failed);
    buf_fini(&small);
}

static const struct suite_test tests[] = {
    {"strings are quoted and escaped", strings_are_quoted_and_escaped},
    {"what is no text becomes the replacement character",
     what_is_no_text_becomes_the_replacement_character},
    {"C strings may be null", c_strings_may_be_null},
    {"blanks can be written as escapes", blanks_can_be_escaped},
    {"every pair of bytes gives JSON that reads back", every_byte_pair_reads_back},
    {"integers are written whole", integers_are_written_whole},
    {"doubles are written short", doubles_are_short},
    {"what is not finite is null", what_is_not_finite_is_null},
    {"random doubles read back exactly", random_doubles_read_back_exactly},
    {"a locale with a decimal comma changes nothing", locale_changes_nothing},
    {"a failure sticks in the buffer", failure_sticks_in_the_buffer},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "json_write", tests, SUITE_COUNT(tests), NULL, teardown);
}
