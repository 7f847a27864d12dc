// SPDX-License-Identifier: MIT
#include "common/faktory/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/faktory/job_read.h"
#include "common/json/json_write.h"

static const char first_jid_key[] = "wf_jid";

static void add_slice(struct buf *out, const char *name, struct json_slice value)
{
    if (value.len == 0)
        return;
    buf_add_str(out, name);
    buf_add(out, value.at, value.len);
}

void job_write(struct buf *out, const struct job_spec *spec)
{
    buf_add_str(out, "{\"jid\":");
    json_write_cstr(out, spec->jid);
    buf_add_str(out, ",\"jobtype\":");
    json_write_cstr(out, spec->type);
    buf_add_str(out, ",\"queue\":");
    json_write_cstr(out, spec->queue);
    add_slice(out, ",\"args\":", spec->args);
    buf_add_str(out, ",\"retry\":");
    json_write_int(out, spec->retry);
    buf_add_str(out, ",\"reserve_for\":");
    json_write_int(out, spec->reserve_for_s);
    if (spec->at) {
        buf_add_str(out, ",\"at\":");
        json_write_cstr(out, spec->at);
    }
    add_slice(out, ",\"custom\":", spec->custom);
    buf_add_char(out, '}');
}

int job_check_queue_name(const char *name, struct err_text *why)
{
    static const char *const reserved[] = {"retries", "scheduled", "dead",     "working", "queues",
                                           "paused",  "processed", "failures", "v"};
    size_t len = strlen(name);

    if (len == 0 || len > JOB_QUEUE_NAME_MAX)
        return err_set(why, ERR_INVALID, "expected a queue name of 1 to %d characters",
                       JOB_QUEUE_NAME_MAX);
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              strchr("._-", *c)))
            return err_set(why, ERR_INVALID,
                           "expected a queue name of letters, digits, \".\", \"_\" and \"-\"");
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(name, reserved[i]) == 0)
            return err_set(why, ERR_INVALID, "\"%s\" is a name that Faktory uses itself", name);
    return 0;
}

/* The members of a payload that are read, and the others that a copy must keep. */
struct members {
    struct json_slice jid, type, queue, args, custom, reserve_for, retry, failure, created_at,
        backtrace;
};

static const struct {
    const char *name;
    size_t offset;
} member_table[] = {
    {"jid", offsetof(struct members, jid)},
    {"jobtype", offsetof(struct members, type)},
    {"queue", offsetof(struct members, queue)},
    {"args", offsetof(struct members, args)},
    {"custom", offsetof(struct members, custom)},
    {"reserve_for", offsetof(struct members, reserve_for)},
    {"retry", offsetof(struct members, retry)},
    {"failure", offsetof(struct members, failure)},
    {"created_at", offsetof(struct members, created_at)},
    {"backtrace", offsetof(struct members, backtrace)},
};

static void find_members(struct json_slice payload, struct members *m)
{
    struct json_iter it = json_iter(payload);
    struct json_slice key, value;

    memset(m, 0, sizeof *m);
    while (json_next_member(&it, &key, &value))
        for (size_t i = 0; i < sizeof member_table / sizeof member_table[0]; i++)
            if (json_string_is(key, member_table[i].name)) {
                if (json_type(value) != JSON_NULL)
                    *(struct json_slice *)((char *)m + member_table[i].offset) = value;
                break;
            }
}

static int check_members(const struct members *m, struct err_text *why)
{
    if (json_type(m->jid) != JSON_STRING || json_type(m->type) != JSON_STRING)
        return err_set(why, ERR_PROTOCOL, "not a job: jid and jobtype must be strings");
    if (json_type(m->queue) != JSON_STRING && json_type(m->queue) != JSON_ABSENT)
        return err_set(why, ERR_PROTOCOL, "not a job: queue must be a string");
    if (json_type(m->args) != JSON_ARRAY)
        return err_set(why, ERR_PROTOCOL, "not a job: args must be an array");
    return 0;
}

/* Decodes a string member to a C string at *to and moves behind it; a decoded string is never
 * longer than its source. */
static const char *put_string(char **to, struct json_slice value)
{
    char *start = *to;
    struct buf decoded = BUF_INIT(0);

    if (value.len > 0 && !memchr(value.at, '\\', value.len)) {
        memcpy(start, value.at + 1, value.len - 2);
        start[value.len - 2] = '\0';
        *to += value.len - 1;
        return start;
    }
    if (value.len > 0 && json_read_string(value, &decoded) == 0 && decoded.len > 0)
        memcpy(start, decoded.data, decoded.len);
    start[decoded.len] = '\0';
    *to += decoded.len + 1;
    buf_fini(&decoded);
    return start;
}

static int64_t read_int(struct json_slice value, int64_t fallback)
{
    int64_t n;

    return value.len > 0 && json_read_int64(value, &n) == 0 ? n : fallback;
}

/* Faktory counts retries from 0 at the first failure: no failure yet is attempt 1. Any producer may
 * have written the number. */
static int64_t attempt_of(struct json_slice failure)
{
    int64_t count;

    if (json_type(failure) != JSON_OBJECT)
        return 1;
    count = read_int(json_member(failure, "retry_count"), 0);
    return 2 + (count < 0 || count > INT32_MAX ? 0 : count);
}

