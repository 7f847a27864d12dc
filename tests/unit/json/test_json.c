// SPDX-License-Identifier: MIT
#include "common/json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/support/json_dump.h"
#include "tests/support/json_oracle.h"
#include "tests/support/suite.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

static struct json_slice root;
static struct err_text why;
static struct buf text, other;

static void teardown(void)
{
    buf_fini(&text);
    buf_fini(&other);
}

/* Checks text that must pass and gives its root. It must be a C string that outlives the test. */
static struct json_slice checked(const char *json)
{
    struct json_slice v;

    if (json_check(json, strlen(json), &v, &why) != 0) {
        fprintf(stderr, "%s: %s\n", json, why.text);
        CU_FAIL_FATAL("the test's own text was refused");
    }
    return v;
}

/* ---- the check ---- */

static const char *const good[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1.10",
    "1e5",
    "1E+5",
    "-1.5e-3",
    "1e400",
    "-0.0e0",
    "123456789012345678901234567890",
    "-9223372036854775808",
    "18446744073709551615",
    "0.1",
    "9007199254740993",
    "\"\"",
    "\"a\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0041\\u00e9\"",
    "\"\\ud83d\\ude00\"",
    "\"\xf0\x9f\x98\x80\"",
    "\"\xc3\xa9\x7f\"",
    "\"\\u2028\\uFFFF\"",
    "\"\xf4\x8f\xbf\xbf\"",
    "\"\xed\x9f\xbf\xee\x80\x80\"",
    "[]",
    "[ ]",
    "{}",
    "{ }",
    "[1,2,3]",
    " \t\r\n[ 1 , {\"a\" : [ ] } ] \n",
    "{\"a\":1,\"b\":{\"a\":2},\"A\":3}",
    "{\"\":0,\"\\u0001\":1,\"a\\nb\":\"c\\td\"}",
    "[\"a,b\",\"]\",\"}\",\"\\\"\"]",
    "{\"a:b\":{\"}\":[{\"{\":1}]}}",
};

static void good_text_is_accepted(void)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (json_check(good[i], strlen(good[i]), &root, &why) != 0) {
            printf("       refused: %s (%s)\n", good[i], why.text);
            CU_FAIL("good text was refused");
        }
        CU_ASSERT_PTR_NOT_NULL(root.at);
    }
}

