// SPDX-License-Identifier: MIT
#include "common/faktory/info.h"

const struct info_member info_members[] = {
    {"server", NULL, "faktory_version", "version", JSON_STRING, "Faktory's version."},
    {"server", NULL, "uptime", "uptime_seconds", JSON_NUMBER, "How long it runs."},
    {"server", NULL, "connections", "connections", JSON_NUMBER, "Connections of all its clients."},
    {"server", NULL, "command_count", "command_count", JSON_NUMBER, "Commands since its start."},
    {"faktory", NULL, "total_processed", "total_processed", JSON_NUMBER,
     "Jobs that were run, those that failed included."},
    {"faktory", NULL, "total_failures", "total_failures", JSON_NUMBER, "Runs that failed."},
    {"faktory", NULL, "total_enqueued", "total_enqueued", JSON_NUMBER, "Jobs in all queues."},
    {"faktory", NULL, "queues", "queues", JSON_OBJECT, "Jobs in each queue that exists."},
    {"faktory", "sets", "scheduled", "scheduled", JSON_NUMBER, "Jobs that wait for their time."},
    {"faktory", "sets", "retries", "retries", JSON_NUMBER, "Jobs that wait to be tried again."},
    {"faktory", "sets", "dead", "dead", JSON_NUMBER, "Jobs that were given up."},
    {"faktory", "sets", "working", "working", JSON_NUMBER, "Jobs that a worker has."},
};

const size_t info_members_n = sizeof info_members / sizeof info_members[0];

void info_write(struct json_slice info, struct buf *out)
{
    const char *comma = "";

    buf_add_char(out, '{');
    for (size_t i = 0; i < info_members_n; i++) {
        struct json_slice v = json_member(info, info_members[i].section);

        if (info_members[i].group && json_type(v) == JSON_OBJECT)
            v = json_member(v, info_members[i].group);
        if (json_type(v) != JSON_OBJECT)
            continue;
        v = json_member(v, info_members[i].name);
        if (v.len == 0)
            continue;
        buf_addf(out, "%s\"%s\":", comma, info_members[i].as);
        buf_add(out, v.at, v.len);
        comma = ",";
    }
    buf_add_char(out, '}');
}
