// SPDX-License-Identifier: MIT
/* `wf push` words as the JSON of a job. */
#include <string.h>

#include "common/base/clock.h"
#include "common/json/json.h"
#include "tests/support/suite.h"
#include "tools/wf/job_text.h"

enum { WORDS_MAX = 16 };

static struct err_text why;

/* Writes the job of "wf push ..." with these words. */
static int write_job(const char *const *words, struct buf *out)
{
    static char program[] = "wf", name[] = "push";
    char *argv[WORDS_MAX + 3] = {program, name};
    struct args args;
    int n = 2;

    for (; *words && n < WORDS_MAX + 2; words++)
        argv[n++] = (char *)*words;
    CU_ASSERT_EQUAL_FATAL(args_read(&args, n, argv, &why), 0);
    CU_ASSERT_EQUAL_FATAL(args_check(&args, &why), 0);
    return job_text_write(&args, out, &why);
}

static const struct {
    const char *words[WORDS_MAX];
    const char *job;
} good[] = {
    {{"a"}, "{\"type\":\"a\",\"args\":[]}"},
    {{"a", "1", "-2.50", "true", "null"}, "{\"type\":\"a\",\"args\":[1,-2.50,true,null]}"},
    {{"a", "word", "two words", "007", "\"quoted\"", ""},
     "{\"type\":\"a\",\"args\":[\"word\",\"two words\",\"007\",\"quoted\",\"\"]}"},
    {{"a", " [1, 2] ", "{\"x\":{}}"}, "{\"type\":\"a\",\"args\":[[1, 2],{\"x\":{}}]}"},
    {{"a", "--queue", "bulk", "--at=2030-01-31T12:00:00Z", "--retry", "-1", "--reserve-for=2m"},
     "{\"type\":\"a\",\"args\":[],\"queue\":\"bulk\",\"at\":\"2030-01-31T12:00:00Z\",\"retry\":-1,"
     "\"reserve_for\":120}"},
    {{"a", "--custom", "{\"k\":1}"}, "{\"type\":\"a\",\"args\":[],\"custom\":{\"k\":1}}"},
    {{"a", "--id", "x\"y"}, "{\"type\":\"a\",\"args\":[],\"custom\":{\"request_id\":\"x\\\"y\"}}"},
    {{"a", "{}", "--id", "x", "--custom", "{\"k\":1}"},
     "{\"type\":\"a\",\"args\":[{}],\"custom\":{\"k\":1,\"request_id\":\"x\"}}"},
    {{"math_add", "{\"a\":1,\"b\":2}", "--id", "x"},
     "{\"type\":\"math_add\",\"args\":[{\"a\":1,\"b\":2,\"request_id\":\"x\"}],\"custom\":{"
     "\"request_id\":\"x\"}}"},
    {{"math_add", "{\"request_id\":\"x\"}", "--id", "x"},
     "{\"type\":\"math_add\",\"args\":[{\"request_id\":\"x\"}],\"custom\":{\"request_id\":\"x\"}}"},
};

static const struct {
    const char *words[WORDS_MAX];
    const char *named;
} bad[] = {
    {{"a", "--at", "soon"}, "--at \"soon\""},
    {{"a", "--at", "+soon"}, "--at \"soon\""},
    {{"a", "--retry", "x"}, "--retry \"x\""},
    {{"a", "--retry", "1001"}, "--retry \"1001\""},
    {{"a", "--reserve-for", "59s"}, "--reserve-for \"59s\""},
    {{"a", "--custom", "[]"}, "--custom \"[]\""},
    {{"a", "--custom", "{"}, "--custom \"{\""},
    {{"a", "--custom", "{\"request_id\":\"y\"}", "--id", "x"}, "--custom has another request_id"},
    {{"math_add", "{\"request_id\":1}", "--id", "x"}, "the argument has another request_id"},
};

static void words_become_json(void)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct buf out = BUF_INIT(0);
        struct json_slice root;

        CU_ASSERT_EQUAL(write_job(good[i].words, &out), 0);
        CU_ASSERT_STRING_EQUAL(buf_str(&out), good[i].job);
        CU_ASSERT_EQUAL(json_check(buf_str(&out), out.len, &root, &why), 0);
        buf_fini(&out);
    }
}

static void faults_name_the_option(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf out = BUF_INIT(0);

        CU_ASSERT_EQUAL(write_job(bad[i].words, &out), ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, bad[i].named));
        buf_fini(&out);
    }
}

static void times_from_now(void)
{
    static const char *const words[] = {"a", "--at", "+5m", NULL};
    int64_t before = clock_wall_ms(), at = 0;
    struct buf out = BUF_INIT(0), text = BUF_INIT(0);
    struct json_slice root;

    CU_ASSERT_EQUAL(write_job(words, &out), 0);
    CU_ASSERT_EQUAL_FATAL(json_check(buf_str(&out), out.len, &root, &why), 0);
    CU_ASSERT_EQUAL_FATAL(json_read_string(json_member(root, "at"), &text), 0);
    CU_ASSERT_EQUAL(clock_parse_rfc3339(buf_str(&text), text.len, &at), 0);
    CU_ASSERT(at >= before + 300000 && at <= clock_wall_ms() + 300000);
    buf_fini(&out);
    buf_fini(&text);
}

static const struct suite_test tests[] = {
    {"words of a command line become the JSON of a job", words_become_json},
    {"every fault names the option that is wrong", faults_name_the_option},
    {"--at +5m is five minutes from now", times_from_now},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "job_text", tests, SUITE_COUNT(tests), NULL, NULL);
}
