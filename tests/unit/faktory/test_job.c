// SPDX-License-Identifier: MIT
/* Jobs as text: written for Faktory, read as Faktory gives them, copied to be handed back. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/faktory/job.h"
#include "tests/support/suite.h"

static struct json_slice slice(const char *text)
{
    return (struct json_slice){text, strlen(text)};
}

static bool is_text(struct json_slice v, const char *text)
{
    return v.len == strlen(text) && memcmp(v.at, text, v.len) == 0;
}

/* The written job as checked JSON. */
static struct json_slice written(const struct buf *out)
{
    struct json_slice root = {NULL, 0};

    CU_ASSERT_EQUAL_FATAL(json_check(buf_str(out), out->len, &root, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(json_type(root), JSON_OBJECT);
    return root;
}

static struct job *parse(const char *text)
{
    struct err_text why = {""};
    struct job *job = job_parse(text, strlen(text), &why);

    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    return job;
}

static void test_write(void)
{
    struct job_spec spec = {.jid = "0123456789abcdef",
                            .type = "math_\"add\"\n\xc3\xa4",
                            .queue = "default",
                            .args = slice("[{\"a\":1.10,\"b\":[]}]"),
                            .custom = slice("{\"k\":\"v\"}"),
                            .at = "2030-01-01T00:00:00Z",
                            .retry = -1,
                            .reserve_for_s = 60};
    struct buf out = BUF_INIT(0);
    struct json_slice root;
    int64_t n = 0;

    job_write(&out, &spec);
    root = written(&out);
    CU_ASSERT(json_string_is(json_member(root, "jid"), spec.jid));
    CU_ASSERT(json_string_is(json_member(root, "jobtype"), spec.type));
    CU_ASSERT(json_string_is(json_member(root, "queue"), "default"));
    CU_ASSERT(json_string_is(json_member(root, "at"), spec.at));
    CU_ASSERT(is_text(json_member(root, "args"), "[{\"a\":1.10,\"b\":[]}]"));
    CU_ASSERT(is_text(json_member(root, "custom"), "{\"k\":\"v\"}"));
    CU_ASSERT(json_read_int64(json_member(root, "retry"), &n) == 0 && n == -1);
    CU_ASSERT(json_read_int64(json_member(root, "reserve_for"), &n) == 0 && n == 60);
    CU_ASSERT_PTR_NULL(strpbrk(out.data, "\r\n"));
    buf_fini(&out);
}

static void test_write_least(void)
{
    struct job_spec spec = {.jid = "0123456789abcdef",
                            .type = "t",
                            .queue = "q",
                            .args = slice("[]"),
                            .retry = 0,
                            .reserve_for_s = 600};
    struct buf out = BUF_INIT(0);
    struct json_slice root;

    job_write(&out, &spec);
    root = written(&out);
    CU_ASSERT_EQUAL(json_count(root), 6);
    CU_ASSERT(is_text(json_member(root, "retry"), "0")); /* said, though it is zero */
    CU_ASSERT_EQUAL(json_type(json_member(root, "at")), JSON_ABSENT);
    CU_ASSERT_EQUAL(json_type(json_member(root, "custom")), JSON_ABSENT);
    buf_fini(&out);
}

static void test_queue_names(void)
{
    static const char *const good[] = {"default", "a", "A-b_c.9", "Working", "queues2", "-"};
    static const char *const bad[] = {
        "",          "a b",  "a/b",    "\xc3\xa4", "a\n",       "a:b",      "*",      "retries",
        "scheduled", "dead", "queues", "v",        "processed", "failures", "paused", "working"};
    char name[JOB_QUEUE_NAME_MAX + 2];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_EQUAL(job_check_queue_name(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err_text why = {""};

        CU_ASSERT_EQUAL(job_check_queue_name(bad[i], &why), ERR_INVALID);
        CU_ASSERT(why.text[0] != '\0');
    }
    memset(name, 'q', sizeof name);
    name[JOB_QUEUE_NAME_MAX] = '\0';
    CU_ASSERT_EQUAL(job_check_queue_name(name, NULL), 0);
    name[JOB_QUEUE_NAME_MAX] = 'q';
    name[JOB_QUEUE_NAME_MAX + 1] = '\0';
    CU_ASSERT_EQUAL(job_check_queue_name(name, NULL), ERR_INVALID);
}

/* As Faktory 1.9.4 gives a job that failed twice. */
static const char failed_twice[] =
    "{\"retry\":5,\"failure\":{\"retry_count\":1,\"remaining\":4,"
    "\"failed_at\":\"2026-11-21T10:18:00.1Z\",\"next_at\":\"2026-11-21T10:18:31Z\","
    "\"message\":\"no\",\"errtype\":\"Late\"},\"custom\":{\"a\":[1,2]},\"jid\":"
    "\"a\\u003cb\\\"c12345\","
    "\"queue\":\"default\",\"jobtype\":\"send_\\u00e4\",\"created_at\":\"2026-11-21T10:17:00Z\","
    "\"enqueued_at\":\"2026-11-21T10:18:32Z\",\"at\":\"2026-11-21T10:17:30Z\","
    "\"args\":[{\"a\":1,\"b\":\"x\"}],\"reserve_for\":60,\"backtrace\":3}";

static void test_parse(void)
{
    int64_t before = clock_ms();
    struct job *job = parse(failed_twice);

    CU_ASSERT_STRING_EQUAL(job->jid, "a<b\"c12345");
    CU_ASSERT_STRING_EQUAL(job->type, "send_\xc3\xa4");
    CU_ASSERT_STRING_EQUAL(job->queue, "default");
    CU_ASSERT(is_text(job->text, failed_twice));
    CU_ASSERT(is_text(job->args, "[{\"a\":1,\"b\":\"x\"}]"));
    CU_ASSERT(is_text(job->custom, "{\"a\":[1,2]}"));
    CU_ASSERT_EQUAL(job->reserve_for_s, 60);
    CU_ASSERT_EQUAL(job->retry, 5);
    CU_ASSERT_EQUAL(job->attempt, 3);
    CU_ASSERT(job->fetched_ms >= before && job->fetched_ms <= clock_ms());
    CU_ASSERT(job->text.at != failed_twice); /* it is a copy */
    job_free(job);
}

static void test_parse_least(void)
{
    struct job *job = parse(" {\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[],\"custom\":null,"
                            "\"retry\":null,\"queue\":null} ");

    CU_ASSERT_STRING_EQUAL(job->jid, "12345678");
    CU_ASSERT_STRING_EQUAL(job->queue, "");
    CU_ASSERT_EQUAL(job->custom.len, 0);
    CU_ASSERT_EQUAL(job->retry, JOB_RETRY_DEFAULT);
    CU_ASSERT_EQUAL(job->reserve_for_s, 1800);
    CU_ASSERT_EQUAL(job->attempt, 1);
    job_free(job);
}

static void test_attempts(void)
{
    struct job *job = parse("{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[],"
                            "\"failure\":{\"retry_count\":0,\"remaining\":25}}");

    CU_ASSERT_EQUAL(job->attempt, 2);
    job_free(job);
    job = parse("{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[],\"failure\":{}}");
    CU_ASSERT_EQUAL(job->attempt, 2);
    job_free(job);
    job = parse("{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[],"
                "\"failure\":{\"retry_count\":9223372036854775807}}");
    CU_ASSERT_EQUAL(job->attempt, 2);
    job_free(job);
    job = parse("{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[],"
                "\"failure\":{\"retry_count\":-3}}");
    CU_ASSERT_EQUAL(job->attempt, 2);
    job_free(job);
}

static void test_parse_refused(void)
{
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "\"job\"",
        "{",
        "{}",
        "{\"jid\":\"12345678\",\"jobtype\":\"t\"}",
        "{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":{}}",
        "{\"jid\":12345678,\"jobtype\":\"t\",\"args\":[]}",
        "{\"jid\":\"12345678\",\"jobtype\":null,\"args\":[]}",
        "{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[],\"queue\":7}",
        "{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[]} x",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct err_text why = {""};

        CU_ASSERT_PTR_NULL(job_parse(texts[i], strlen(texts[i]), &why));
        CU_ASSERT(why.text[0] != '\0');
    }
}

/* What is in `a` is in `b`, text for text. */
static void expect_same(struct json_slice a, struct json_slice b, const char *name)
{
    struct json_slice x = json_member(a, name), y = json_member(b, name);

    CU_ASSERT(x.len > 0 && x.len == y.len && memcmp(x.at, y.at, x.len) == 0);
}

static void test_copy(void)
{
    static const char *const kept[] = {"jobtype", "queue",      "args",      "retry",
                                       "failure", "created_at", "backtrace", "reserve_for"};
    struct job *job = parse(failed_twice);
    struct buf out = BUF_INIT(0);
    struct json_slice root, custom;

    job_write_copy(&out, job, "fresh-jid-1");
    root = written(&out);
    CU_ASSERT(json_string_is(json_member(root, "jid"), "fresh-jid-1"));
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        expect_same(job->text, root, kept[i]);
    custom = json_member(root, "custom");
    CU_ASSERT_EQUAL(json_count(custom), 2);
    CU_ASSERT(is_text(json_member(custom, "a"), "[1,2]"));
    CU_ASSERT(json_string_is(json_member(custom, "wf_jid"), job->jid));
    CU_ASSERT_PTR_NULL(strpbrk(out.data, "\r\n"));
    buf_fini(&out);
    job_free(job);
}

static void test_copy_twice(void)
{
    struct job *job = parse(failed_twice);
    struct buf first = BUF_INIT(0), second = BUF_INIT(0), jid = BUF_INIT(0);
    struct job *again, *third;

    job_first_jid(job, &jid);
    CU_ASSERT_STRING_EQUAL(buf_str(&jid), job->jid);
    job_write_copy(&first, job, "fresh-jid-1");
    again = parse(buf_str(&first));
    CU_ASSERT_STRING_EQUAL(again->jid, "fresh-jid-1");
    CU_ASSERT_EQUAL(again->attempt, job->attempt);
    job_write_copy(&second, again, "fresh-jid-2");
    third = parse(buf_str(&second));
    CU_ASSERT_EQUAL(json_count(third->custom), 2);
    buf_clear(&jid);
    job_first_jid(third, &jid);
    CU_ASSERT_STRING_EQUAL(buf_str(&jid), job->jid);
    CU_ASSERT_STRING_EQUAL(third->jid, "fresh-jid-2");
    job_free(job);
    job_free(again);
    job_free(third);
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&jid);
}

