// SPDX-License-Identifier: MIT
#include "common/json/json_decode.h"

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>

#include "common/base/err.h"

/*
 * Hands a scalar to json-c, followed by `tail`: a number needs one byte after it to be complete.
 * A tokener for each call costs less than the locale that json-c sets up in each parse anyway, and
 * leaves nothing for a thread to free. NULL: no memory.
 */
static struct json_object *decode(const char *at, size_t len, const char *tail, size_t tail_len)
{
    struct json_tokener *tokener = json_tokener_new_ex(1);
    struct json_object *object;

    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(tokener, at, (int)len);
    if (!object && json_tokener_get_error(tokener) == json_tokener_continue)
        object = json_tokener_parse_ex(tokener, tail, (int)tail_len);
    json_tokener_free(tokener);
    return object;
}

int json_decode_string(const char *at, size_t len, struct buf *out)
{
    struct json_object *object = decode(at, len, "", 1);

    if (!object)
        return ERR_NOMEM;
    buf_add(out, json_object_get_string(object), (size_t)json_object_get_string_len(object));
    json_object_put(object);
    return out->failed ? ERR_NOMEM : 0;
}

int json_decode_double(const char *at, size_t len, bool is_integer, double *out)
{
    /* json-c clamps a large integer; with an exponent the same number is read as a double. */
    struct json_object *object = is_integer ? decode(at, len, "e0", 3) : decode(at, len, "", 1);

    if (!object)
        return ERR_NOMEM;
    *out = json_object_get_double(object);
    json_object_put(object);
    return 0;
}
