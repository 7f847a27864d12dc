// SPDX-License-Identifier: MIT
/* The document against the tables it is made of: all of each is there, with the limits in force. */
#include "api/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/job_input.h"
#include "api/openapi_calls.h"
#include "api/openapi_text.h"
#include "api/routes.h"
#include "api/submit.h"
#include "common/faktory/info.h"
#include "common/http/http_answers.h"
#include "common/pack/pack.h"
#include "tests/support/suite.h"

static struct api_config config;
static struct queues *queues;
static struct openapi doc;
static struct json_slice root;

static void make(void)
{
    struct err_text why = {""};

    CU_ASSERT_EQUAL_FATAL(openapi_make(&doc, &config, queues), 0);
    CU_ASSERT_EQUAL(json_check(doc.text.data, doc.text.len, &root, &why), 0);
    CU_ASSERT_STRING_EQUAL(why.text, "");
}

static void setup(void)
{
    struct buf errors = BUF_INIT(0);

    for (size_t i = 0; i < api_program.n_vars; i++)
        unsetenv(api_program.vars[i].name);
    setenv("API_QUEUES", "low,default,bulk", 1);
    setenv("API_BODY_MAX", "12345", 1);
    setenv("BATCH_QUEUE_MAX", "77", 1);
    setenv("BATCH_PACK_SIZE", "7", 1);
    CU_ASSERT_EQUAL_FATAL(env_read(api_program.vars, api_program.n_vars, &config, &errors), 0);
    buf_fini(&errors);
    queues = queues_new(config.queues);
    make();
}

static void teardown(void)
{
    openapi_fini(&doc);
    queues_free(queues);
}

/* ---- finding things ---- */

/* The value at a path of keys, "info title"; an empty slice when it is not there. */
static struct json_slice find(struct json_slice from, const char *path)
{
    char key[80];

    while (*path && json_type(from) == JSON_OBJECT) {
        size_t len = strcspn(path, " ");

        snprintf(key, sizeof key, "%.*s", (int)len, path);
        from = json_member(from, key);
        path += len + (path[len] == ' ');
    }
    return *path ? (struct json_slice){NULL, 0} : from;
}

static struct json_slice find_in_operation(const char *method, const char *path, const char *more)
{
    struct json_slice operations = find(find(root, "paths"), path);
    char where[160];
    size_t len = (size_t)snprintf(where, sizeof where, "%s%s", method, more);

    for (size_t i = 0; i < len && i < strlen(method); i++)
        where[i] = (char)(where[i] | 0x20); /* lower case */
    return find(operations, where);
}

static struct json_slice find_schema(const char *path)
{
    return find(find(root, "components schemas"), path);
}

static int64_t number_at(struct json_slice from, const char *path)
{
    int64_t value = INT64_MIN;

    (void)json_read_int64(find(from, path), &value);
    return value;
}

static bool has_item(struct json_slice array, const char *text)
{
    struct json_iter it = json_iter(array);
    struct json_slice item;

    while (json_next_item(&it, &item))
        if (json_string_is(item, text))
            return true;
    return false;
}

static bool is_there(struct json_slice v)
{
    return json_type(v) != JSON_ABSENT;
}

/* Says which it is that is not there. */
static void expect(bool there, const char *what, const char *which)
{
    CU_ASSERT(there);
    if (!there)
        fprintf(stderr, "not in the document: %s %s\n", what, which);
}

/* ---- calls ---- */

static void test_routes(void)
{
    for (size_t i = 0; i < api_routes_n; i++) {
        const struct http_route *r = &api_routes[i];

        expect(openapi_call(r->method, r->path) != NULL, "a row of openapi_calls for", r->path);
        expect(is_there(find_in_operation(r->method, r->path, " operationId")), "route", r->path);
        CU_ASSERT(json_string_is(find_in_operation(r->method, r->path, " summary"), r->summary));
        if (strcmp(r->method, "GET") == 0)
            expect(is_there(find_in_operation("HEAD", r->path, " operationId")), "HEAD", r->path);
    }
    CU_ASSERT_EQUAL(openapi_calls_n, api_routes_n);
    CU_ASSERT_EQUAL(json_count(find(root, "paths")), api_routes_n); /* each path has one method */
}

