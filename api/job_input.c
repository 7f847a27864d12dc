// SPDX-License-Identifier: MIT
#include "api/job_input.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

enum { SHOWN_MAX = 40 };

/* One reading: what is read, and from where. */
struct reading {
    struct job_input *in;
    const struct queues *queues;
    struct job_input_error *error;
    const char *prefix;                 /* of field names in errors: "" or "args." */
    struct json_slice a, b, request_id; /* as they came in */
    struct json_slice operands;         /* the object with these three, where there is one */
};

/* Takes the value of a field, which has the type of the field's kind. 0, or an error with only the
 * sentence set. */
typedef int reader(struct reading *rd, const struct job_field *f, struct json_slice value,
                   struct err_text *why);

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

static int read_a(struct reading *rd, const struct job_field *f, struct json_slice value,
                  struct err_text *why)
{
    (void)f;
    rd->a = value;
    return read_number(value, &rd->in->a, why);
}

static int read_b(struct reading *rd, const struct job_field *f, struct json_slice value,
                  struct err_text *why)
{
    (void)f;
    rd->b = value;
    return read_number(value, &rd->in->b, why);
}

static int read_request_id(struct reading *rd, const struct job_field *f, struct json_slice value,
                           struct err_text *why)
{
    (void)f;
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

/* Of UTF-8 that was checked. Schemas, and people, count like this, not in bytes. */
static size_t count_characters(const struct buf *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->len; i++)
        n += ((unsigned char)text->data[i] & 0xc0) != 0x80;
    return n;
}

static int read_type(struct reading *rd, const struct job_field *f, struct json_slice value,
                     struct err_text *why)
{
    struct buf *type = &rd->in->type;
    size_t n;

    (void)json_read_string(value, type);
    n = count_characters(type);
    if (n < (size_t)f->min || n > (size_t)f->max)
        return err_set(why, ERR_INVALID,
                       "expected a job type of %" PRId64 " to %" PRId64 " characters", f->min,
                       f->max);
    for (size_t i = 0; i < type->len; i++)
        if ((unsigned char)type->data[i] < 0x20 || type->data[i] == 0x7f)
            return err_set(why, ERR_INVALID, "expected a job type without control characters");
    rd->in->spec.type = type->data;
    return 0;
}

static int read_args(struct reading *rd, const struct job_field *f, struct json_slice value,
                     struct err_text *why)
{
    (void)f;
    rd->in->spec.args = value;
    return check_numbers(value, why);
}

static int read_custom(struct reading *rd, const struct job_field *f, struct json_slice value,
                       struct err_text *why)
{
    (void)f;
    rd->in->spec.custom = value;
    return check_numbers(value, why);
}

static int read_queue(struct reading *rd, const struct job_field *f, struct json_slice value,
                      struct err_text *why)
{
    (void)f;
    struct buf *name = &rd->in->name;

    buf_clear(name);
    (void)json_read_string(value, name);
    rd->in->queue = queues_find(rd->queues, buf_str(name));
    if (rd->in->queue < 0)
        return err_set(why, ERR_INVALID, "expected one of the queues of this service: %s",
                       queues_list(rd->queues));
    return 0;
}

static int read_at(struct reading *rd, const struct job_field *f, struct json_slice value,
                   struct err_text *why)
{
    struct buf *at = &rd->in->at;
    int64_t wall_ms;

    (void)json_read_string(value, at);
    if (at->len < (size_t)f->min || at->len > (size_t)f->max ||
        clock_parse_rfc3339(at->data, at->len, &wall_ms) != 0)
        return err_set(why, ERR_INVALID,
                       "expected a time like \"2030-01-31T12:00:00Z\" (RFC 3339)");
    rd->in->spec.at = at->data;
    return 0;
}

/* 3 may be written as 3.0 or 3e0: it is what counts, and some languages have only doubles. */
static bool is_whole(struct json_slice value, int64_t min, int64_t max, int64_t *out)
{
    double number;

    if (json_read_int64(value, out) == 0)
        return *out >= min && *out <= max;
    if (json_read_double(value, &number) != 0 || number < (double)min || number > (double)max)
        return false;
    *out = (int64_t)number;
    return (double)*out == number;
}

static int read_whole(const struct job_field *f, struct json_slice value, const char *what,
                      int64_t *out, struct err_text *why)
{
    if (is_whole(value, f->min, f->max, out))
        return 0;
    return err_set(why, ERR_INVALID, "expected a whole number%s from %" PRId64 " to %" PRId64, what,
                   f->min, f->max);
}

static int read_retry(struct reading *rd, const struct job_field *f, struct json_slice value,
                      struct err_text *why)
{
    return read_whole(f, value, "", &rd->in->spec.retry, why);
}

static int read_reserve_for(struct reading *rd, const struct job_field *f, struct json_slice value,
                            struct err_text *why)
{
    return read_whole(f, value, " of seconds", &rd->in->spec.reserve_for_s, why);
}

