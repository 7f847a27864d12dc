// SPDX-License-Identifier: MIT
#include "common/json/json.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "common/json/json_decode.h"
#include "common/json/json_text.h"

/* The slices are checked text: what follows walks them without doubting the grammar. */

enum json_type json_type(struct json_slice v)
{
    if (v.len == 0)
        return JSON_ABSENT;
    switch (v.at[0]) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

const char *json_type_name(enum json_type type)
{
    static const char *const names[] = {
        [JSON_ABSENT] = "nothing",   [JSON_NULL] = "null",       [JSON_BOOL] = "a boolean",
        [JSON_NUMBER] = "a number",  [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",
        [JSON_OBJECT] = "an object",
    };

    return names[type];
}

/* ---- walking ---- */

static bool is_between(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',' || c == ':';
}

static const char *skip_between(const char *at, const char *end)
{
    while (at < end && is_between(*at))
        at++;
    return at;
}

/* At an opening quote; returns what is behind the closing one. */
static const char *string_end(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static const char *container_end(const char *at)
{
    int depth = 0;

    for (;;) {
        char c = *at;

        if (c == '"') {
            at = string_end(at);
            continue;
        }
        at++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return at;
    }
}

static struct json_slice value_at(const char *at, const char *end)
{
    const char *behind = at;

    if (*at == '"')
        behind = string_end(at);
    else if (*at == '{' || *at == '[')
        behind = container_end(at);
    else
        while (behind < end && !is_between(*behind) && *behind != ']' && *behind != '}')
            behind++;
    return (struct json_slice){at, (size_t)(behind - at)};
}

struct json_iter json_iter(struct json_slice container)
{
    enum json_type type = json_type(container);

    if (type != JSON_ARRAY && type != JSON_OBJECT)
        return (struct json_iter){NULL, NULL};
    return (struct json_iter){container.at + 1, container.at + container.len - 1};
}

bool json_next_item(struct json_iter *it, struct json_slice *item)
{
    it->at = skip_between(it->at, it->end);
    if (it->at == it->end)
        return false;
    *item = value_at(it->at, it->end);
    it->at += item->len;
    return true;
}

bool json_next_member(struct json_iter *it, struct json_slice *key, struct json_slice *value)
{
    return json_next_item(it, key) && json_next_item(it, value);
}

struct json_slice json_member(struct json_slice object, const char *key)
{
    struct json_iter it = json_iter(object);
    struct json_slice name, value;

    if (json_type(object) == JSON_OBJECT)
        while (json_next_member(&it, &name, &value))
            if (json_string_is(name, key))
                return value;
    return (struct json_slice){NULL, 0};
}

size_t json_count(struct json_slice container)
{
    struct json_iter it = json_iter(container);
    struct json_slice item;
    size_t n = 0;

    while (json_next_item(&it, &item))
        n++;
    return json_type(container) == JSON_OBJECT ? n / 2 : n;
}

/* ---- decoding ---- */

static bool is_plain(struct json_slice v)
{
    return !memchr(v.at, '\\', v.len);
}

bool json_string_is(struct json_slice v, const char *text)
{
    size_t len = strlen(text);
    const char *text_end = text + len, *at, *end;

    if (json_type(v) != JSON_STRING)
        return false;
    at = v.at + 1;
    end = v.at + v.len - 1;
    /* no string is longer than its source; most others differ in the first character already */
    if ((size_t)(end - at) < len || (at < end && *at != *text && *at != '\\'))
        return false;
    if (is_plain(v))
        return (size_t)(end - at) == len && memcmp(at, text, len) == 0;
    while (at < end && text < text_end) {
        int32_t c = json_text_utf8(&text, text_end);

        if (c < 0 || c != json_text_char(&at, end))
            return false;
    }
    return at == end && text == text_end;
}

int json_read_string(struct json_slice v, struct buf *out)
{
    if (json_type(v) != JSON_STRING)
        return ERR_INVALID;
    if (!is_plain(v))
        return json_decode_string(v.at, v.len, out);
    buf_add(out, v.at + 1, v.len - 2);
    return out->failed ? ERR_NOMEM : 0;
}

static bool is_integer(struct json_slice number)
{
    for (size_t i = 0; i < number.len; i++)
        if (number.at[i] == '.' || number.at[i] == 'e' || number.at[i] == 'E')
            return false;
    return true;
}

int json_read_int64(struct json_slice v, int64_t *out)
{
    bool negative;
    int64_t value = 0;

    if (json_type(v) != JSON_NUMBER || !is_integer(v))
        return ERR_INVALID;
    negative = v.at[0] == '-';
    /* Counts downwards: INT64_MIN has no positive twin. */
    for (size_t i = negative; i < v.len; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, v.at[i] - '0', &value))
            return ERR_INVALID;
    if (!negative && value == INT64_MIN)
        return ERR_INVALID;
    *out = negative ? value : -value;
    return 0;
}

static const int64_t exact_max = INT64_C(1) << 53;

/*
 * A number of up to 15 digits, without an exponent. Its digits and the power of ten are both exact
 * in a double, and one division of exact values is rounded once: the result is the nearest double,
 * as json-c would find it with a locale, a tokener and an object.
 */
static bool read_short_decimal(struct json_slice v, double *out)
{
#if FLT_EVAL_METHOD == 0
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    bool negative = v.at[0] == '-';
    int64_t digits = 0;
    size_t point = v.len, i = negative;

    if (v.len > i + 16)
        return false;
    for (; i < v.len; i++) {
        char c = v.at[i];

        if (c == '.')
            point = i + 1;
        else if (c >= '0' && c <= '9')
            digits = digits * 10 + (c - '0');
        else
            return false;
    }
    if (point == v.len && v.len > (size_t)negative + 15)
        return false;
    *out = copysign((double)digits / powers[v.len - point], negative ? -1.0 : 1.0);
    return true;
#else
    (void)v;
    (void)out;
    return false;
#endif
}

int json_read_double(struct json_slice v, double *out)
{
    int64_t whole;
    double value;
    int code;

    if (json_type(v) != JSON_NUMBER)
        return ERR_INVALID;
    if (json_read_int64(v, &whole) == 0 && whole <= exact_max && whole >= -exact_max) {
        *out = copysign((double)whole, v.at[0] == '-' ? -1.0 : 1.0);
        return 0;
    }
    if (read_short_decimal(v, out))
        return 0;
    code = json_decode_double(v.at, v.len, is_integer(v), &value);
    if (code != 0)
        return code;
    if (!isfinite(value))
        return ERR_INVALID;
    *out = value;
    return 0;
}

int json_read_bool(struct json_slice v, bool *out)
{
    if (json_type(v) != JSON_BOOL)
        return ERR_INVALID;
    *out = v.at[0] == 't';
    return 0;
}

/* ---- numbers that Faktory would change ---- */

static bool is_unsafe(struct json_slice number)
{
    enum { SURELY_FINITE_LEN = 300 }; /* without an exponent: fewer digits than 1e308 has */
    int64_t whole;
    double value;

    if (is_integer(number))
        return json_read_int64(number, &whole) != 0 || whole > exact_max || whole < -exact_max;
    if (number.len < SURELY_FINITE_LEN && !memchr(number.at, 'e', number.len) &&
        !memchr(number.at, 'E', number.len))
        return false;
    return json_read_double(number, &value) != 0;
}

bool json_has_unsafe_number(struct json_slice v, struct json_slice *number)
{
    const char *at = v.at, *end = v.at + v.len;

    while (at < end) {
        if (*at == '"')
            at = string_end(at);
        else if (*at == '-' || (*at >= '0' && *at <= '9')) {
            *number = value_at(at, end);
            if (is_unsafe(*number))
                return true;
            at += number->len;
        } else
            at++;
    }
    return false;
}
