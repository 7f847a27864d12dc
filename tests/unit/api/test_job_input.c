// SPDX-License-Identifier: MIT
#include "api/job_input.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

static struct job_input input;
static struct job_input_error error;
static struct queues *queues;

static void setup(void)
{
    job_input_init(&input);
    queues = queues_new("default,bulk");
}

static void teardown(void)
{
    job_input_fini(&input);
    queues_free(queues);
}

static int read_as(enum job_input_form form, const char *text)
{
    const struct math_op *op = form == JOB_INPUT_MATH ? math_op_by_path("/jobs/add") : NULL;
    struct json_slice root;

    memset(&error, 0, sizeof error);
    CU_ASSERT_EQUAL_FATAL(json_check(text, strlen(text), &root, NULL), 0);
    return job_input_read(&input, queues, form, op, root, &error);
}

static bool is(struct json_slice v, const char *text)
{
    return v.len == strlen(text) && memcmp(v.at, text, v.len) == 0;
}

static void test_math_body(void)
{
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_MATH, "{\"b\":2 ,\"request_id\":\"x\\n\", \"a\":1.10}"), 0);
    CU_ASSERT_STRING_EQUAL(input.spec.type, "math_add");
    CU_ASSERT_STRING_EQUAL(input.spec.queue, "default");
    CU_ASSERT(is(input.spec.args, "[{\"a\":1.10,\"b\":2,\"request_id\":\"x\\n\"}]"));
    CU_ASSERT_EQUAL(input.a, 1.1);
    CU_ASSERT_EQUAL(input.b, 2);
    CU_ASSERT_EQUAL(input.spec.retry, 25);
    CU_ASSERT_EQUAL(input.spec.reserve_for_s, 600);
    CU_ASSERT_PTR_NULL(input.spec.at);
    CU_ASSERT_EQUAL(input.spec.custom.len, 0);
}

static void test_request_id_absent(void)
{
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_MATH, "{\"a\":-1e3,\"b\":0.5}"), 0);
    CU_ASSERT(is(input.spec.args, "[{\"a\":-1e3,\"b\":0.5,\"request_id\":null}]"));
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_MATH, "{\"a\":1,\"b\":2,\"request_id\":null}"), 0);
    CU_ASSERT(is(input.spec.args, "[{\"a\":1,\"b\":2,\"request_id\":null}]"));
}

static void test_job_body(void)
{
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, "{\"type\":\"m\\u00e4il\",\"args\":[1.0,{\"x\":[]}],"
                                           "\"queue\":\"bulk\",\"at\":\"2030-01-31T12:00:00Z\","
                                           "\"retry\":-1,\"reserve_for\":60,\"custom\":{\"k\":1}}"),
                    0);
    CU_ASSERT_STRING_EQUAL(input.spec.type, "m\xc3\xa4il");
    CU_ASSERT_STRING_EQUAL(input.spec.queue, "bulk");
    CU_ASSERT_STRING_EQUAL(input.spec.at, "2030-01-31T12:00:00Z");
    CU_ASSERT(is(input.spec.args, "[1.0,{\"x\":[]}]"));
    CU_ASSERT(is(input.spec.custom, "{\"k\":1}"));
    CU_ASSERT_EQUAL(input.spec.retry, -1);
    CU_ASSERT_EQUAL(input.spec.reserve_for_s, 60);
    CU_ASSERT_PTR_NULL(input.op);
}

static void test_nothing_stays(void)
{
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, "{\"type\":\"a\",\"args\":[],\"queue\":\"bulk\","
                                           "\"at\":\"2030-01-31T12:00:00Z\",\"retry\":3,"
                                           "\"custom\":{}}"),
                    0);
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, "{\"type\":\"b\",\"args\":[],\"queue\":null,\"at\":null,"
                                           "\"retry\":null,\"reserve_for\":null,\"custom\":null}"),
                    0);
    CU_ASSERT_STRING_EQUAL(input.spec.type, "b");
    CU_ASSERT_STRING_EQUAL(input.spec.queue, "default");
    CU_ASSERT_PTR_NULL(input.spec.at);
    CU_ASSERT_EQUAL(input.spec.retry, 25);
    CU_ASSERT_EQUAL(input.spec.reserve_for_s, 600);
    CU_ASSERT_EQUAL(input.spec.custom.len, 0);
}

