// SPDX-License-Identifier: MIT
/* Slices of checked text and what is read from them; test_json.c has the check itself. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json.h"
#include "tests/support/suite.h"

static struct buf text;

static void teardown(void)
{
    buf_fini(&text);
}

/* Checks text that must pass and gives its root. It must be a C string that outlives the test. */
static struct json_slice checked(const char *json)
{
    struct json_slice v;
    struct err_text why;

    if (json_check(json, strlen(json), &v, &why) != 0) {
        fprintf(stderr, "%s: %s\n", json, why.text);
        CU_FAIL_FATAL("the test's own text was refused");
    }
    return v;
}

/* ---- slices ---- */

static bool slice_is(struct json_slice v, const char *expected)
{
    return v.len == strlen(expected) && memcmp(v.at, expected, v.len) == 0;
}

static void types_are_told_apart(void)
{
    static const struct {
        const char *json;
        enum json_type type;
        const char *name;
    } cases[] = {
        {"null", JSON_NULL, "null"},       {"true", JSON_BOOL, "a boolean"},
        {"false", JSON_BOOL, "a boolean"}, {"-1", JSON_NUMBER, "a number"},
        {"7", JSON_NUMBER, "a number"},    {"\"x\"", JSON_STRING, "a string"},
        {"[1]", JSON_ARRAY, "an array"},   {"{}", JSON_OBJECT, "an object"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(json_type(checked(cases[i].json)), cases[i].type);
        CU_ASSERT_STRING_EQUAL(json_type_name(cases[i].type), cases[i].name);
    }
    CU_ASSERT_EQUAL(json_type((struct json_slice){NULL, 0}), JSON_ABSENT);
    CU_ASSERT_STRING_EQUAL(json_type_name(JSON_ABSENT), "nothing");
}

static void members_are_cut_out_as_they_were_written(void)
{
    struct json_slice v =
        checked(" { \"args\" : [1.10, {\"a\" :\"]}\\\"\"}] ,\"n\":-1e5, \"s\":\"\" }");

    CU_ASSERT_TRUE(slice_is(json_member(v, "args"), "[1.10, {\"a\" :\"]}\\\"\"}]"));
    CU_ASSERT_TRUE(slice_is(json_member(v, "n"), "-1e5"));
    CU_ASSERT_TRUE(slice_is(json_member(v, "s"), "\"\""));
    CU_ASSERT_EQUAL(json_type(json_member(v, "arg")), JSON_ABSENT);
    CU_ASSERT_EQUAL(json_type(json_member(v, "")), JSON_ABSENT);
    CU_ASSERT_EQUAL(json_type(json_member(json_member(v, "args"), "a")), JSON_ABSENT);
    CU_ASSERT_EQUAL(json_type(json_member(json_member(v, "none"), "a")), JSON_ABSENT);
}

static void keys_are_compared_decoded(void)
{
    struct json_slice v = checked("{\"\\u0061\\n\":1,\"\\ud83d\\ude00\":2,\"b\":3}");

    CU_ASSERT_TRUE(slice_is(json_member(v, "a\n"), "1"));
    CU_ASSERT_TRUE(slice_is(json_member(v, "\xf0\x9f\x98\x80"), "2"));
    CU_ASSERT_EQUAL(json_type(json_member(v, "a")), JSON_ABSENT);
    CU_ASSERT_EQUAL(json_type(json_member(v, "a\nb")), JSON_ABSENT);
    CU_ASSERT_EQUAL(json_type(json_member(v, "a\xff")), JSON_ABSENT);
}

static void items_come_in_order(void)
{
    static const char *const expected[] = {"1", "[2,3]", "\"4,5\"", "{\"6\":7}", "null"};
    struct json_iter it = json_iter(checked("[1,[2,3] , \"4,5\",{\"6\":7},null]"));
    struct json_slice item;
    size_t n = 0;

    while (json_next_item(&it, &item)) {
        CU_ASSERT_FATAL(n < 5);
        CU_ASSERT_TRUE(slice_is(item, expected[n++]));
    }
    CU_ASSERT_EQUAL(n, 5);
    CU_ASSERT_FALSE(json_next_item(&it, &item));
}

static void members_come_in_order(void)
{
    struct json_iter it = json_iter(checked("{\"b\":1 , \"a\" :{\"x\":[]}}"));
    struct json_slice key, value;

    CU_ASSERT_TRUE(json_next_member(&it, &key, &value));
    CU_ASSERT_TRUE(slice_is(key, "\"b\"") && slice_is(value, "1"));
    CU_ASSERT_TRUE(json_next_member(&it, &key, &value));
    CU_ASSERT_TRUE(slice_is(key, "\"a\"") && slice_is(value, "{\"x\":[]}"));
    CU_ASSERT_FALSE(json_next_member(&it, &key, &value));
}

static void counting_counts_items_and_members(void)
{
    CU_ASSERT_EQUAL(json_count(checked("[]")), 0);
    CU_ASSERT_EQUAL(json_count(checked("[[1,2],3]")), 2);
    CU_ASSERT_EQUAL(json_count(checked("{}")), 0);
    CU_ASSERT_EQUAL(json_count(checked("{\"a\":[1,2],\"b\":{\"c\":1}}")), 2);
    CU_ASSERT_EQUAL(json_count(checked("\"abc\"")), 0);
    CU_ASSERT_EQUAL(json_count((struct json_slice){NULL, 0}), 0);
}

/* ---- decoding ---- */

static void strings_are_decoded(void)
{
    static const char *const cases[][2] = {
        {"\"\"", ""},
        {"\"abc\"", "abc"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac"},
        {"\"x\\ud83d\\ude00y\"", "x\xf0\x9f\x98\x80y"},
        {"\"\\uffff\\uD7FF\\ue000\"", "\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_slice v = checked(cases[i][0]);

        buf_clear(&text);
        CU_ASSERT_EQUAL(json_read_string(v, &text), 0);
        CU_ASSERT_STRING_EQUAL(buf_str(&text), cases[i][1]);
        CU_ASSERT_TRUE(json_string_is(v, cases[i][1]));
        CU_ASSERT_FALSE(json_string_is(v, "something else"));
    }
    CU_ASSERT_EQUAL(json_read_string(checked("1"), &text), ERR_INVALID);
    CU_ASSERT_EQUAL(json_read_string((struct json_slice){NULL, 0}, &text), ERR_INVALID);
    CU_ASSERT_FALSE(json_string_is(checked("1"), "1"));
    CU_ASSERT_FALSE(json_string_is((struct json_slice){NULL, 0}, ""));
}

static void string_over_the_cap_is_an_error(void)
{
    struct buf small = BUF_INIT(3);

    CU_ASSERT_EQUAL(json_read_string(checked("\"abcd\""), &small), ERR_NOMEM);
    buf_clear(&small);
    CU_ASSERT_EQUAL(json_read_string(checked("\"\\u0061bcd\""), &small), ERR_NOMEM);
    buf_fini(&small);
}

static void doubles_are_the_nearest(void)
{
    static const struct {
        const char *json;
        double value;
    } cases[] = {
        {"0", 0},
        {"-7", -7},
        {"0.1", 0.1},
        {"1.10", 1.1},
        {"-1.5e-3", -0.0015},
        {"1E5", 1e5},
        {"9007199254740992", 9007199254740992.0},
        {"9007199254740993", 9007199254740992.0},
        {"100000000000000000000", 1e20},
        {"18446744073709551616", 18446744073709551616.0},
        {"1.7976931348623157e308", 1.7976931348623157e308},
        {"5e-324", 5e-324},
        {"1e-400", 0},
        {"0.1000000000000000055511151231257827021181583404541015625", 0.1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double value = 12345;

        CU_ASSERT_EQUAL(json_read_double(checked(cases[i].json), &value), 0);
        CU_ASSERT_EQUAL(value, cases[i].value);
    }
}

static void minus_zero_keeps_its_sign(void)
{
    static const char *const zeros[] = {"-0", "-0.0", "-0e5"};

    for (size_t i = 0; i < 3; i++) {
        double value = 1;

        CU_ASSERT_EQUAL(json_read_double(checked(zeros[i]), &value), 0);
        CU_ASSERT_TRUE(value == 0 && signbit(value));
    }
}

static void numbers_of_any_length_are_read(void)
{
    double value = 0;

    buf_add_str(&text, "0.");
    for (int i = 0; i < 100000; i++)
        buf_add_char(&text, '3');
    CU_ASSERT_EQUAL(json_read_double(checked(text.data), &value), 0);
    CU_ASSERT_DOUBLE_EQUAL(value, 1.0 / 3, 1e-16);
}

/* Up to 15 digits are read by a way of our own, longer ones by json-c: both against the C library.
 */
static void decimals_of_every_length_are_the_nearest(void)
{
    unsigned long long x = 88172645463325252U;
    char digits[48];

    for (int i = 0; i < 200000; i++) {
        int whole = (int)(x % 12), fraction = 1 + (int)(x / 16 % 12);
        double value = 0;

        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        snprintf(digits, sizeof digits, "%s%llu.%0*llu", x & 64 ? "-" : "",
                 whole ? x % (unsigned long long)pow(10, whole) : 0, fraction,
                 x / 7 % (unsigned long long)pow(10, fraction));
        if (json_read_double(checked(digits), &value) != 0 || value != strtod(digits, NULL) ||
            signbit(value) != (digits[0] == '-')) {
            fprintf(stderr, "%s was read as %.17g\n", digits, value);
            CU_FAIL_FATAL("not the nearest");
        }
    }
    CU_PASS("all of them");
}

static void what_is_no_finite_double_is_refused(void)
{
    static const char *const cases[] = {"1e400", "-1e309", "\"1\"", "null", "true", "[1]"};
    double value = 5;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(json_read_double(checked(cases[i]), &value), ERR_INVALID);
    for (int i = 0; i < 400; i++)
        buf_add_char(&text, '9');
    CU_ASSERT_EQUAL(json_read_double(checked(text.data), &value), ERR_INVALID);
    CU_ASSERT_EQUAL(value, 5);
}

static void integers_are_never_clamped(void)
{
    static const struct {
        const char *json;
        int code;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"42", 0, 42},
        {"-42", 0, -42},
        {"3000000000", 0, 3000000000},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775808", ERR_INVALID, 0},
        {"-9223372036854775809", ERR_INVALID, 0},
        {"18446744073709551616", ERR_INVALID, 0},
        {"100000000000000000000000", ERR_INVALID, 0},
        {"1.0", ERR_INVALID, 0},
        {"1e3", ERR_INVALID, 0},
        {"1E3", ERR_INVALID, 0},
        {"\"12\"", ERR_INVALID, 0},
        {"null", ERR_INVALID, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;

        CU_ASSERT_EQUAL(json_read_int64(checked(cases[i].json), &value), cases[i].code);
        CU_ASSERT_EQUAL(value, cases[i].value);
    }
}

static void booleans_are_only_true_and_false(void)
{
    bool value = false;

    CU_ASSERT_EQUAL(json_read_bool(checked("true"), &value), 0);
    CU_ASSERT_TRUE(value);
    CU_ASSERT_EQUAL(json_read_bool(checked("false"), &value), 0);
    CU_ASSERT_FALSE(value);
    CU_ASSERT_EQUAL(json_read_bool(checked("1"), &value), ERR_INVALID);
    CU_ASSERT_EQUAL(json_read_bool(checked("\"true\""), &value), ERR_INVALID);
    CU_ASSERT_EQUAL(json_read_bool(checked("null"), &value), ERR_INVALID);
}

static void unsafe_numbers_are_found(void)
{
    static const struct {
        const char *json;
        const char *number; /* NULL: all are safe */
    } cases[] = {
        {"9007199254740992", NULL},
        {"-9007199254740992", NULL},
        {"9007199254740993", "9007199254740993"},
        {"-9007199254740993", "-9007199254740993"},
        {"[1,2.5,1e300,-1e-400]", NULL},
        {"{\"9007199254740993\":\"1e999 9007199254740993\"}", NULL},
        {"[{\"a\":[ 1, 18446744073709551616 ]}]", "18446744073709551616"},
        {"[1e309]", "1e309"},
        {"{\"\\\"\":-1E400}", "-1E400"},
        {"[\"\",true,false,null,{}]", NULL},
    };
    struct json_slice number;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool found = json_has_unsafe_number(checked(cases[i].json), &number);

        CU_ASSERT_EQUAL(found, cases[i].number != NULL);
        if (found && cases[i].number)
            CU_ASSERT_TRUE(slice_is(number, cases[i].number));
    }
    CU_ASSERT_FALSE(json_has_unsafe_number((struct json_slice){NULL, 0}, &number));
}

/* A number without an exponent that overflows needs more than 308 digits. */
static void long_number_without_exponent_may_overflow(void)
{
    struct json_slice number;

    for (int i = 0; i < 310; i++)
        buf_add_char(&text, '9');
    buf_add_str(&text, ".5");
    CU_ASSERT_TRUE(json_has_unsafe_number(checked(text.data), &number));
    CU_ASSERT_EQUAL(number.len, 312);
}

static const struct suite_test tests[] = {
    {"types are told apart", types_are_told_apart},
    {"members are cut out as they were written", members_are_cut_out_as_they_were_written},
    {"keys are compared decoded", keys_are_compared_decoded},
    {"items come in order", items_come_in_order},
    {"members come in order", members_come_in_order},
    {"counting counts items and members", counting_counts_items_and_members},
    {"strings are decoded", strings_are_decoded},
    {"a string over the cap is an error", string_over_the_cap_is_an_error},
    {"doubles are the nearest to their text", doubles_are_the_nearest},
    {"minus zero keeps its sign", minus_zero_keeps_its_sign},
    {"decimals of every length are the nearest to their text",
     decimals_of_every_length_are_the_nearest},
    {"numbers of any length are read", numbers_of_any_length_are_read},
    {"what is no finite double is refused", what_is_no_finite_double_is_refused},
    {"integers are never clamped", integers_are_never_clamped},
    {"booleans are only true and false", booleans_are_only_true_and_false},
    {"numbers that a double cannot hold are found", unsafe_numbers_are_found},
    {"a long number without exponent may overflow", long_number_without_exponent_may_overflow},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "json_read", tests, SUITE_COUNT(tests), NULL, teardown);
}
