// SPDX-License-Identifier: MIT
#include "common/faktory/info.h"

#include <stddef.h>

static const struct {
    const char *section, *group, *name, *as;
} members[] = {
    {"server", NULL, "faktory_version", "version"},
    {"server", NULL, "uptime", "uptime_seconds"},
    {"server", NULL, "connections", "connections"},
    {"server", NULL, "command_count", "command_count"},
    {"faktory", NULL, "total_processed", "total_processed"},
    {"faktory", NULL, "total_failures", "total_failures"},
    {"faktory", NULL, "total_enqueued", "total_enqueued"},
    {"faktory", NULL, "queues", "queues"},
    {"faktory", "sets", "scheduled", "scheduled"},
    {"faktory", "sets", "retries", "retries"},
    {"faktory", "sets", "dead", "dead"},
    {"faktory", "sets", "working", "working"},
};

void info_write(struct json_slice info, struct buf *out)
{
    const char *comma = "";

    buf_add_char(out, '{');
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct json_slice v = json_member(info, members[i].section);

        if (members[i].group && json_type(v) == JSON_OBJECT)
            v = json_member(v, members[i].group);
        if (json_type(v) != JSON_OBJECT)
            continue;
        v = json_member(v, members[i].name);
        if (v.len == 0)
            continue;
        buf_addf(out, "%s\"%s\":", comma, members[i].as);
        buf_add(out, v.at, v.len);
        comma = ",";
    }
    buf_add_char(out, '}');
}