/* D35: one name for an operation in one call and another in the next. Here all are understood. */
static void test_item_forms(void)
{
    static const struct {
        const char *text, *type;
    } items[] = {
        {"{\"type\":\"Add\",\"args\":{\"a\":1,\"b\":2}}", "math_add"},
        {"{\"type\":\"Subtract\",\"args\":{\"a\":1,\"b\":2}}", "math_subtract"},
        {"{\"type\":\"Multiply\",\"args\":{\"a\":1,\"b\":2}}", "math_multiply"},
        {"{\"args\":{\"a\":1,\"b\":2},\"type\":\"Divide\"}", "math_divide"},
        {"{\"type\":\"math_add\",\"args\":{\"a\":1,\"b\":2}}", "math_add"},
        {"{\"operation\":\"add\",\"a\":1,\"b\":2}", "math_add"},
        {"{\"a\":1,\"b\":2,\"operation\":\"subtract\"}", "math_subtract"},
        {"{\"operation\":\"multiply\",\"a\":1,\"b\":2}", "math_multiply"},
        {"{\"operation\":\"divide\",\"a\":1,\"b\":2}", "math_divide"},
        {"{\"operation\":\"Add\",\"a\":1,\"b\":2}", "math_add"},
    };

    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        CU_ASSERT_EQUAL(read_as(JOB_INPUT_ITEM, items[i].text), 0);
        CU_ASSERT_STRING_EQUAL(input.spec.type, items[i].type);
        CU_ASSERT(is(input.spec.args, "[{\"a\":1,\"b\":2,\"request_id\":null}]"));
    }
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_ITEM, "{\"type\":\"Add\",\"args\":[1]}"), 0);
    CU_ASSERT_STRING_EQUAL(input.spec.type, "Add"); /* any job type: its args are an array */
    CU_ASSERT(is(input.spec.args, "[1]"));
}

static const struct {
    enum job_input_form form;
    const char *text, *field, *why;
} wrong[] = {
    {JOB_INPUT_MATH, "7", "", "expected an object, got a number"},
    {JOB_INPUT_MATH, "{\"b\":1}", "a", "is missing"},
    {JOB_INPUT_MATH, "{\"a\":1}", "b", "is missing"},
    {JOB_INPUT_MATH, "{\"a\":\"1\",\"b\":1}", "a", "expected a number, got a string"},
    {JOB_INPUT_MATH, "{\"a\":1,\"b\":null}", "b", "expected a number, got null"},
    {JOB_INPUT_MATH, "{\"a\":1e999,\"b\":1}", "a", "too large"},
    {JOB_INPUT_MATH, "{\"a\":1,\"b\":9007199254740993}", "b", "beyond 2^53"},
    {JOB_INPUT_MATH, "{\"a\":1,\"b\":2,\"request_id\":7}", "request_id", "expected a string"},
    {JOB_INPUT_MATH, "{\"a\":1,\"b\":2,\"requestid\":\"x\"}", "requestid", "a, b, request_id"},
    {JOB_INPUT_JOB, "{\"args\":[]}", "type", "is missing"},
    {JOB_INPUT_JOB, "{\"type\":\"t\"}", "args", "is missing"},
    {JOB_INPUT_JOB, "{\"type\":\"\",\"args\":[]}", "type", "1 to 200 characters"},
    {JOB_INPUT_JOB, "{\"type\":\"a\\tb\",\"args\":[]}", "type", "control"},
    {JOB_INPUT_JOB, "{\"type\":\"a\\u007fb\",\"args\":[]}", "type", "control"},
    {JOB_INPUT_JOB, "{\"type\":[],\"args\":[]}", "type", "expected a string, got an array"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":{}}", "args", "expected an array, got an object"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[[-9007199254740993]]}", "args",
     "-9007199254740993, which is beyond 2^53 and would be rounded by Faktory: send it as a "
     "string"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"custom\":{\"id\":12345678901234567890}}",
     "custom", "send it as a string"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"custom\":[]}", "custom", "expected an object"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"queue\":\"working\"}", "queue",
     "one of the queues of this service: default,bulk"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"queue\":\"\"}", "queue", "one of the queues"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"at\":\"tomorrow\"}", "at", "RFC 3339"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"at\":\"2030-02-30T12:00:00Z\"}", "at", "RFC"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"at\":17}", "at", "expected a string"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"retry\":-2}", "retry", "from -1 to 1000"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"retry\":1001}", "retry", "from -1 to 1000"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"retry\":2.5}", "retry", "a whole number"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"reserve_for\":59}", "reserve_for",
     "of seconds from 60 to 86400"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"reserve_for\":86401}", "reserve_for", "86400"},
    {JOB_INPUT_JOB, "{\"type\":\"t\",\"args\":[],\"jid\":\"x\"}", "jid", "is not known here"},
    {JOB_INPUT_ITEM, "null", "", "expected an object, got null"},
    {JOB_INPUT_ITEM, "{}", "type", "is missing"},
    {JOB_INPUT_ITEM, "{\"operation\":\"modulo\",\"a\":1,\"b\":2}", "operation",
     "add, subtract, multiply or divide"},
    {JOB_INPUT_ITEM, "{\"operation\":\"add\",\"a\":1}", "b", "is missing"},
    {JOB_INPUT_ITEM, "{\"operation\":\"add\",\"a\":1,\"b\":2,\"c\":3}", "c", "is not known here"},
    {JOB_INPUT_ITEM, "{\"type\":\"Add\",\"args\":{\"a\":true,\"b\":2}}", "args.a",
     "expected a number, got a boolean"},
    {JOB_INPUT_ITEM, "{\"type\":\"Add\",\"args\":{\"a\":1}}", "args.b", "is missing"},
    {JOB_INPUT_ITEM, "{\"type\":\"Add\",\"args\":{\"a\":1,\"b\":2},\"at\":\"\"}", "at",
     "is not known here"},
    {JOB_INPUT_ITEM, "{\"type\":\"Power\",\"args\":{\"a\":1,\"b\":2}}", "args",
     "expected an array"},
};