static void test_own_answers(void)
{
    static const char *const methods[] = {"GET", "POST"};
    char more[40];

    for (size_t i = 0; i < http_own_answers_n; i++) {
        const struct http_own_answer *own = &http_own_answers[i];

        expect(is_there(find(find(root, "components responses"), own->name)), "answer", own->name);
        snprintf(more, sizeof more, " responses %u", own->status);
        for (size_t k = 0; k < 2; k++) {
            const char *path = k == 0 ? "/health" : "/jobs/batch";
            bool reached =
                own->reach == HTTP_AT_ANY_ROUTE || (k == 1 && own->reach == HTTP_AT_POST);

            CU_ASSERT_EQUAL(is_there(find_in_operation(methods[k], path, more)), reached);
        }
    }
}

/* What becomes of a job decides the status and the word for it. */
static void test_fates(void)
{
    char more[40];

    for (size_t i = 0; i < submit_fates_n; i++) {
        const struct submit_fate *fate = &submit_fates[i];

        snprintf(more, sizeof more, " responses %u", fate->status);
        for (size_t k = 0; k < api_routes_n; k++)
            if (strcmp(api_routes[k].method, "POST") == 0)
                expect(is_there(find_in_operation("POST", api_routes[k].path, more)), fate->stored,
                       api_routes[k].path);
        if (fate->status == 202)
            continue;
        expect(has_item(find_schema("Fate enum"), fate->stored), "fate", fate->stored);
        expect(has_item(find_schema("BatchFate enum"), fate->stored), "fate", fate->stored);
    }
    CU_ASSERT(has_item(find_schema("BatchFate enum"), "partly"));
}

static void test_retry_after(void)
{
    struct json_slice header =
        find_in_operation("POST", "/jobs", " responses 503 headers Retry-After schema");

    CU_ASSERT_EQUAL(number_at(header, "maximum"), SUBMIT_RETRY_AFTER_MAX_S);
    CU_ASSERT(is_there(find(root, "components responses Unavailable headers Retry-After")));
    CU_ASSERT(is_there(find(root, "components responses MethodNotAllowed headers Allow")));
}

/* ---- fields ---- */

static const struct job_form *const forms[] = {&job_form_math, &job_form_job, &job_form_operation,
                                               &job_form_named};

static struct json_slice find_property(const struct job_form *form, const char *name)
{
    struct json_slice properties = find(find_schema(form->name), "properties");

    return json_type(properties) == JSON_OBJECT ? json_member(properties, name)
                                                : (struct json_slice){NULL, 0};
}

static void expect_field(const struct job_form *form, const struct job_field *field)
{
    struct json_slice schema = find_property(form, field->name), required;
    char path[80];

    expect(is_there(find(schema, "description")), form->name, field->name);
    snprintf(path, sizeof path, "%s required", form->name);
    required = find_schema(path);
    CU_ASSERT_EQUAL(has_item(required, field->name), field->required);
    if (field->kind == JOB_KIND_WHOLE) {
        CU_ASSERT_EQUAL(number_at(schema, "minimum"), field->min);
        CU_ASSERT_EQUAL(number_at(schema, "maximum"), field->max);
        CU_ASSERT_EQUAL(number_at(schema, "default"), field->unset);
    } else if (field->max > 0)
        CU_ASSERT_EQUAL(number_at(schema, "maxLength"), field->max);
}

static void test_fields(void)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char path[80];

        snprintf(path, sizeof path, "%s properties", forms[i]->name);
        CU_ASSERT_EQUAL(json_count(find_schema(path)), forms[i]->n);
        for (size_t k = 0; k < forms[i]->n; k++)
            expect_field(forms[i], &forms[i]->fields[k]);
    }
    CU_ASSERT_EQUAL(number_at(find_schema("Job properties retry"), "maximum"), JOB_RETRY_MAX);
    CU_ASSERT_EQUAL(number_at(find_schema("Job properties type"), "maxLength"), JOB_TYPE_MAX);
    CU_ASSERT_EQUAL(number_at(find_schema("Job properties reserve_for"), "minimum"),
                    FAKTORY_RESERVE_MIN_S);
}

/* An item of this form; the field `wrong` is true, which no field may be, or (missing) is left out.
 */
