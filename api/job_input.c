// SPDX-License-Identifier: MIT
#include "api/job_input.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/faktory/faktory.h"

enum { SHOWN_MAX = 40, AT_MAX = 64 };

/* One reading: what is read, and from where. */
struct reading {
    struct job_input *in;
    const struct queues *queues;
    struct job_input_error *error;
    const char *prefix;                 /* of field names in errors: "" or "args." */
    struct json_slice a, b, request_id; /* as they came in */
};

/* One field of a form. `read` gives 0, or an error with only the sentence set. */
struct field {
    const char *name;
    bool required;
    enum json_type type;
    int (*read)(struct reading *rd, struct json_slice value, struct err_text *why);
};

/* ---- the fields of an operation ---- */

static int read_number(struct json_slice value, double *out, struct err_text *why)
{
    struct json_slice number;

    if (json_read_double(value, out) != 0)
        return err_set(why, ERR_INVALID, "is too large for a number of 64 bits");
    if (json_has_unsafe_number(value, &number))
        return err_set(why, ERR_INVALID,
                       "is a whole number beyond 2^53, which Faktory would round; if that is all "
                       "right, write it with an exponent (1e20)");
    return 0;
}

static int read_a(struct reading *rd, struct json_slice value, struct err_text *why)
{
    rd->a = value;
    return read_number(value, &rd->in->a, why);
}

static int read_b(struct reading *rd, struct json_slice value, struct err_text *why)
{
    rd->b = value;
    return read_number(value, &rd->in->b, why);
}

static int read_request_id(struct reading *rd, struct json_slice value, struct err_text *why)
{
    (void)why;
    rd->request_id = value;
    return 0;
}

/* Faktory and the workers of the predecessor expect all three, and a and b as they were written. */
static void write_math_args(struct reading *rd)
{
    static const struct json_slice null = {"null", 4};
    struct json_slice id = rd->request_id.len > 0 ? rd->request_id : null;
    struct buf *args = &rd->in->args;

    buf_add_str(args, "[{\"a\":");
    buf_add(args, rd->a.at, rd->a.len);
    buf_add_str(args, ",\"b\":");
    buf_add(args, rd->b.at, rd->b.len);
    buf_add_str(args, ",\"request_id\":");
    buf_add(args, id.at, id.len);
    buf_add_str(args, "}]");
    rd->in->spec.args = (struct json_slice){buf_str(args), args->len};
}

/* ---- the fields of any job ---- */

/* Faktory decodes args and custom into doubles and would change such a number silently. */
static int check_numbers(struct json_slice value, struct err_text *why)
{
    struct json_slice number;

    if (!json_has_unsafe_number(value, &number))
        return 0;
    return err_set(why, ERR_INVALID,
                   "holds the number %.*s, which is beyond 2^53 and would be rounded by Faktory: "
                   "send it as a string",
                   (int)(number.len < SHOWN_MAX ? number.len : SHOWN_MAX), number.at);
}

static int read_type(struct reading *rd, struct json_slice value, struct err_text *why)
{
    struct buf *type = &rd->in->type;

    (void)json_read_string(value, type);
    if (type->len == 0 || type->len > JOB_TYPE_MAX)
        return err_set(why, ERR_INVALID, "expected a job type of 1 to %d bytes", JOB_TYPE_MAX);
    for (size_t i = 0; i < type->len; i++)
        if ((unsigned char)type->data[i] < 0x20 || type->data[i] == 0x7f)
            return err_set(why, ERR_INVALID, "expected a job type without control characters");
    rd->in->spec.type = type->data;
    return 0;
}

static int read_args(struct reading *rd, struct json_slice value, struct err_text *why)
{
    rd->in->spec.args = value;
    return check_numbers(value, why);
}

static int read_custom(struct reading *rd, struct json_slice value, struct err_text *why)
{
    rd->in->spec.custom = value;
    return check_numbers(value, why);
}