static void test_wrong(void)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bool right = read_as(wrong[i].form, wrong[i].text) == ERR_INVALID &&
                     strcmp(error.field, wrong[i].field) == 0 &&
                     strstr(error.why.text, wrong[i].why);

        if (!right)
            fprintf(stderr, "%s: got field \"%s\", \"%s\"\n", wrong[i].text, error.field,
                    error.why.text);
        CU_ASSERT(right);
    }
}

static void test_whole_numbers(void)
{
    static const char *const twos[] = {"2", "2.0", "2e0", "0.2E1", "20e-1"};
    char text[64];

    for (size_t i = 0; i < sizeof twos / sizeof twos[0]; i++) {
        snprintf(text, sizeof text, "{\"args\":[],\"type\":\"t\",\"retry\":%s}", twos[i]);
        CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, text), 0);
        CU_ASSERT_EQUAL(input.spec.retry, 2);
    }
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, "{\"args\":[],\"type\":\"t\",\"retry\":1e300}"),
                    ERR_INVALID);
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, "{\"args\":[],\"type\":\"t\",\"retry\":-1.0000001}"),
                    ERR_INVALID);
}

static void test_type_length(void)
{
    char text[512];

    snprintf(text, sizeof text, "{\"args\":[],\"type\":\"%0200d\"}", 0);
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, text), 0);
    snprintf(text, sizeof text, "{\"args\":[],\"type\":\"%0201d\"}", 0);
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, text), ERR_INVALID);
    snprintf(text, sizeof text, "{\"args\":[],\"type\":\"%0199d\xe2\x82\xac\"}", 0);
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, text), 0);
    snprintf(text, sizeof text, "{\"args\":[],\"type\":\"%0200d\xe2\x82\xac\"}", 0);
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, text), ERR_INVALID);
}

static void test_long_field_name(void)
{
    char text[512];

    snprintf(text, sizeof text, "{\"%0300d\":1}", 0);
    CU_ASSERT_EQUAL(read_as(JOB_INPUT_JOB, text), ERR_INVALID);
    CU_ASSERT_EQUAL(strlen(error.field), sizeof error.field - 1);
}

static const struct suite_test tests[] = {
    {"the body of an operation becomes its one argument, numbers as written", test_math_body},
    {"a request id that is absent or null is null in the job", test_request_id_absent},
    {"every field of a job of any type is taken over", test_job_body},
    {"null means absent, and nothing stays from the job before", test_nothing_stays},
    {"D35: an operation is understood in every form and by each of its names", test_item_forms},
    {"each mistake is named with its field and what was expected", test_wrong},
    {"a whole number is one however it is written", test_whole_numbers},
    {"a job type has 200 characters at most, however many bytes that is", test_type_length},
    {"the name of an unknown field is cut to fit", test_long_field_name},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "job_input", tests, SUITE_COUNT(tests), setup, teardown);
}
