// SPDX-License-Identifier: MIT
/* The handler contract: reading arguments, saying how it went. */
#include <stdlib.h>

#include "tests/unit/worker/fixture.h"

/* What a probe handler leaves for the test to look at. */
static struct {
    double number;
    int64_t whole;
    bool truth;
    char text[512];
    size_t count;
} got;

static void clear(void)
{
    memset(&got, 0, sizeof got);
}

static void keep(const char *text)
{
    snprintf(got.text, sizeof got.text, "%s", text);
}

/* ---- reading ---- */

static void read_all(struct wf_job *job)
{
    const char *text;

    if (wf_number(wf_arg(job, 1), &got.number) && wf_integer(wf_arg(job, 2), &got.whole) &&
        wf_boolean(wf_arg(job, 3), &got.truth) && wf_string(wf_arg(job, 4), &text)) {
        keep(text);
        wf_succeed(job, NULL);
    }
    got.count = wf_arg_count(job);
}

static void test_read(void)
{
    struct fixture_said said =
        fixture_run(read_all, "[ -2.5 , 9007199254740993, true, \"\\u00e9\" ]");

    CU_ASSERT_EQUAL(said.word, HANDLER_DONE);
    CU_ASSERT_EQUAL(got.number, -2.5);
    CU_ASSERT_EQUAL(got.whole, 9007199254740993);
    CU_ASSERT_TRUE(got.truth);
    CU_ASSERT_STRING_EQUAL(got.text, "\xc3\xa9");
    CU_ASSERT_EQUAL(got.count, 4);
    said = fixture_run(read_all, "[0,0,false,\"\"]");
    CU_ASSERT_EQUAL(said.word, HANDLER_DONE);
    CU_ASSERT_STRING_EQUAL(got.text, "");
}

static void read_deep(struct wf_job *job)
{
    struct wf_value options = wf_member(wf_arg(job, 2), "options");

    if (wf_number(wf_member(wf_item(options, 2), "depth"), &got.number))
        wf_succeed(job, NULL);
}

static void read_text(struct wf_job *job)
{
    const char *text;

    if (wf_json(wf_member(wf_arg(job, 1), "x"), &text)) {
        keep(text);
        wf_succeed(job, text);
    }
}