static int read_queue(struct reading *rd, struct json_slice value, struct err_text *why)
{
    struct buf *name = &rd->in->name;

    buf_clear(name);
    (void)json_read_string(value, name);
    rd->in->queue = queues_find(rd->queues, buf_str(name));
    if (rd->in->queue < 0)
        return err_set(why, ERR_INVALID, "expected one of the queues of this service: %s",
                       queues_list(rd->queues));
    return 0;
}

static int read_at(struct reading *rd, struct json_slice value, struct err_text *why)
{
    struct buf *at = &rd->in->at;
    int64_t wall_ms;

    (void)json_read_string(value, at);
    if (at->len == 0 || at->len > AT_MAX || clock_parse_rfc3339(at->data, at->len, &wall_ms) != 0)
        return err_set(why, ERR_INVALID,
                       "expected a time like \"2030-01-31T12:00:00Z\" (RFC 3339)");
    rd->in->spec.at = at->data;
    return 0;
}

static int read_int(struct json_slice value, int64_t min, int64_t max, const char *what,
                    int64_t *out, struct err_text *why)
{
    if (json_read_int64(value, out) == 0 && *out >= min && *out <= max)
        return 0;
    return err_set(why, ERR_INVALID, "expected a whole number%s from %" PRId64 " to %" PRId64, what,
                   min, max);
}

static int read_retry(struct reading *rd, struct json_slice value, struct err_text *why)
{
    return read_int(value, -1, JOB_INPUT_RETRY_MAX, "", &rd->in->spec.retry, why);
}

static int read_reserve_for(struct reading *rd, struct json_slice value, struct err_text *why)
{
    return read_int(value, FAKTORY_RESERVE_MIN_S, FAKTORY_RESERVE_MAX_S, " of seconds",
                    &rd->in->spec.reserve_for_s, why);
}

static int read_operation(struct reading *rd, struct json_slice value, struct err_text *why)
{
    rd->in->op = math_op_by_name(value);
    if (!rd->in->op)
        return err_set(why, ERR_INVALID, "expected add, subtract, multiply or divide");
    return 0;
}

/* ---- the forms ---- */

static const struct field math_fields[] = {
    {"a", true, JSON_NUMBER, read_a},
    {"b", true, JSON_NUMBER, read_b},
    {"request_id", false, JSON_STRING, read_request_id},
};

static const struct field operation_fields[] = {
    {"operation", true, JSON_STRING, read_operation},
    {"a", true, JSON_NUMBER, read_a},
    {"b", true, JSON_NUMBER, read_b},
    {"request_id", false, JSON_STRING, read_request_id},
};

static const struct field job_fields[] = {
    {"type", true, JSON_STRING, read_type},
    {"args", true, JSON_ARRAY, read_args},
    {"queue", false, JSON_STRING, read_queue},
    {"at", false, JSON_STRING, read_at},
    {"retry", false, JSON_NUMBER, read_retry},
    {"reserve_for", false, JSON_NUMBER, read_reserve_for},
    {"custom", false, JSON_OBJECT, read_custom},
};

static int fail_field(struct reading *rd, const char *field)
{
    snprintf(rd->error->field, sizeof rd->error->field, "%s%s", rd->prefix, field);
    return ERR_INVALID;
}

static int unknown_field(struct reading *rd, struct json_slice key, const struct field *fields,
                         size_t n)
{
    struct buf *name = &rd->in->name;
    char known[160] = "";
    size_t len = 0;

    for (size_t i = 0; i < n && len < sizeof known; i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "",
                                fields[i].name);
    buf_clear(name);
    (void)json_read_string(key, name);
    err_set(&rd->error->why, ERR_INVALID, "is not known here; the fields are: %s", known);
    return fail_field(rd, buf_str(name));
}

static int read_field(struct reading *rd, const struct field *f, struct json_slice value)
{
    enum json_type type = json_type(value);

    if (type == JSON_NULL && !f->required)
        return 0;
    if (type != f->type)
        err_set(&rd->error->why, ERR_INVALID, "expected %s, got %s", json_type_name(f->type),
                json_type_name(type));
    else if (f->read(rd, value, &rd->error->why) == 0)
        return 0;
    return fail_field(rd, f->name);
}

