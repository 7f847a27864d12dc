// SPDX-License-Identifier: MIT
/*
 * The small reader of the handler contract, over checked JSON text.
 *
 * A value knows where its text is and nothing else. Where it lies in the arguments is found out
 * only when a message must name the place: by walking down from the arguments to the text. What is
 * absent knows its parent's text and its own name instead.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/handler_job.h"

static struct json_slice slice_of(struct wf_value v)
{
    return (struct json_slice){v.at, v.len};
}

/* ---- the place of a value, for messages ---- */

static bool within(struct json_slice whole, const char *at)
{
    return at >= whole.at && at < whole.at + whole.len;
}

/* The child of the container that holds `at`; its name goes to `out`. */
static bool step_down(struct json_slice *container, const char *at, const char *item_word,
                      struct buf *out)
{
    struct json_iter it = json_iter(*container);
    struct json_slice key = {NULL, 0}, value;
    bool array = json_type(*container) == JSON_ARRAY;

    for (size_t i = 1; array ? json_next_item(&it, &value) : json_next_member(&it, &key, &value);
         i++) {
        if (!within(value, at))
            continue;
        if (array)
            buf_addf(out, "%s %zu: ", item_word, i);
        else
            buf_addf(out, "%.*s: ", (int)key.len, key.at);
        *container = value;
        return true;
    }
    return false;
}

/* "argument 1: "options": item 2: " for the value whose text begins at `at`. */
static void add_path(const struct wf_job *job, const char *at, struct buf *out)
{
    struct json_slice here = job->job->args;
    const char *word = "argument";

    while (at && here.at != at && step_down(&here, at, word, out))
        word = "item";
}

static void add_place(struct wf_value v, struct buf *out)
{
    if (v.at) {
        add_path(v.job, v.at, out);
        return;
    }
    add_path(v.job, v.parent, out);
    if (v.name)
        buf_addf(out, "\"%s\": ", v.name);
    else
        buf_addf(out, "%s %zu: ", v.parent == v.job->job->args.at ? "argument" : "item", v.number);
}

void wf_refuse(struct wf_value v, const char *expected)
{
    struct buf place = BUF_INIT(HANDLER_MESSAGE_MAX);

    add_place(v, &place);
    wf_fail_for_good(v.job, "InvalidArguments", "%sexpected %s, got %s", buf_str(&place),
                     v.expected ? v.expected : expected, json_type_name(json_type(slice_of(v))));
    buf_fini(&place);
}

static bool refuse(struct wf_value v, const char *expected)
{
    wf_refuse(v, expected);
    return false;
}

/* ---- finding values ---- */

static struct json_slice nth(struct json_slice array, size_t n)
{
    struct json_iter it = json_iter(array);
    struct json_slice item;

    for (size_t i = 1; json_next_item(&it, &item); i++)
        if (i == n)
            return item;
    return (struct json_slice){NULL, 0};
}

/* A value inside `parent`; without text when it is not there. */
static struct wf_value child(struct wf_value parent, struct json_slice found)
{
    return (struct wf_value){
        .job = parent.job, .at = found.at, .len = found.len, .parent = parent.at};
}

/* What is inside a value of the wrong kind: it keeps that value's place, and what was expected. */
static struct wf_value wrong(struct wf_value parent, const char *expected)
{
    if (!parent.expected)
        parent.expected = expected;
    return parent;
}

struct wf_value wf_arg(struct wf_job *job, size_t n)
{
    struct wf_value args = {.job = job, .at = job->job->args.at, .len = job->job->args.len};

    return wf_item(args, n);
}

struct wf_value wf_item(struct wf_value array, size_t n)
{
    struct wf_value item;

    if (array.expected || json_type(slice_of(array)) != JSON_ARRAY)
        return wrong(array, "an array");
    item = child(array, nth(slice_of(array), n));
    item.number = n;
    return item;
}

struct wf_value wf_member(struct wf_value object, const char *name)
{
    struct wf_value member;

    if (object.expected || json_type(slice_of(object)) != JSON_OBJECT)
        return wrong(object, "an object");
    member = child(object, json_member(slice_of(object), name));
    member.name = name;
    return member;
}

/* ---- reading them ---- */

enum wf_kind wf_kind(struct wf_value v)
{
    static const enum wf_kind kinds[] = {
        [JSON_ABSENT] = WF_ABSENT, [JSON_NULL] = WF_NULL,     [JSON_BOOL] = WF_BOOL,
        [JSON_NUMBER] = WF_NUMBER, [JSON_STRING] = WF_STRING, [JSON_ARRAY] = WF_ARRAY,
        [JSON_OBJECT] = WF_OBJECT,
    };

    return v.expected ? WF_ABSENT : kinds[json_type(slice_of(v))];
}

size_t wf_count(struct wf_value v)
{
    enum wf_kind kind = wf_kind(v);

    return kind == WF_ARRAY || kind == WF_OBJECT ? json_count(slice_of(v)) : 0;
}

size_t wf_arg_count(struct wf_job *job)
{
    return json_count(job->job->args);
}

bool wf_number(struct wf_value v, double *out)
{
    if (wf_kind(v) != WF_NUMBER)
        return refuse(v, "a number");
    if (json_read_double(slice_of(v), out) != 0)
        return refuse(v, "a number that a double can hold");
    return true;
}

bool wf_integer(struct wf_value v, int64_t *out)
{
    if (wf_kind(v) != WF_NUMBER || json_read_int64(slice_of(v), out) != 0)
        return refuse(v, wf_kind(v) == WF_NUMBER ? "a whole number of 64 bits" : "a whole number");
    return true;
}

bool wf_boolean(struct wf_value v, bool *out)
{
    if (wf_kind(v) != WF_BOOL || json_read_bool(slice_of(v), out) != 0)
        return refuse(v, "true or false");
    return true;
}

/* A failure that is not the arguments' fault. */
static bool no_memory(struct wf_value v)
{
    wf_fail(v.job, "OutOfMemory", "no memory for the arguments");
    return false;
}

bool wf_string(struct wf_value v, const char **out)
{
    struct buf text = BUF_INIT(0);

    if (wf_kind(v) != WF_STRING)
        return refuse(v, "a string");
    *out = NULL;
    if (json_read_string(slice_of(v), &text) == 0)
        *out = handler_job_keep(v.job, buf_take(&text));
    buf_fini(&text);
    return *out ? true : no_memory(v);
}

bool wf_json(struct wf_value v, const char **out)
{
    if (wf_kind(v) == WF_ABSENT)
        return refuse(v, "a value");
    *out = handler_job_keep(v.job, strndup(v.at, v.len));
    return *out ? true : no_memory(v);
}

const char *wf_args(struct wf_job *job)
{
    const char *text = handler_job_keep(job, strndup(job->job->args.at, job->job->args.len));

    if (!text)
        wf_fail(job, "OutOfMemory", "no memory for the arguments");
    return text ? text : "[]";
}
