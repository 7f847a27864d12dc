// SPDX-License-Identifier: MIT
#include "tools/wf/job_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/faktory/faktory.h"
#include "common/json/json.h"
#include "common/json/json_write.h"

enum { RETRY_MAX = 1000 };

#define AHEAD_MAX_MS INT64_C(315360000000) /* ten years */

/* ---- --id ---- */

/* Writes the object with "request_id" in it. One that is there already must be the same. */
static int write_with_id(struct buf *out, struct json_slice object, const char *id,
                         const char *where, struct err_text *why)
{
    struct json_slice had = json_member(object, "request_id");

    if (had.len > 0 && !json_string_is(had, id))
        return err_set(why, ERR_INVALID, "--id \"%.60s\": %s has another request_id, %.*s", id,
                       where, (int)(had.len < 60 ? had.len : 60), had.at);
    if (had.len > 0) {
        buf_add(out, object.at, object.len);
        return 0;
    }
    buf_add(out, object.at, object.len - 1); /* without its closing brace */
    buf_add_str(out, json_count(object) > 0 ? ",\"request_id\":" : "\"request_id\":");
    json_write_cstr(out, id);
    buf_add_char(out, '}');
    return 0;
}

static bool is_math(const char *type)
{
    static const char *const types[] = {"math_add", "math_subtract", "math_multiply",
                                        "math_divide"};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* ---- the parts ---- */

static int write_arg(struct buf *out, const struct args *a, const char *text, struct err_text *why)
{
    const char *id = args_given(a, "id");
    struct json_slice value;

    if (json_check(text, strlen(text), &value, NULL) != 0) {
        json_write_cstr(out, text);
        return 0;
    }
    if (id && is_math(a->argv[0]) && json_type(value) == JSON_OBJECT)
        return write_with_id(out, value, id, "the argument", why);
    buf_add(out, value.at, value.len);
    return 0;
}

static int write_args(struct buf *out, const struct args *a, struct err_text *why)
{
    int code = 0;

    buf_add_str(out, ",\"args\":[");
    for (int i = 1; i < a->argc && code == 0; i++) {
        if (i > 1)
            buf_add_char(out, ',');
        code = write_arg(out, a, a->argv[i], why);
    }
    buf_add_char(out, ']');
    return code;
}

/* "+5m" from now, or a time as the API takes it. */
static int write_at(struct buf *out, const struct args *a, struct err_text *why)
{
    const char *text = args_given(a, "at");
    char stamp[CLOCK_RFC3339_MAX];
    int64_t ms;

    if (!text)
        return 0;
    if (*text == '+') {
        if (args_ms_of("at", text + 1, 0, AHEAD_MAX_MS, &ms, why) != 0)
            return ERR_INVALID;
        clock_rfc3339(clock_wall_ms() + ms, stamp);
        text = stamp;
    } else if (clock_parse_rfc3339(text, strlen(text), &ms) != 0)
        return err_set(why, ERR_INVALID,
                       "--at \"%.60s\": expected a time like 2030-01-31T12:00:00Z, or one from now "
                       "like +90s, +5m, +2h",
                       text);
    buf_add_str(out, ",\"at\":");
    json_write_cstr(out, text);
    return 0;
}

static int write_retry(struct buf *out, const struct args *a, struct err_text *why)
{
    int64_t retry;

    if (args_int(a, "retry", -1, RETRY_MAX, &retry, why) != 0)
        return ERR_INVALID;
    if (args_given(a, "retry"))
        buf_addf(out, ",\"retry\":%" PRId64, retry);
    return 0;
}

static int write_reserve_for(struct buf *out, const struct args *a, struct err_text *why)
{
    int64_t ms;

    if (args_ms(a, "reserve-for", 1000LL * FAKTORY_RESERVE_MIN_S, 1000LL * FAKTORY_RESERVE_MAX_S,
                &ms, why) != 0)
        return ERR_INVALID;
    if (args_given(a, "reserve-for"))
        buf_addf(out, ",\"reserve_for\":%" PRId64, (ms + 999) / 1000);
    return 0;
}

static int write_custom(struct buf *out, const struct args *a, struct err_text *why)
{
    const char *text = args_given(a, "custom"), *id = args_given(a, "id");
    struct json_slice custom;

    if (!text && !id)
        return 0;
    if (json_check(text ? text : "{}", strlen(text ? text : "{}"), &custom, NULL) != 0 ||
        json_type(custom) != JSON_OBJECT)
        return err_set(why, ERR_INVALID, "--custom \"%.60s\": expected a JSON object", text);
    buf_add_str(out, ",\"custom\":");
    if (id)
        return write_with_id(out, custom, id, "--custom", why);
    buf_add(out, custom.at, custom.len);
    return 0;
}

static int write_queue(struct buf *out, const struct args *a, struct err_text *why)
{
    const char *queue = args_given(a, "queue");

    (void)why;
    if (!queue)
        return 0;
    buf_add_str(out, ",\"queue\":");
    json_write_cstr(out, queue);
    return 0;
}

int job_text_write(const struct args *a, struct buf *out, struct err_text *why)
{
    static int (*const parts[])(struct buf *, const struct args *, struct err_text *) = {
        write_args, write_queue, write_at, write_retry, write_reserve_for, write_custom};
    int code = 0;

    buf_add_str(out, "{\"type\":");
    json_write_cstr(out, a->argv[0]);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && code == 0; i++)
        code = parts[i](out, a, why);
    buf_add_char(out, '}');
    if (code == 0 && out->failed)
        return err_set(why, ERR_NOMEM, "out of memory for the job");
    return code;
}
