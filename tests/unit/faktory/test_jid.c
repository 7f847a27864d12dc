// SPDX-License-Identifier: MIT
/* Job ids: form, order, and that no two are the same, whoever makes them. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/jid.h"
#include "tests/support/suite.h"

enum { THREADS = 8, PER_THREAD = 20000, TOTAL = THREADS * PER_THREAD };

typedef char jid_text[JID_CHARS + 1];

static void test_form(void)
{
    for (int i = 0; i < 1000; i++) {
        jid_text jid;

        jid_make(jid);
        CU_ASSERT_EQUAL(strlen(jid), JID_CHARS);
        CU_ASSERT_EQUAL(strspn(jid, "0123456789abcdef"), JID_CHARS);
    }
}

static long long made_ms(const char *jid)
{
    char digits[13];

    memcpy(digits, jid, 12);
    digits[12] = '\0';
    return strtoll(digits, NULL, 16);
}

static void test_time(void)
{
    jid_text jid;
    int64_t before = clock_wall_ms();

    jid_make(jid);
    CU_ASSERT(made_ms(jid) >= before && made_ms(jid) <= clock_wall_ms());
}

/* Within one millisecond the order is left open; it holds between milliseconds. */
static void test_order(void)
{
    jid_text last, next;

    jid_make(last);
    for (int i = 0; i < 20; i++) {
        int64_t now = clock_wall_ms();

        while (clock_wall_ms() == now)
            ;
        jid_make(next);
        CU_ASSERT(strcmp(last, next) < 0);
        memcpy(last, next, sizeof last);
    }
}

static void *make_many(void *arg)
{
    jid_text *to = arg;

    for (int i = 0; i < PER_THREAD; i++)
        jid_make(to[i]);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_unique(void)
{
    jid_text *all = calloc(TOTAL, sizeof *all);
    pthread_t threads[THREADS];
    int twice = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[i], "jids", 0, make_many, all + i * PER_THREAD),
                              0);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    qsort(all, TOTAL, sizeof *all, compare);
    for (int i = 1; i < TOTAL; i++)
        twice += strcmp(all[i - 1], all[i]) == 0;
    CU_ASSERT_EQUAL(twice, 0);
    free(all);
}

static const struct suite_test tests[] = {
    {"a jid is 24 lower-case hex characters", test_form},
    {"a jid starts with the wall clock's milliseconds", test_time},
    {"a later millisecond gives a greater jid", test_order},
    {"no jid comes twice, from eight threads at once", test_unique},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "jid", tests, SUITE_COUNT(tests), NULL, NULL);
}