static void test_copy_least(void)
{
    static const char *const customs[] = {"", ",\"custom\":{}", ",\"custom\":null",
                                          ",\"custom\":{ }"};

    for (size_t i = 0; i < sizeof customs / sizeof customs[0]; i++) {
        struct buf text = BUF_INIT(0), out = BUF_INIT(0);
        struct json_slice root;
        struct job *job;

        buf_addf(&text, "{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[]%s}", customs[i]);
        job = parse(buf_str(&text));
        job_write_copy(&out, job, "fresh-jid-1");
        root = written(&out);
        CU_ASSERT_EQUAL(json_count(json_member(root, "custom")), 1);
        CU_ASSERT(json_string_is(json_member(json_member(root, "custom"), "wf_jid"), "12345678"));
        CU_ASSERT(is_text(json_member(root, "retry"), "25"));
        job_free(job);
        buf_fini(&text);
        buf_fini(&out);
    }
}

static void test_salvage(void)
{
    static const char text[] =
        "{\"retry\":5,\"custom\":{\"jid\":\"not-this\",\"x\":\"a\\\"}{[\"},\"jid\":\"this-one\","
        "\"queue\":\"default\",\"jobtype\":\"t\",\"args\":[\"\\u0000\"]}";
    struct job *job = job_parse(text, sizeof text - 1, NULL);

    CU_ASSERT_PTR_NULL(job);
    job = job_salvage(text, sizeof text - 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_STRING_EQUAL(job->jid, "this-one");
    job_free(job);
    CU_ASSERT_PTR_NULL(job_salvage("{\"args\":[{\"jid\":\"inside\"}]}", 28));
    CU_ASSERT_PTR_NULL(job_salvage("{\"jid\":\"open", 12));
}

static const struct suite_test tests[] = {
    {"a written job is JSON in one line that says all of it", test_write},
    {"retry, queue and reserve_for are said even when nothing is asked", test_write_least},
    {"queue names of Faktory's own and odd characters are refused", test_queue_names},
    {"a real payload is read, escapes in jid and type included", test_parse},
    {"what a payload leaves out has Faktory's defaults", test_parse_least},
    {"the failure so far gives the attempt", test_attempts},
    {"what is no job is refused with a reason", test_parse_refused},
    {"a copy keeps everything and adds the jid it had", test_copy},
    {"a job handed back twice keeps its first jid", test_copy_twice},
    {"a copy of a job without custom has one", test_copy_least},
    {"the jid of an unreadable payload is saved", test_salvage},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "job", tests, SUITE_COUNT(tests), NULL, NULL);
}