int job_read(struct job *job, struct json_slice text, char **room, struct err_text *why)
{
    struct members m;

    if (json_type(text) != JSON_OBJECT)
        return err_set(why, ERR_PROTOCOL, "not a job: %s", json_type_name(json_type(text)));
    find_members(text, &m);
    if (check_members(&m, why) != 0)
        return ERR_PROTOCOL;
    job->text = text;
    job->args = m.args;
    job->custom = (struct json_slice){NULL, 0};
    if (json_type(m.custom) == JSON_OBJECT)
        job->custom = m.custom;
    job->jid = put_string(room, m.jid);
    job->type = put_string(room, m.type);
    job->queue = put_string(room, m.queue);
    job->reserve_for_s = read_int(m.reserve_for, 1800); /* what Faktory takes for none */
    job->retry = read_int(m.retry, JOB_RETRY_DEFAULT);
    job->attempt = attempt_of(m.failure);
    job->fetched_ms = clock_ms();
    return 0;
}

struct job *job_parse(const char *text, size_t len, struct err_text *why)
{
    struct json_slice root;
    struct job *job;
    char *copy, *room;

    if (json_check(text, len, &root, why) != 0)
        return NULL;
    job = malloc(sizeof *job + len + root.len + JOB_READ_STRINGS);
    if (!job) {
        err_set(why, ERR_NOMEM, "out of memory for a job");
        return NULL;
    }
    copy = (char *)(job + 1);
    memcpy(copy, text, len);
    root.at = copy + (root.at - text);
    room = copy + len;
    if (job_read(job, root, &room, why) == 0)
        return job;
    free(job);
    return NULL;
}

/* The end of the string that starts at `at` (a quote): behind its closing quote, or `end`. */
static const char *behind_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

/* The value of the payload's own "jid", with its quotes; text that is nearly JSON will do. */
static struct json_slice find_jid(const char *text, size_t len)
{
    static const char key[] = "\"jid\":\"";
    const char *end = text + len;
    int depth = 0;

    for (const char *at = text; at < end;) {
        if (depth == 1 && (size_t)(end - at) > sizeof key && memcmp(at, key, sizeof key - 1) == 0) {
            const char *value = at + sizeof key - 2;

            return (struct json_slice){value, (size_t)(behind_string(value, end) - value)};
        }
        if (*at == '"') {
            at = behind_string(at, end);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    }
    return (struct json_slice){NULL, 0};
}

struct job *job_salvage(const char *text, size_t len)
{
    struct json_slice jid = find_jid(text, len), checked;
    struct buf payload = BUF_INIT(0);
    struct job *job = NULL;

    if (jid.len > 2 && json_check(jid.at, jid.len, &checked, NULL) == 0) {
        buf_add_str(&payload, "{\"jobtype\":\"unreadable\",\"args\":[],\"jid\":");
        buf_add(&payload, jid.at, jid.len);
        buf_add_char(&payload, '}');
        if (!payload.failed)
            job = job_parse(payload.data, payload.len, NULL);
    }
    buf_fini(&payload);
    return job;
}

void job_free(struct job *job)
{
    free(job);
}

static struct json_slice first_jid_member(const struct job *job)
{
    struct json_slice none = {NULL, 0};

    return job->custom.len > 0 ? json_member(job->custom, first_jid_key) : none;
}

void job_first_jid(const struct job *job, struct buf *out)
{
    struct json_slice first = first_jid_member(job);

    if (json_type(first) == JSON_STRING)
        (void)json_read_string(first, out);
    else
        buf_add_str(out, job->jid);
}

/* The members of custom, with the first jid added unless it is there. */
static void write_custom(struct buf *out, const struct job *job)
{
    bool has_first = first_jid_member(job).len > 0;
    bool empty = job->custom.len == 0 || json_count(job->custom) == 0;

    buf_add_str(out, ",\"custom\":");
    if (has_first) {
        buf_add(out, job->custom.at, job->custom.len);
        return;
    }
    buf_addf(out, "{\"%s\":", first_jid_key);
    json_write_cstr(out, job->jid);
    if (empty)
        buf_add_char(out, '}');
    else {
        buf_add_char(out, ',');
        buf_add(out, job->custom.at + 1, job->custom.len - 1);
    }
}

void job_write_copy(struct buf *out, const struct job *job, const char *new_jid)
{
    struct members m;

    find_members(job->text, &m);
    buf_add_str(out, "{\"jid\":");
    json_write_cstr(out, new_jid);
    add_slice(out, ",\"jobtype\":", m.type);
    add_slice(out, ",\"queue\":", m.queue);
    add_slice(out, ",\"args\":", m.args);
    buf_addf(out, ",\"retry\":%" PRId64 ",\"reserve_for\":%" PRId64, job->retry,
             job->reserve_for_s);
    add_slice(out, ",\"created_at\":", m.created_at);
    add_slice(out, ",\"failure\":", m.failure);
    add_slice(out, ",\"backtrace\":", m.backtrace);
    write_custom(out, job);
    buf_add_char(out, '}');
}