static int read_fields(struct reading *rd, struct json_slice object, const struct field *fields,
                       size_t n)
{
    struct json_iter it = json_iter(object);
    struct json_slice key, value;
    unsigned seen = 0; /* a bit for each field */

    while (json_next_member(&it, &key, &value)) {
        size_t i = 0;

        while (i < n && !json_string_is(key, fields[i].name))
            i++;
        if (i == n)
            return unknown_field(rd, key, fields, n);
        if (read_field(rd, &fields[i], value) != 0)
            return ERR_INVALID;
        seen |= 1U << i;
    }
    for (size_t i = 0; i < n; i++)
        if (fields[i].required && !(seen & 1U << i)) {
            err_set(&rd->error->why, ERR_INVALID, "is missing");
            return fail_field(rd, fields[i].name);
        }
    return 0;
}

#define READ(rd, object, fields) read_fields(rd, object, fields, sizeof(fields) / sizeof(fields)[0])

/* {"type":"Add","args":{...}}, whose args are the fields of the operation. */
static int read_named(struct reading *rd, struct json_slice item)
{
    struct json_iter it = json_iter(item);
    struct json_slice key, value, args = {NULL, 0};

    while (json_next_member(&it, &key, &value)) {
        static const struct field fields[] = {{.name = "type"}, {.name = "args"}};

        if (json_string_is(key, "args"))
            args = value;
        else if (!json_string_is(key, "type"))
            return unknown_field(rd, key, fields, 2);
    }
    rd->prefix = "args.";
    return READ(rd, args, math_fields);
}

static int read_item(struct reading *rd, struct json_slice item)
{
    struct job_input *in = rd->in;

    if (json_member(item, "operation").len > 0)
        return READ(rd, item, operation_fields);
    if (json_type(json_member(item, "args")) == JSON_OBJECT)
        in->op = math_op_by_name(json_member(item, "type"));
    return in->op ? read_named(rd, item) : READ(rd, item, job_fields);
}

static int read_form(struct reading *rd, enum job_input_form form, struct json_slice value)
{
    if (json_type(value) != JSON_OBJECT) {
        err_set(&rd->error->why, ERR_INVALID, "expected an object, got %s",
                json_type_name(json_type(value)));
        return fail_field(rd, "");
    }
    switch (form) {
    case JOB_INPUT_MATH:
        return READ(rd, value, math_fields);
    case JOB_INPUT_JOB:
        return READ(rd, value, job_fields);
    case JOB_INPUT_ITEM:
        break;
    }
    return read_item(rd, value);
}

/* ---- the public side ---- */

void job_input_init(struct job_input *in)
{
    memset(in, 0, sizeof *in);
}

void job_input_fini(struct job_input *in)
{
    buf_fini(&in->args);
    buf_fini(&in->type);
    buf_fini(&in->at);
    buf_fini(&in->name);
}

int job_input_read(struct job_input *in, const struct queues *queues, enum job_input_form form,
                   const struct math_op *op, struct json_slice value, struct job_input_error *error)
{
    struct reading rd = {.in = in, .queues = queues, .error = error, .prefix = ""};

    buf_clear(&in->args);
    buf_clear(&in->type);
    buf_clear(&in->at);
    in->op = op;
    in->queue = queues_default(queues);
    in->spec =
        (struct job_spec){.retry = JOB_RETRY_DEFAULT, .reserve_for_s = JOB_RESERVE_DEFAULT_S};
    if (read_form(&rd, form, value) != 0)
        return ERR_INVALID;
    if (in->op) {
        in->spec.type = in->op->job_type;
        write_math_args(&rd);
    }
    in->spec.queue = queues_name(queues, in->queue);
    return in->args.failed || in->type.failed || in->at.failed ? ERR_NOMEM : 0;
}
