// SPDX-License-Identifier: MIT
#include <string.h>

#include "tests/support/suite.h"
#include "tools/wf/mutation.h"

static struct mutation in(const char *set, const char *action)
{
    return (struct mutation){.set = mutation_set(set), .action = action};
}

static void writes(const struct mutation *m, const char *wanted)
{
    struct buf line = BUF_INIT(0);

    CU_ASSERT_EQUAL(mutation_check(m, NULL), 0);
    mutation_write(m, &line);
    CU_ASSERT_FALSE(line.failed);
    CU_ASSERT_STRING_EQUAL(buf_str(&line), wanted);
    buf_fini(&line);
}

static void refuses(const struct mutation *m, const char *word)
{
    struct err_text why = {""};

    CU_ASSERT_EQUAL(mutation_check(m, &why), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, word));
}

static void commands(void)
{
    struct mutation m = in("retries", "kill");

    m.ids = "abcdefgh,with blank";
    writes(&m, "MUTATE {\"cmd\":\"kill\",\"target\":\"retries\","
               "\"filter\":{\"jids\":[\"abcdefgh\",\"with\\u0020blank\"]}}");
    m = in("dead", "discard");
    m.all = true;
    writes(&m, "MUTATE {\"cmd\":\"discard\",\"target\":\"dead\"}");
    m = in("scheduled", "requeue");
    m.pattern = "uid: 7";
    writes(&m, "MUTATE {\"cmd\":\"requeue\",\"target\":\"scheduled\","
               "\"filter\":{\"regexp\":\"*uid:\\u00207*\"}}");
}

/* A type is a name: what would be a wildcard in it is taken literally, and it stands as Faktory
 * writes it. Redis sees *"jobtype":"a\*\[b\\\\u003cc"* for the last one. */
static void types(void)
{
    struct mutation m = in("retries", "requeue");

    m.type = "math_add";
    writes(&m, "MUTATE {\"cmd\":\"requeue\",\"target\":\"retries\","
               "\"filter\":{\"regexp\":\"*\\\"jobtype\\\":\\\"math_add\\\"*\"}}");
    m.type = "a*[b<c";
    writes(&m, "MUTATE {\"cmd\":\"requeue\",\"target\":\"retries\","
               "\"filter\":{\"regexp\":\"*\\\"jobtype\\\":\\\"a\\\\*\\\\[b\\\\\\\\u003cc\\\"*\"}}");
}

/* An empty filter fits every job, so nothing that is empty may get through. */
static void selections(void)
{
    struct mutation m = in("retries", "discard");

    refuses(&m, "exactly one");
    m.type = "";
    refuses(&m, "--type");
    m.type = "x";
    m.all = true;
    refuses(&m, "exactly one");
    m = in("retries", "discard");
    m.ids = "";
    refuses(&m, "--id");
    m.ids = "a,";
    refuses(&m, "--id");
    m.ids = ",a";
    refuses(&m, "--id");
    m = in("retries", "discard");
    m.pattern = "";
    refuses(&m, "--pattern");
    m.pattern = "**";
    refuses(&m, "--all says so");
}

static void actions(void)
{
    struct mutation m = in("dead", "kill");

    m.all = true;
    refuses(&m, "dead already");
    m.action = "clear";
    refuses(&m, "requeue, or discard");
    m = in("retries", "clear");
    m.all = true;
    refuses(&m, "kill or discard");
    CU_ASSERT_PTR_NULL(mutation_set("working"));
}

static const struct suite_test tests[] = {
    {"ids, patterns and all become MUTATE without a blank", commands},
    {"a job type is no pattern", types},
    {"a selection that is empty, or missing, or double is refused", selections},
    {"only what makes sense for a set is taken", actions},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "mutation", tests, SUITE_COUNT(tests), NULL, NULL);
}
