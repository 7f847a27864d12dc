// SPDX-License-Identifier: MIT
#include "tools/wf/shown.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    int64_t below, big;
    const char *big_name;
    int64_t small;
    const char *small_name;
} steps[] = {
    {60, 0, NULL, 1, "s"},
    {3600, 60, "min", 1, "s"},
    {86400, 3600, "h", 60, "min"},
    {INT64_MAX, 86400, "d", 3600, "h"},
};

const char *shown_seconds(int64_t s, char out[SHOWN_MAX])
{
    int i = 0;

    while (i < 3 && s >= steps[i].below)
        i++;
    if (i == 0)
        snprintf(out, SHOWN_MAX, "%" PRId64 " s", s);
    else
        snprintf(out, SHOWN_MAX, "%" PRId64 " %s %" PRId64 " %s", s / steps[i].big,
                 steps[i].big_name, s % steps[i].big / steps[i].small, steps[i].small_name);
    return out;
}

const char *shown_member(struct json_slice object, const char *name, char out[SHOWN_MAX])
{
    struct json_slice v = {NULL, 0};

    if (json_type(object) == JSON_OBJECT)
        v = json_member(object, name);
    snprintf(out, SHOWN_MAX, "%.*s", v.len > 0 ? (int)v.len : 1, v.len > 0 ? v.at : "-");
    return out;
}

int64_t shown_int(struct json_slice object, const char *name, int64_t otherwise)
{
    int64_t value = otherwise;

    if (json_type(object) == JSON_OBJECT)
        (void)json_read_int64(json_member(object, name), &value);
    return value;
}
