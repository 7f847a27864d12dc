// SPDX-License-Identifier: MIT
#include "api/queues.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

static struct queues *q;
static int went; /* creations that were let go */

static void setup(void)
{
    q = queues_new("low,default");
    went = 0;
}

static void teardown(void)
{
    queues_free(q);
}

static void test_list(void)
{
    CU_ASSERT_EQUAL(queues_find(q, "low"), 0);
    CU_ASSERT_EQUAL(queues_find(q, "default"), 1);
    CU_ASSERT_EQUAL(queues_find(q, "lo"), -1);
    CU_ASSERT_STRING_EQUAL(queues_name(q, 0), "low");
    CU_ASSERT_EQUAL(queues_default(q), 1);
    CU_ASSERT_STRING_EQUAL(queues_list(q), "low,default");
}

static void test_default(void)
{
    struct queues *other = queues_new("x,y");

    CU_ASSERT_EQUAL(queues_default(other), 0);
    queues_free(other);
}

static void test_bad_lists(void)
{
    static const char *const bad[] = {"",        "a,",       ",a",  "a,,b", "a,a",
                                      "working", "a,queues", "a b", "a:b",  "\xc3\xa4"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf expected = BUF_INIT(0);

        CU_ASSERT_EQUAL(queues_check(bad[i], &expected), ERR_INVALID);
        CU_ASSERT(expected.len > 0);
        CU_ASSERT_PTR_NULL(queues_new(bad[i]));
        buf_fini(&expected);
    }
}

static void test_limits(void)
{
    struct buf list = BUF_INIT(0), expected = BUF_INIT(0);

    for (int i = 0; i < 64; i++)
        buf_addf(&list, "%sq%d", i ? "," : "", i);
    CU_ASSERT_EQUAL(queues_check(buf_str(&list), &expected), 0);
    buf_add_str(&list, ",more");
    CU_ASSERT_EQUAL(queues_check(buf_str(&list), &expected), ERR_INVALID);
    buf_clear(&list);
    buf_addf(&list, "%064d", 0);
    CU_ASSERT_EQUAL(queues_check(buf_str(&list), &expected), 0);
    buf_addf(&list, "%064d", 0);
    CU_ASSERT_EQUAL(queues_check(buf_str(&list), &expected), ERR_INVALID);
    buf_fini(&list);
    buf_fini(&expected);
}

static void test_knowledge(void)
{
    static const char info[] = "{\"default\":0,\"other\":3}";

    CU_ASSERT_FALSE(queues_exists(q, 0));
    queues_note_exists(q, 0);
    CU_ASSERT(queues_exists(q, 0));
    queues_learn(q, (struct json_slice){info, sizeof info - 1});
    CU_ASSERT_FALSE(queues_exists(q, 0));
    CU_ASSERT(queues_exists(q, 1));
    queues_forget(q);
    CU_ASSERT_FALSE(queues_exists(q, 1));
}

static void go(struct queues_creation *c)
{
    (void)c;
    went++;
}

static void test_poll_waits(void)
{
    struct queues_creation c = {.go = go};

    queues_begin_create(q, &c);
    CU_ASSERT_EQUAL(went, 1);
    CU_ASSERT_FALSE(queues_begin_poll(q));
    queues_end_create(q);
    CU_ASSERT(queues_begin_poll(q));
    CU_ASSERT_FALSE(queues_begin_poll(q)); /* one at a time */
    queues_end_poll(q);
}

static void test_creation_waits(void)
{
    struct queues_creation a = {.go = go}, b = {.go = go};

    CU_ASSERT_FATAL(queues_begin_poll(q));
    queues_begin_create(q, &a);
    queues_begin_create(q, &b);
    CU_ASSERT_EQUAL(went, 0);
    queues_end_poll(q);
    CU_ASSERT_EQUAL(went, 2);
    CU_ASSERT_FALSE(queues_begin_poll(q)); /* both are under way */
    queues_end_create(q);
    CU_ASSERT_FALSE(queues_begin_poll(q));
    queues_end_create(q);
    CU_ASSERT(queues_begin_poll(q));
    queues_end_poll(q);
}

static const struct suite_test tests[] = {
    {"queues are found by name, in the order of the list", test_list},
    {"the first queue is the default one when none is called so", test_default},
    {"empty, doubled, reserved and malformed names are refused", test_bad_lists},
    {"64 queues with 64 characters each are the limit", test_limits},
    {"what exists is learned from INFO and from stored jobs, and forgotten", test_knowledge},
    {"INFO is not asked for while a queue may be in the making", test_poll_waits},
    {"a push that may make a queue waits until INFO was answered", test_creation_waits},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "queues", tests, SUITE_COUNT(tests), setup, teardown);
}