static void write_item(struct buf *out, const struct job_form *form, size_t wrong, bool missing)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < form->n; i++) {
        const struct job_field *f = &form->fields[i];

        if (!f->required && i != wrong)
            continue;
        if (i == wrong && missing)
            continue;
        openapi_add_comma(out);
        buf_addf(out, "\"%s\":%s", f->name,
                 i == wrong                     ? "true"
                 : f->kind == JOB_KIND_OPERANDS ? "{\"a\":1,\"b\":2}"
                                                : f->example);
    }
    buf_add_char(out, '}');
}

/* Reads a wrong item; the field that is blamed is described. */
static void expect_blamed(const struct job_form *form, struct buf *text)
{
    bool math = form == &job_form_math;
    struct job_input_error error = {.field = ""};
    struct job_input input;
    struct json_slice item;

    job_input_init(&input);
    CU_ASSERT_EQUAL_FATAL(json_check(text->data, text->len, &item, NULL), 0);
    CU_ASSERT_EQUAL(job_input_read(&input, queues, math ? JOB_INPUT_MATH : JOB_INPUT_ITEM,
                                   math ? math_op_at(0) : NULL, item, &error),
                    ERR_INVALID);
    if (strncmp(error.field, "args.", 5) == 0)
        expect(is_there(find_property(&job_form_math, error.field + 5)), text->data, error.field);
    else
        expect(is_there(find_property(form, error.field)), text->data, error.field);
    buf_fini(text);
    job_input_fini(&input);
}

/* An item that lacks what makes it a NamedItem is taken for a Job, and blamed as one. One without
 * its operation is blamed for what a Job does not know. */
static void test_blamed_fields(void)
{
    struct buf text = BUF_INIT(0);

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        for (size_t k = 0; k < forms[i]->n; k++) {
            const struct job_form *taken_for =
                forms[i] == &job_form_named ? &job_form_job : forms[i];

            write_item(&text, forms[i], k, false);
            expect_blamed(taken_for, &text);
            if (!forms[i]->fields[k].required || forms[i]->fields[k].slot == JOB_SLOT_OPERATION)
                continue;
            write_item(&text, forms[i], k, true);
            expect_blamed(taken_for, &text);
        }
    buf_add_str(&text, "{\"type\":\"Add\",\"args\":{\"a\":true,\"b\":2}}");
    expect_blamed(&job_form_named, &text);
}

static void test_operations(void)
{
    static const char *const where[] = {"OperationItem properties operation enum",
                                        "NamedItem properties type enum"};
    const struct math_op *op;

    for (size_t i = 0; i < 2; i++) {
        struct json_slice names = find_schema(where[i]);

        for (size_t k = 0; (op = math_op_at(k)) != NULL; k++) {
            expect(has_item(names, op->name), where[i], op->name);
            expect(has_item(names, op->item_type), where[i], op->item_type);
            expect(has_item(names, op->job_type), where[i], op->job_type);
            expect(is_there(find_in_operation("POST", op->path, "")), "operation", op->path);
        }
        CU_ASSERT_EQUAL(json_count(names), 12);
    }
}

static void test_queues(void)
{
    struct json_slice names = find_schema("Job properties queue enum");

    CU_ASSERT_EQUAL(json_count(names), 4); /* and null */
    CU_ASSERT(has_item(names, "low"));
    CU_ASSERT(has_item(names, "default"));
    CU_ASSERT(has_item(names, "bulk"));
    CU_ASSERT(json_string_is(find_schema("Job properties queue default"), "default"));
}

/* ---- limits ---- */

