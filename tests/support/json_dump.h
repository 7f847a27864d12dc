// SPDX-License-Identifier: MIT
/*
 * json_dump - a value, read through json.h, in the form of json_oracle_dump(). It is a header alone
 * because tests/support is linked into the tests of all rooms, and not all of them may use json.
 */
#ifndef TESTS_SUPPORT_JSON_DUMP_H
#define TESTS_SUPPORT_JSON_DUMP_H

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json.h"

static void json_dump(struct json_slice v, struct buf *out);

static void json_dump_string(struct json_slice v, struct buf *out)
{
    struct buf text = BUF_INIT(0);

    if (json_read_string(v, &text) != 0)
        abort();
    buf_addf(out, "s%zu:", text.len);
    buf_add(out, buf_str(&text), text.len);
    buf_fini(&text);
}

static void json_dump_number(struct json_slice v, struct buf *out)
{
    bool whole =
        !memchr(v.at, '.', v.len) && !memchr(v.at, 'e', v.len) && !memchr(v.at, 'E', v.len);
    int64_t value;
    double number;

    if (whole && (json_read_int64(v, &value) != 0 || value == INT64_MAX || value == INT64_MIN))
        buf_add_str(out, "big");
    else if (whole)
        buf_addf(out, "i%" PRId64, value);
    else if (json_read_double(v, &number) == 0)
        buf_addf(out, "d%a", number);
    else
        buf_add_str(out, v.at[0] == '-' ? "d-inf" : "dinf");
}

static void json_dump_array(struct json_slice v, struct buf *out)
{
    struct json_iter it = json_iter(v);
    struct json_slice item;

    buf_add_char(out, '[');
    while (json_next_item(&it, &item)) {
        json_dump(item, out);
        buf_add_char(out, ',');
    }
    buf_add_char(out, ']');
}

static void json_dump_object(struct json_slice v, struct buf *out)
{
    struct json_iter it = json_iter(v);
    struct json_slice key, value;

    buf_add_char(out, '{');
    while (json_next_member(&it, &key, &value)) {
        if (json_read_string(key, out) != 0)
            abort();
        buf_add_char(out, '=');
        json_dump(value, out);
        buf_add_char(out, ',');
    }
    buf_add_char(out, '}');
}

static void json_dump(struct json_slice v, struct buf *out)
{
    bool truth = false;

    switch (json_type(v)) {
    case JSON_ABSENT:
        abort();
    case JSON_NULL:
        buf_add_str(out, "null");
        break;
    case JSON_BOOL:
        if (json_read_bool(v, &truth) != 0)
            abort();
        buf_add_str(out, truth ? "true" : "false");
        break;
    case JSON_NUMBER:
        json_dump_number(v, out);
        break;
    case JSON_STRING:
        json_dump_string(v, out);
        break;
    case JSON_ARRAY:
        json_dump_array(v, out);
        break;
    case JSON_OBJECT:
        json_dump_object(v, out);
        break;
    }
}

#endif