static void test_places(void)
{
    static const struct {
        wf_handler *run;
        const char *args, *message;
    } cases[] = {
        {read_deep, "[1,{\"options\":[0,{\"depth\":\"3\"}]}]",
         "argument 2: \"options\": item 2: \"depth\": expected a number, got a string"},
        {read_deep, "[1,{\"options\":[0,{}]}]",
         "argument 2: \"options\": item 2: \"depth\": expected a number, got nothing"},
        {read_deep, "[1,{\"options\":[0,[]]}]",
         "argument 2: \"options\": item 2: expected an object, got an array"},
        {read_deep, "[1,{\"options\":[0]}]",
         "argument 2: \"options\": item 2: expected an object, got nothing"},
        {read_deep, "[1,{\"options\":{}}]",
         "argument 2: \"options\": expected an array, got an object"},
        {read_deep, "[1,{}]", "argument 2: \"options\": expected an array, got nothing"},
        {read_deep, "[1,null]", "argument 2: expected an object, got null"},
        {read_deep, "[1]", "argument 2: expected an object, got nothing"},
        {read_text, "[{}]", "argument 1: \"x\": expected a value, got nothing"},
        {read_all, "[1,2.5,true,\"\"]",
         "argument 2: expected a whole number of 64 bits, got a "
         "number"},
        {read_all, "[1,\"2\",true,\"\"]", "argument 2: expected a whole number, got a string"},
        {read_all, "[1,2,0,\"\"]", "argument 3: expected true or false, got a number"},
        {read_all, "[1,2,false,{}]", "argument 4: expected a string, got an object"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture_said said = fixture_run(cases[i].run, cases[i].args);

        CU_ASSERT_EQUAL(said.word, HANDLER_BURY);
        CU_ASSERT_STRING_EQUAL(said.errtype, "InvalidArguments");
        CU_ASSERT_STRING_EQUAL(said.text, cases[i].message);
        if (strcmp(said.text, cases[i].message) != 0)
            fprintf(stderr, "%s: %s\n", cases[i].args, said.text);
    }
}

static void test_json(void)
{
    struct fixture_said said = fixture_run(read_text, "[{\"x\": [1.10, {\"y\":\"z\"}] }]");

    CU_ASSERT_EQUAL(said.word, HANDLER_JSON);
    CU_ASSERT_STRING_EQUAL(got.text, "[1.10, {\"y\":\"z\"}]");
    CU_ASSERT_STRING_EQUAL(said.text, got.text);
}

static void list_kinds(struct wf_job *job)
{
    for (size_t i = 1; i <= wf_arg_count(job) + 1; i++)
        snprintf(got.text + strlen(got.text), 4, "%d", (int)wf_kind(wf_arg(job, i)));
    got.count =
        wf_count(wf_arg(job, 5)) * 100 + wf_count(wf_arg(job, 6)) * 10 + wf_count(wf_arg(job, 1));
    if (wf_kind(wf_member(wf_arg(job, 1), "x")) != WF_ABSENT)
        keep("something is inside a null");
    wf_succeed_string(job, wf_args(job));
}

static void test_kinds(void)
{
    struct fixture_said said = fixture_run(list_kinds, "[null,true,1,\"s\",[1,2],{\"a\":1}]");

    CU_ASSERT_STRING_EQUAL(got.text, "1234560");
    CU_ASSERT_EQUAL(got.count, 210);
    CU_ASSERT_STRING_EQUAL(said.text, "\"[null,true,1,\\\"s\\\",[1,2],{\\\"a\\\":1}]\"");
}

/* ---- how it went ---- */

static void say_twice(struct wf_job *job)
{
    wf_fail(job, "Timeout", "nobody answered in %d s", 3);
    wf_succeed(job, "1");
    wf_fail_for_good(job, "Other", "no");
}

static void succeed_after_bad_read(struct wf_job *job)
{
    (void)wf_number(wf_arg(job, 1), &got.number);
    wf_succeed(job, "1");
}

static void test_first_word(void)
{
    struct fixture_said said = fixture_run(say_twice, "[]");

    CU_ASSERT_EQUAL(said.word, HANDLER_RETRY);
    CU_ASSERT_STRING_EQUAL(said.errtype, "Timeout");
    CU_ASSERT_STRING_EQUAL(said.text, "nobody answered in 3 s");
    said = fixture_run(succeed_after_bad_read, "[\"x\"]");
    CU_ASSERT_EQUAL(said.word, HANDLER_BURY);
}

static void fail_at_length(struct wf_job *job)
{
    char type[200], message[3000];

    memset(type, 'T', sizeof type - 1);
    type[sizeof type - 1] = '\0';
    for (size_t i = 0; i + 2 < sizeof message; i += 2)
        memcpy(message + i, "\xc3\xa9", 3); /* the limit of 1,000 bytes is between two of them */
    message[0] = 'x';
    message[1] = 'y';
    memmove(message + 1, message + 2, strlen(message + 2) + 1); /* now it is inside one */
    wf_fail(job, type, "%s", message);
}

static void test_long_texts(void)
{
    struct fixture_said said = fixture_run(fail_at_length, "[]");

    CU_ASSERT_EQUAL(strlen(said.errtype), HANDLER_ERRTYPE_MAX);
    CU_ASSERT_EQUAL(strlen(said.text), HANDLER_MESSAGE_MAX - 1);
    CU_ASSERT_EQUAL(said.text[HANDLER_MESSAGE_MAX - 2], '\xa9');
}

static void give_bad_result(struct wf_job *job)
{
    wf_succeed(job, "{oops}");
}

static void give_text(struct wf_job *job)
{
    wf_succeed_string(job, "he said \"no\"\n");
}

static void test_results(void)
{
    struct fixture_said said = fixture_run(give_bad_result, "[]");

    CU_ASSERT_EQUAL(said.word, HANDLER_DONE); /* the work is done: only the result is dropped */
    said = fixture_run(give_text, "[]");
    CU_ASSERT_EQUAL(said.word, HANDLER_JSON);
    CU_ASSERT_STRING_EQUAL(said.text, "\"he said \\\"no\\\"\\n\"");
}

/* ---- the job ---- */

static void test_job(void)
{
    struct job *job = fixture_job("greet", "[]",
                                  ",\"custom\":{\"wf_jid\":\"the-first-jid\"},"
                                  "\"failure\":{\"retry_count\":1}");
    struct wf_job call;

    handler_job_begin(&call, job, &fixture_stop);
    CU_ASSERT_STRING_EQUAL(wf_jid(&call), "the-first-jid");
    CU_ASSERT_STRING_EQUAL(wf_type(&call), "greet");
    CU_ASSERT_EQUAL(wf_attempt(&call), 3);
    handler_job_end(&call);
    job_free(job);
    job = fixture_job("greet", "[]", "");
    handler_job_begin(&call, job, &fixture_stop);
    CU_ASSERT_STRING_EQUAL(wf_jid(&call), "0123456789abcdef");
    CU_ASSERT_EQUAL(wf_attempt(&call), 1);
    handler_job_end(&call);
    job_free(job);
}

static void test_time(void)
{
    struct job *job = fixture_job("greet", "[]", "");
    struct handler_stop stop = {CLOCK_NEVER, CLOCK_NEVER};
    struct wf_job call;

    handler_job_begin(&call, job, &stop);
    /* reserved for 600 s: less than that, because the outcome must get there in time */
    CU_ASSERT(wf_ms_left(&call) > 580000 && wf_ms_left(&call) < 600000);
    CU_ASSERT_FALSE(wf_should_stop(&call));
    stop.cut_ms = clock_ms() + 5000;
    CU_ASSERT(wf_ms_left(&call) > 0 && wf_ms_left(&call) <= 5000);
    CU_ASSERT_FALSE(wf_should_stop(&call));
    stop.ask_ms = clock_ms() - 1;
    CU_ASSERT_TRUE(wf_should_stop(&call));
    handler_job_end(&call);

    stop.ask_ms = stop.cut_ms = CLOCK_NEVER;
    job->fetched_ms -= 600000;
    handler_job_begin(&call, job, &stop);
    CU_ASSERT_EQUAL(wf_ms_left(&call), 0);
    CU_ASSERT_TRUE(wf_should_stop(&call));
    handler_job_end(&call);
    job_free(job);
}

static const struct suite_test tests[] = {
    {"every kind of value is read", test_read},
    {"a message names the place, what was expected and what was there", test_places},
    {"a value is handed on as the text that came in", test_json},
    {"the kind of a value can be asked for", test_kinds},
    {"the first word about a job counts", test_first_word},
    {"long error texts are cut between characters", test_long_texts},
    {"a result that is not JSON is dropped, and text becomes a JSON string", test_results},
    {"a handler sees the first jid, the type and the attempt", test_job},
    {"a handler learns how long it has and when to stop", test_time},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "handler", tests, SUITE_COUNT(tests), clear, NULL);
}
