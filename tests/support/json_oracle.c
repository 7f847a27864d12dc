// SPDX-License-Identifier: MIT
#include "tests/support/json_oracle.h"

#include <inttypes.h>
#include <json-c/json_object.h>
#include <json-c/json_object_iterator.h>
#include <json-c/json_tokener.h>
#include <stdlib.h>

/* More than ours, so that ours is what limits; json-c counts scalars as a level. */
enum { ORACLE_DEPTH = 64 };

static void dump(struct json_object *v, struct buf *out);

static void dump_string(const char *text, size_t len, struct buf *out)
{
    buf_addf(out, "s%zu:", len);
    buf_add(out, text, len);
}

/* json-c clamps integers without a word: what may have been clamped is only called big. */
static void dump_integer(struct json_object *v, struct buf *out)
{
    int64_t value = json_object_get_int64(v);

    if (value == INT64_MAX || value == INT64_MIN)
        buf_add_str(out, "big");
    else
        buf_addf(out, "i%" PRId64, value);
}

static void dump_array(struct json_object *v, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < json_object_array_length(v); i++) {
        dump(json_object_array_get_idx(v, i), out);
        buf_add_char(out, ',');
    }
    buf_add_char(out, ']');
}

static void dump_object(struct json_object *v, struct buf *out)
{
    struct json_object_iterator it = json_object_iter_begin(v), end = json_object_iter_end(v);

    buf_add_char(out, '{');
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        buf_add_str(out, json_object_iter_peek_name(&it));
        buf_add_char(out, '=');
        dump(json_object_iter_peek_value(&it), out);
        buf_add_char(out, ',');
    }
    buf_add_char(out, '}');
}

static void dump(struct json_object *v, struct buf *out)
{
    switch (json_object_get_type(v)) {
    case json_type_null:
        buf_add_str(out, "null");
        break;
    case json_type_boolean:
        buf_add_str(out, json_object_get_boolean(v) ? "true" : "false");
        break;
    case json_type_double:
        buf_addf(out, "d%a", json_object_get_double(v));
        break;
    case json_type_int:
        dump_integer(v, out);
        break;
    case json_type_string:
        dump_string(json_object_get_string(v), (size_t)json_object_get_string_len(v), out);
        break;
    case json_type_array:
        dump_array(v, out);
        break;
    case json_type_object:
        dump_object(v, out);
        break;
    }
}

bool json_oracle_dump(const char *text, size_t len, struct buf *out)
{
    struct json_tokener *tokener = json_tokener_new_ex(ORACLE_DEPTH);
    struct json_object *v;
    bool accepted;

    if (!tokener)
        abort();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    v = json_tokener_parse_ex(tokener, text, (int)len);
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        v = json_tokener_parse_ex(tokener, "", 1); /* a bare number ends at the NUL */
    accepted = json_tokener_get_error(tokener) == json_tokener_success;
    if (accepted)
        dump(v, out);
    json_object_put(v);
    json_tokener_free(tokener);
    return accepted;
}