static void test_limits(void)
{
    const struct {
        const char *name;
        int64_t value;
    } wanted[] = {
        {"body_bytes_max", 12345},
        {"batch_jobs_max", 77},
        {"pack_jobs_default", 7},
        {"pack_jobs_max", PACK_ITEMS_MAX},
        {"job_bytes_max", SUBMIT_JOB_BYTES_MAX},
        {"json_depth_max", JSON_DEPTH_MAX},
        {"exact_number_max", INT64_C(1) << 53},
        {"errors_listed_max", SUBMIT_LISTED_MAX},
        {"retry_after_seconds_max", SUBMIT_RETRY_AFTER_MAX_S},
        {"request_timeout_ms", 30000},
        {"arrival_timeout_ms", 10000},
    };
    char path[80];

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        snprintf(path, sizeof path, "x-limits %s value", wanted[i].name);
        expect(number_at(root, path) == wanted[i].value, "limit", wanted[i].name);
    }
    CU_ASSERT_EQUAL(json_count(find(root, "x-limits")), sizeof wanted / sizeof wanted[0]);
    CU_ASSERT_EQUAL(openapi_limits_n, sizeof wanted / sizeof wanted[0]);
    CU_ASSERT_EQUAL(number_at(find_schema("Batch properties jobs"), "maxItems"), 77);
    CU_ASSERT_EQUAL(number_at(find_schema("Number"), "maximum"), INT64_C(1) << 53);
    CU_ASSERT_EQUAL(number_at(find_schema("Number"), "minimum"), -(INT64_C(1) << 53));
    CU_ASSERT_EQUAL(number_at(find_schema("Rejection properties errors"), "maxItems"),
                    SUBMIT_LISTED_MAX);
}

static void test_faktory_members(void)
{
    for (size_t i = 0; i < info_members_n; i++) {
        char path[80];

        snprintf(path, sizeof path, "FaktoryStats properties %s", info_members[i].as);
        expect(is_there(find_schema(path)), "member of INFO", info_members[i].as);
    }
}

/* Examples must be allowed by the limits, too. */
static void test_small_batches(void)
{
    static const char path[] = " requestBody content application/json examples";

    CU_ASSERT_EQUAL(json_count(find_in_operation("POST", "/jobs/batch", path)), 3);
    openapi_fini(&doc);
    config.queue_max = 1;
    make();
    CU_ASSERT_EQUAL(json_count(find_in_operation("POST", "/jobs/batch", path)), 1);
}

/* ---- the whole ---- */

/* "#/components/schemas/Job" */
static bool resolves(struct json_slice reference)
{
    struct buf text = BUF_INIT(0);
    bool there = json_read_string(reference, &text) == 0 && strncmp(buf_str(&text), "#/", 2) == 0;

    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '/')
            text.data[i] = ' ';
    there = there && is_there(find(root, buf_str(&text) + 2));
    buf_fini(&text);
    return there;
}

static void test_references(void)
{
    static const char mark[] = "\"$ref\":";
    const char *at = doc.text.data, *end = at + doc.text.len;
    size_t n = 0;

    while ((at = strstr(at, mark)) != NULL) {
        struct json_slice reference = {at + sizeof mark - 1, 0};

        reference.len = strcspn(reference.at + 1, "\"") + 2;
        CU_ASSERT_FATAL(reference.at + reference.len < end);
        if (!resolves(reference))
            fprintf(stderr, "%.*s\n", (int)reference.len, reference.at);
        CU_ASSERT(resolves(reference));
        at = reference.at;
        n++;
    }
    CU_ASSERT(n > 50);
}

static void test_etag(void)
{
    char first[sizeof doc.etag];

    memcpy(first, doc.etag, sizeof first);
    CU_ASSERT_EQUAL(strlen(first), 18);
    openapi_fini(&doc);
    make();
    CU_ASSERT_STRING_EQUAL(doc.etag, first);
    openapi_fini(&doc);
    config.queue_max++;
    make();
    CU_ASSERT_STRING_NOT_EQUAL(doc.etag, first);
}

static const struct suite_test tests[] = {
    {"every route is described, and nothing else", test_routes},
    {"every answer of the HTTP server itself is described where it reaches", test_own_answers},
    {"every fate of a job is described by its status and its word", test_fates},
    {"Retry-After and Allow are described", test_retry_after},
    {"every field of every form is described, with its limits", test_fields},
    {"every field that validation can blame is described", test_blamed_fields},
    {"the operations are described by all their names", test_operations},
    {"the queues are those of this service", test_queues},
    {"the limits are the constants, and the settings in force", test_limits},
    {"every member of Faktory's INFO that is kept is described", test_faktory_members},
    {"an example that is beyond the limits is left out", test_small_batches},
    {"every reference leads somewhere", test_references},
    {"the ETag changes with the text", test_etag},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "openapi", tests, SUITE_COUNT(tests), setup, teardown);
}
