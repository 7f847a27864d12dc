// SPDX-License-Identifier: MIT
#include "common/pack/verdict.h"

#include <string.h>

#include "common/json/json_write.h"

enum { ERRTYPE_MAX = 100, MESSAGE_MAX = 1000 }; /* where Faktory cuts */

static const char key_of_verdict[] = "wf_failed";

void verdict_fini(struct verdict *v)
{
    buf_fini(&v->errtype);
    buf_fini(&v->message);
}

/* Appends the members of an object but one, each followed by a comma. */
static void write_others(struct buf *out, struct json_slice object, const char *but)
{
    struct json_iter it = json_iter(object);
    struct json_slice key, value;

    while (json_next_member(&it, &key, &value)) {
        if (json_string_is(key, but))
            continue;
        buf_add(out, key.at, key.len);
        buf_add_char(out, ':');
        buf_add(out, value.at, value.len);
        buf_add_char(out, ',');
    }
}

void verdict_write(struct buf *out, const struct job *job, const char *errtype, const char *message,
                   bool permanent)
{
    buf_add_char(out, '{');
    write_others(out, job->text, "custom");
    buf_add_str(out, "\"custom\":{");
    write_others(out, job->custom, key_of_verdict);
    buf_addf(out, "\"%s\":{\"errtype\":", key_of_verdict);
    json_write_string(out, errtype, strnlen(errtype, ERRTYPE_MAX));
    buf_add_str(out, ",\"message\":");
    json_write_string(out, message, strnlen(message, MESSAGE_MAX));
    buf_addf(out, ",\"permanent\":%s}}}", permanent ? "true" : "false");
}

bool verdict_read(const struct job *job, struct verdict *v)
{
    struct json_slice said;

    if (job->attempt != 1 || job->custom.len == 0)
        return false;
    said = json_member(job->custom, key_of_verdict);
    if (json_type(said) != JSON_OBJECT)
        return false;
    *v = (struct verdict){.errtype = BUF_INIT(0), .message = BUF_INIT(0)};
    if (json_read_string(json_member(said, "errtype"), &v->errtype) == 0 &&
        json_read_string(json_member(said, "message"), &v->message) == 0 &&
        json_read_bool(json_member(said, "permanent"), &v->permanent) == 0)
        return true;
    verdict_fini(v);
    return false;
}