static const struct {
    const char *json;
    size_t len;
    const char *message;
} bad[] = {
    {TEXT(""), "the text is empty"},
    {TEXT(" \n"), "the text is empty"},
    {TEXT("NaN"), "expected a value at byte 0"},
    {TEXT("[Infinity]"), "expected a value at byte 1"},
    {TEXT("-Infinity"), "expected a digit at byte 1"},
    {TEXT("{'a':1}"), "expected a key in double quotes at byte 1"},
    {TEXT("'a'"), "expected a value at byte 0"},
    {TEXT("1."), "the text ends in the middle, at byte 2"},
    {TEXT("[1.]"), "expected a digit at byte 3"},
    {TEXT(".5"), "expected a value at byte 0"},
    {TEXT("+1"), "expected a value at byte 0"},
    {TEXT("01"), "a digit after a leading zero at byte 1"},
    {TEXT("-01"), "a digit after a leading zero at byte 2"},
    {TEXT("-"), "the text ends in the middle, at byte 1"},
    {TEXT("1e"), "the text ends in the middle, at byte 2"},
    {TEXT("[1e+]"), "expected a digit at byte 4"},
    {TEXT("0x10"), "text after the value at byte 1"},
    {TEXT("True"), "expected a value at byte 0"},
    {TEXT("nul"), "expected a value at byte 0"},
    {TEXT("truee"), "text after the value at byte 4"},
    {TEXT("1 2"), "text after the value at byte 2"},
    {TEXT("{}{}"), "text after the value at byte 2"},
    {TEXT("null\0"), "text after the value at byte 4"},
    {TEXT("[1,]"), "expected a value at byte 3"},
    {TEXT("[,1]"), "expected a value at byte 1"},
    {TEXT("[1 2]"), "expected \",\" or \"]\" at byte 3"},
    {TEXT("[1"), "the text ends in the middle, at byte 2"},
    {TEXT("["), "the text ends in the middle, at byte 1"},
    {TEXT("[}"), "expected a value at byte 1"},
    {TEXT("{\"a\":1,}"), "expected a key in double quotes at byte 7"},
    {TEXT("{\"a\" 1}"), "expected \":\" at byte 5"},
    {TEXT("{\"a\":}"), "expected a value at byte 5"},
    {TEXT("{a:1}"), "expected a key in double quotes at byte 1"},
    {TEXT("{1:1}"), "expected a key in double quotes at byte 1"},
    {TEXT("{\"a\":1"), "the text ends in the middle, at byte 6"},
    {TEXT("{\"a\":1 \"b\":2}"), "expected \",\" or \"}\" at byte 7"},
    {TEXT("[1]/*c*/"), "text after the value at byte 3"},
    {TEXT("//c\n1"), "expected a value at byte 0"},
    {TEXT("\v1"), "expected a value at byte 0"},
    {TEXT("\xef\xbb\xbf{}"), "expected a value at byte 0"},
    {TEXT("\"abc"), "the text ends in the middle, at byte 4"},
    {TEXT("\"a\nb\""), "control character in a string at byte 2"},
    {TEXT("\"a\0b\""), "control character in a string at byte 2"},
    {TEXT("\"\\a\""), "invalid escape at byte 1"},
    {TEXT("\"\\"), "invalid escape at byte 1"},
    {TEXT("\"\\\0\""), "invalid escape at byte 1"},
    {TEXT("\"\\u12\""), "invalid escape at byte 1"},
    {TEXT("\"\\u12G4\""), "invalid escape at byte 1"},
    {TEXT("\"a\\u0000b\""), "\\u0000 is not allowed at byte 2"},
    {TEXT("{\"a\\u0000b\":1}"), "\\u0000 is not allowed at byte 3"},
    {TEXT("\"\\ud83d\""), "lone surrogate at byte 1"},
    {TEXT("\"\\ud83dx\""), "lone surrogate at byte 1"},
    {TEXT("\"\\ud83d\\u0041\""), "lone surrogate at byte 1"},
    {TEXT("\"\\ud83d\\ud83d\""), "lone surrogate at byte 1"},
    {TEXT("\"\\ude00\""), "lone surrogate at byte 1"},
    {TEXT("\"\\ude00\\ude00\""), "lone surrogate at byte 1"},
    {TEXT("\"\xff\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\x80\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\xc0\xaf\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\xe0\x80\xaf\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\xf0\x80\x80\xaf\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\xed\xa0\x80\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\xf4\x90\x80\x80\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\xf8\x88\x80\x80\x80\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\xc3\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\xc3"), "invalid UTF-8 at byte 1"},
    {TEXT("{\"a\":1,\"a\":2}"), "duplicate key \"a\" at byte 7"},
    {TEXT("{\"a\":1,\"\\u0061\":2}"), "duplicate key \"\\u0061\" at byte 7"},
    {TEXT("[{\"x\":{\"\xc3\xa9\":1,\"\\u00e9\":2}}]"), "duplicate key \"\\u00e9\" at byte 14"},
    {TEXT("{\"\":1,\"\":2}"), "duplicate key \"\" at byte 6"},
};

static void bad_text_is_refused_and_named(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int code = json_check(bad[i].json, bad[i].len, &root, &why);

        if (code != ERR_INVALID || strcmp(why.text, bad[i].message) != 0)
            printf("       %s: %d, %s\n       wanted: %s\n", bad[i].json, code, why.text,
                   bad[i].message);
        CU_ASSERT_EQUAL(code, ERR_INVALID);
        CU_ASSERT_STRING_EQUAL(why.text, bad[i].message);
        CU_ASSERT_PTR_NULL(root.at);
    }
}

static void every_cut_of_a_document_is_refused(void)
{
    static const char whole[] =
        "{\"a\":[1.5e3,-2,\"\\ud83d\\ude00\xc3\xa9\"],\"b\":{\"c\":null,\"d\":true}}";

    CU_ASSERT_EQUAL(json_check(whole, sizeof whole - 1, &root, &why), 0);
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *cut =
            malloc(len ? len : 1); /* of exactly this size: a read behind it shows in asan */

        CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
        memcpy(cut, whole, len);
        CU_ASSERT_EQUAL(json_check(cut, len, &root, &why), ERR_INVALID);
        free(cut);
    }
}

static void nest(int depth, const char *open, const char *close)
{
    buf_clear(&text);
    for (int i = 0; i < depth; i++)
        buf_add_str(&text, open);
    buf_add_char(&text, '1');
    for (int i = 0; i < depth; i++)
        buf_add_str(&text, close);
}

static void depth_is_limited_to_32(void)
{
    nest(32, "[", "]");
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), 0);
    nest(33, "[", "]");
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(why.text, "nested too deeply at byte 32");
    nest(32, "{\"a\":", "}");
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), 0);
    nest(33, "{\"a\":", "}");
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), ERR_INVALID);
    nest(1000000, "[", "]");
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), ERR_INVALID);
}

/* An object of n keys k0..k(n-1), each written with an escape when `escaped`, then `last`. */
static void many_keys(int n, bool escaped, const char *last)
{
    buf_clear(&text);
    buf_add_char(&text, '{');
    for (int i = 0; i < n; i++)
        buf_addf(&text, "\"%s%d\":%d,", escaped ? "\\u006b" : "k", i, i);
    buf_addf(&text, "\"%s\":0}", last);
}

