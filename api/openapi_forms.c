// SPDX-License-Identifier: MIT
/* The forms in which jobs come in, as schemas: made of job_fields.h. */
#include "api/openapi_schemas.h"

#include "api/job_fields.h"
#include "common/json/json_write.h"

#define LENGTH(table) (sizeof(table) / sizeof(table)[0])

#define REF(name) "{'$ref':'#/components/schemas/" name "'}"

/* ---- fields of jobs, by their kind ---- */

static void add_members(struct buf *out, const struct openapi_facts *f, const char *members)
{
    openapi_add_comma(out);
    openapi_add_json(out, f, members);
}

static void add_type(struct buf *out, const struct job_field *field, const char *type)
{
    buf_addf(out, field->required ? "\"type\":\"%s\"" : "\"type\":[\"%s\",\"null\"]", type);
}

static void add_number(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    (void)d;
    add_members(out, f, "'$ref':'#/components/schemas/Number'");
}

static void add_whole(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    (void)f;
    add_type(out, d, "integer");
    openapi_add_key(out, "minimum");
    json_write_int(out, d->min);
    openapi_add_key(out, "maximum");
    json_write_int(out, d->max);
    openapi_add_key(out, "default");
    json_write_int(out, d->unset);
}

static void add_id(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    add_type(out, d, "string");
    add_members(out, f, "'pattern':'^[^\\\\x00]*$'");
}

static void add_word(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    add_type(out, d, "string");
    openapi_add_key(out, "minLength");
    json_write_int(out, d->min);
    openapi_add_key(out, "maxLength");
    json_write_int(out, d->max);
    add_members(out, f, "'pattern':'^[^\\\\x00-\\\\x1f\\\\x7f]*$'");
}

static void add_time(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    (void)f;
    add_type(out, d, "string");
    openapi_add_key(out, "format");
    json_write_cstr(out, "date-time");
    openapi_add_key(out, "maxLength");
    json_write_int(out, d->max);
}

static void add_queue(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    add_type(out, d, "string");
    openapi_add_key(out, "enum");
    buf_add_char(out, '[');
    for (int i = 0; i < queues_count(f->queues); i++) {
        openapi_add_comma(out);
        json_write_cstr(out, queues_name(f->queues, i));
    }
    buf_add_str(out, d->required ? "]" : ",null]");
    add_members(out, f, "'default':'@queue@','examples':['@queue@']");
}

static void add_operation(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    const struct math_op *op;

    (void)f;
    add_type(out, d, "string");
    openapi_add_key(out, "enum");
    buf_add_char(out, '[');
    for (size_t i = 0; (op = math_op_at(i)) != NULL; i++) {
        const char *const names[] = {op->name, op->item_type, op->job_type};

        for (size_t k = 0; k < LENGTH(names); k++) {
            openapi_add_comma(out);
            json_write_cstr(out, names[k]);
        }
    }
    buf_add_char(out, ']');
}

static void add_list(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    add_type(out, d, "array");
    add_members(out, f, "'items':" REF("Value"));
}

static void add_object(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    add_type(out, d, "object");
    add_members(out, f, "'propertyNames':" REF("Text") ",'additionalProperties':" REF("Value"));
}

static void add_operands(struct buf *out, const struct openapi_facts *f, const struct job_field *d)
{
    (void)d;
    add_members(out, f, "'$ref':'#/components/schemas/Operands'");
}

static void (*const kinds[JOB_KINDS])(struct buf *out, const struct openapi_facts *f,
                                      const struct job_field *field) = {
    [JOB_KIND_NUMBER] = add_number,
    [JOB_KIND_WHOLE] = add_whole,
    [JOB_KIND_ID] = add_id,
    [JOB_KIND_WORD] = add_word,
    [JOB_KIND_TIME] = add_time,
    [JOB_KIND_QUEUE] = add_queue,
    [JOB_KIND_OPERATION] = add_operation,
    [JOB_KIND_LIST] = add_list,
    [JOB_KIND_MEMBERS] = add_object,
    [JOB_KIND_OPERANDS] = add_operands,
};

/* ---- forms ---- */

static const struct job_form *const forms[] = {&job_form_math, &job_form_named, &job_form_operation,
                                               &job_form_job};

static void add_field(struct buf *out, const struct openapi_facts *f, const struct job_field *field)
{
    openapi_add_key(out, field->name);
    buf_add_char(out, '{');
    kinds[field->kind](out, f, field);
    if (field->example) {
        openapi_add_key(out, "examples");
        buf_addf(out, "[%s]", field->example);
    }
    openapi_add_key(out, "description");
    json_write_cstr(out, field->help);
    buf_add_char(out, '}');
}

/* An unknown field is an error, so there are no others. */
static void add_form(struct buf *out, const struct openapi_facts *f, const struct job_form *form)
{
    openapi_add_key(out, form->name);
    buf_add_char(out, '{');
    openapi_add_key(out, "description");
    json_write_cstr(out, form->help);
    openapi_add_json(out, f, ",'type':'object','additionalProperties':false,'required':[");
    for (size_t i = 0; i < form->n; i++)
        if (form->fields[i].required) {
            openapi_add_comma(out);
            json_write_cstr(out, form->fields[i].name);
        }
    openapi_add_json(out, f, "],'properties':{");
    for (size_t i = 0; i < form->n; i++)
        add_field(out, f, &form->fields[i]);
    buf_add_str(out, "}}");
}

void openapi_add_forms(struct buf *out, const struct openapi_facts *f)
{
    for (size_t i = 0; i < LENGTH(forms); i++)
        add_form(out, f, forms[i]);
}