static int read_operation(struct reading *rd, const struct job_field *f, struct json_slice value,
                          struct err_text *why)
{
    (void)f;
    rd->in->op = math_op_by_name(value);
    if (!rd->in->op)
        return err_set(why, ERR_INVALID, "expected add, subtract, multiply or divide");
    return 0;
}

/* The object is read once all fields beside it are known to be good. */
static int read_operands(struct reading *rd, const struct job_field *f, struct json_slice value,
                         struct err_text *why)
{
    (void)f;
    (void)why;
    rd->operands = value;
    return 0;
}

/* ---- the forms ---- */

static reader *const readers[JOB_SLOTS] = {
    [JOB_SLOT_A] = read_a,
    [JOB_SLOT_B] = read_b,
    [JOB_SLOT_REQUEST_ID] = read_request_id,
    [JOB_SLOT_OPERATION] = read_operation,
    [JOB_SLOT_OPERANDS] = read_operands,
    [JOB_SLOT_TYPE] = read_type,
    [JOB_SLOT_ARGS] = read_args,
    [JOB_SLOT_QUEUE] = read_queue,
    [JOB_SLOT_AT] = read_at,
    [JOB_SLOT_RETRY] = read_retry,
    [JOB_SLOT_RESERVE_FOR] = read_reserve_for,
    [JOB_SLOT_CUSTOM] = read_custom,
};

static const enum json_type types[JOB_KINDS] = {
    [JOB_KIND_NUMBER] = JSON_NUMBER,    [JOB_KIND_WHOLE] = JSON_NUMBER,
    [JOB_KIND_ID] = JSON_STRING,        [JOB_KIND_WORD] = JSON_STRING,
    [JOB_KIND_TIME] = JSON_STRING,      [JOB_KIND_QUEUE] = JSON_STRING,
    [JOB_KIND_OPERATION] = JSON_STRING, [JOB_KIND_LIST] = JSON_ARRAY,
    [JOB_KIND_MEMBERS] = JSON_OBJECT,   [JOB_KIND_OPERANDS] = JSON_OBJECT,
};

static int fail_field(struct reading *rd, const char *field)
{
    snprintf(rd->error->field, sizeof rd->error->field, "%s%s", rd->prefix, field);
    return ERR_INVALID;
}

static int unknown_field(struct reading *rd, struct json_slice key, const struct job_form *form)
{
    struct buf *name = &rd->in->name;
    char known[160] = "";
    size_t len = 0;

    for (size_t i = 0; i < form->n && len < sizeof known; i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "",
                                form->fields[i].name);
    buf_clear(name);
    (void)json_read_string(key, name);
    err_set(&rd->error->why, ERR_INVALID, "is not known here; the fields are: %s", known);
    return fail_field(rd, buf_str(name));
}

static int read_field(struct reading *rd, const struct job_field *f, struct json_slice value)
{
    enum json_type type = json_type(value);

    if (type == JSON_NULL && !f->required)
        return 0;
    if (type != types[f->kind])
        err_set(&rd->error->why, ERR_INVALID, "expected %s, got %s", json_type_name(types[f->kind]),
                json_type_name(type));
    else if (readers[f->slot](rd, f, value, &rd->error->why) == 0)
        return 0;
    return fail_field(rd, f->name);
}

static int read_fields(struct reading *rd, struct json_slice object, const struct job_form *form)
{
    struct json_iter it = json_iter(object);
    struct json_slice key, value;
    unsigned seen = 0; /* a bit for each field */

    while (json_next_member(&it, &key, &value)) {
        size_t i = 0;

        while (i < form->n && !json_string_is(key, form->fields[i].name))
            i++;
        if (i == form->n)
            return unknown_field(rd, key, form);
        if (read_field(rd, &form->fields[i], value) != 0)
            return ERR_INVALID;
        seen |= 1U << i;
    }
    for (size_t i = 0; i < form->n; i++)
        if (form->fields[i].required && !(seen & 1U << i)) {
            err_set(&rd->error->why, ERR_INVALID, "is missing");
            return fail_field(rd, form->fields[i].name);
        }
    return 0;
}

static int read_item(struct reading *rd, struct json_slice item)
{
    struct job_input *in = rd->in;

    if (json_member(item, "operation").len > 0)
        return read_fields(rd, item, &job_form_operation);
    if (json_type(json_member(item, "args")) == JSON_OBJECT)
        in->op = math_op_by_name(json_member(item, "type"));
    if (!in->op)
        return read_fields(rd, item, &job_form_job);
    if (read_fields(rd, item, &job_form_named) != 0)
        return ERR_INVALID;
    rd->prefix = "args.";
    return read_fields(rd, rd->operands, &job_form_math);
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
        return read_fields(rd, value, &job_form_math);
    case JOB_INPUT_JOB:
        return read_fields(rd, value, &job_form_job);
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