static void duplicates_are_found_in_objects_of_any_size(void)
{
    static const int sizes[] = {1, 15, 16, 17, 63, 64, 65, 200, 20000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int escaped = 0; escaped < 2; escaped++) {
            many_keys(sizes[i], escaped, "other");
            CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), 0);
            many_keys(sizes[i], escaped, "k0");
            CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), ERR_INVALID);
            CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "duplicate key \"k0\" at byte"));
        }
}

static void first_of_several_duplicates_is_named(void)
{
    many_keys(30, false, "z\":0,\"k9\":0,\"k2\":0,\"z");
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "duplicate key \"k9\""));
}

static void sister_and_nested_objects_may_share_keys(void)
{
    buf_clear(&text);
    buf_add_char(&text, '[');
    for (int i = 0; i < 100; i++)
        buf_addf(&text, "{\"a\":{\"a\":1,\"b\":{\"b\":[{\"a\":%d},{\"a\":2}]}},\"b\":2},", i);
    buf_add_str(&text, "{}]");
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), 0);
    CU_ASSERT_EQUAL(json_count(root), 101);
}

static void long_key_is_cut_at_a_character_in_the_message(void)
{
    static const char key[] = "123456789012345678901234567890123456789\xc3\xa9tail";

    buf_addf(&text, "{\"%s\":1,\"%s\":2}", key, key);
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(why.text, "\"123456789012345678901234567890123456789\"... at byte"));
}

static void hostile_object_of_a_million_keys_is_checked_in_time(void)
{
    int64_t started = clock_ms();

    many_keys(1000000, true, "k999999");
    CU_ASSERT_EQUAL(json_check(text.data, text.len, &root, &why), ERR_INVALID);
    /* About a second; a pairwise comparison would take hours. */
    CU_ASSERT_TRUE(clock_ms() - started < 60000);
}

static void why_may_be_null(void)
{
    CU_ASSERT_EQUAL(json_check("[", 1, &root, NULL), ERR_INVALID);
}

/* ---- against json-c ---- */

static void both_readers_agree(void)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        buf_clear(&text);
        buf_clear(&other);
        json_dump(checked(good[i]), &text);
        CU_ASSERT_TRUE(json_oracle_dump(good[i], strlen(good[i]), &other));
        CU_ASSERT_STRING_EQUAL(buf_str(&text), buf_str(&other));
    }
}

/* Small texts over an alphabet that reaches all states: what we accept, json-c reads the same. */
static void random_texts_are_read_alike(void)
{
    static const char *const pieces[] = {
        "{",    "}", "[",    "]",  ",",    ":",   "\"a\"",    "\"b\"", "1",   "-0.5", "1e5",
        "true", " ", "null", "\"", "\\u0", "061", "\xc3\xa9", "\\n",   "[1]", "{}"};
    unsigned state = 1, accepted = 0;

    for (int round = 0; round < 200000; round++) {
        buf_clear(&text);
        for (unsigned left = 1 + round % 9; left > 0; left--) {
            state = state * 1664525 + 1013904223;
            buf_add_str(&text, pieces[(state >> 16) % (sizeof pieces / sizeof pieces[0])]);
        }
        if (json_check(text.data, text.len, &root, NULL) != 0)
            continue;
        struct buf ours = BUF_INIT(0), theirs = BUF_INIT(0);

        accepted++;
        json_dump(root, &ours);
        if (!json_oracle_dump(text.data, text.len, &theirs) ||
            strcmp(buf_str(&ours), buf_str(&theirs)) != 0) {
            printf("       %s: %s / %s\n", text.data, buf_str(&ours), buf_str(&theirs));
            CU_FAIL("the readers differ");
        }
        buf_fini(&ours);
        buf_fini(&theirs);
    }
    CU_ASSERT_TRUE(accepted > 1000);
}

static const struct suite_test tests[] = {
    {"good text is accepted", good_text_is_accepted},
    {"bad text is refused and the message names fault and place", bad_text_is_refused_and_named},
    {"every cut of a document is refused", every_cut_of_a_document_is_refused},
    {"nesting is limited to 32", depth_is_limited_to_32},
    {"duplicate keys are found in objects of any size",
     duplicates_are_found_in_objects_of_any_size},
    {"the first of several duplicates is named", first_of_several_duplicates_is_named},
    {"sister and nested objects may share keys", sister_and_nested_objects_may_share_keys},
    {"a long key is cut at a character in the message",
     long_key_is_cut_at_a_character_in_the_message},
    {"a hostile object of a million keys is checked in time",
     hostile_object_of_a_million_keys_is_checked_in_time},
    {"the reason may be unwanted", why_may_be_null},
    {"json-c reads all good text the same", both_readers_agree},
    {"json-c reads random texts the same", random_texts_are_read_alike},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "json", tests, SUITE_COUNT(tests), NULL, teardown);
}
