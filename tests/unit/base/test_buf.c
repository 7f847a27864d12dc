// SPDX-License-Identifier: MIT
#include "common/base/buf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static struct buf b;

static void setup(void)
{
    b = (struct buf)BUF_INIT(0);
}

static void teardown(void)
{
    buf_fini(&b);
}

static void empty_is_an_empty_string(void)
{
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
    CU_ASSERT_EQUAL(b.len, 0);
    CU_ASSERT_PTR_NULL(b.data);
}

static void appends_are_joined(void)
{
    buf_add(&b, "ab", 2);
    buf_add_char(&b, 'c');
    buf_add_str(&b, "de");
    buf_addf(&b, "%d-%s", 42, "x");
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "abcde42-x");
    CU_ASSERT_EQUAL(b.len, 9);
    CU_ASSERT_FALSE(b.failed);
}

static void grows_over_many_appends(void)
{
    for (int i = 0; i < 10000; i++)
        buf_addf(&b, "%04d", i);
    CU_ASSERT_FALSE(b.failed);
    CU_ASSERT_EQUAL_FATAL(b.len, 40000);
    CU_ASSERT_EQUAL(memcmp(b.data + 4 * 9999, "9999", 5), 0); /* the NUL behind it included */
    CU_ASSERT_EQUAL(memcmp(b.data, "00000001", 8), 0);
}

static void holds_nul_bytes(void)
{
    buf_add(&b, "a\0b", 3);
    CU_ASSERT_EQUAL(b.len, 3);
    CU_ASSERT_EQUAL(memcmp(b.data, "a\0b", 4), 0);
}

static void cap_is_exact_and_sticks(void)
{
    b.max = 4;
    buf_add(&b, "abcd", 4);
    CU_ASSERT_FALSE(b.failed);
    buf_add_char(&b, 'e');
    CU_ASSERT_TRUE(b.failed);
    buf_add(&b, "", 0);
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "abcd");
    CU_ASSERT_PTR_NULL(buf_take(&b));
    buf_clear(&b);
    buf_add_str(&b, "xy");
    CU_ASSERT_FALSE(b.failed);
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "xy");
}

static void format_over_the_cap_adds_nothing(void)
{
    b.max = 4;
    buf_addf(&b, "%s", "abcde");
    CU_ASSERT_TRUE(b.failed);
    CU_ASSERT_EQUAL(b.len, 0);
}

static void absurd_size_fails_without_wrapping(void)
{
    buf_add_str(&b, "ab");
    CU_ASSERT_PTR_NULL(buf_reserve(&b, SIZE_MAX));
    CU_ASSERT_TRUE(b.failed);
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "ab");
}

static void reserve_and_commit_write_in_place(void)
{
    char *to = buf_reserve(&b, 100);

    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    memcpy(to, "abc", 3);
    buf_commit(&b, 3);
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "abc");
}

static void reserve_alone_adds_nothing(void)
{
    char *room = buf_reserve(&b, 8);

    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
    memcpy(room, "scratch", 8);
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
    CU_ASSERT_EQUAL(b.len, 0);
}

static void consume_drops_the_front(void)
{
    buf_add_str(&b, "hello world");
    buf_consume(&b, 6);
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "world");
    buf_consume(&b, 0);
    buf_consume(&b, 5);
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
    CU_ASSERT_EQUAL(b.len, 0);
}

static void take_gives_the_bytes_away(void)
{
    char *text;

    buf_add_str(&b, "mine");
    text = buf_take(&b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_STRING_EQUAL(text, "mine");
    CU_ASSERT_EQUAL(b.len, 0);
    CU_ASSERT_PTR_NULL(b.data);
    free(text);
    text = buf_take(&b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_STRING_EQUAL(text, ""); /* even an empty one is a string of the caller's */
    free(text);
}

static void fini_leaves_it_usable_with_its_cap(void)
{
    b.max = 3;
    buf_add_str(&b, "abcd");
    buf_fini(&b);
    CU_ASSERT_FALSE(b.failed);
    CU_ASSERT_EQUAL(b.max, 3);
    buf_add_str(&b, "abc");
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "abc");
}

static const struct suite_test tests[] = {
    {"an empty buffer is an empty string", empty_is_an_empty_string},
    {"appends of every kind are joined", appends_are_joined},
    {"it grows over many appends", grows_over_many_appends},
    {"NUL bytes are bytes like others", holds_nul_bytes},
    {"the cap is exact and its failure sticks until cleared", cap_is_exact_and_sticks},
    {"a formatted text over the cap adds nothing", format_over_the_cap_adds_nothing},
    {"an absurd size fails and does not wrap around", absurd_size_fails_without_wrapping},
    {"reserve and commit write in place", reserve_and_commit_write_in_place},
    {"reserved room that is not used adds nothing", reserve_alone_adds_nothing},
    {"consume drops the front", consume_drops_the_front},
    {"take gives the bytes to the caller", take_gives_the_bytes_away},
    {"fini leaves it usable with the same cap", fini_leaves_it_usable_with_its_cap},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "buf", tests, SUITE_COUNT(tests), setup, teardown);
}
