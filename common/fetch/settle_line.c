// SPDX-License-Identifier: MIT
#include "common/fetch/settle_line.h"

#include <string.h>

#include "common/faktory/faktory.h"
#include "common/faktory/jid.h"
#include "common/json/json_write.h"

enum {
    COMMAND_END = 4,   /* ",", "]", CR, LF */
    ERRTYPE_MAX = 100, /* where Faktory cuts */
    MESSAGE_MAX = 1000,
};

void settle_line_ack(struct buf *line, const char *jid)
{
    buf_add_str(line, "ACK {\"jid\":");
    json_write_cstr(line, jid);
    buf_add_str(line, "}\r\n");
}

void settle_line_fail(struct buf *line, const char *jid, const char *errtype, const char *message)
{
    buf_add_str(line, "FAIL {\"jid\":");
    json_write_cstr(line, jid);
    buf_add_str(line, ",\"errtype\":");
    json_write_string(line, errtype, strnlen(errtype, ERRTYPE_MAX));
    buf_add_str(line, ",\"message\":");
    json_write_string(line, message, strnlen(message, MESSAGE_MAX));
    buf_add_str(line, ",\"backtrace\":[]}\r\n");
}

static const char kill_begin[] =
    "MUTATE {\"cmd\":\"kill\",\"target\":\"retries\",\"filter\":{\"jids\":[";

void settle_line_kill_begin(struct buf *line)
{
    buf_add_str(line, kill_begin);
}

void settle_line_kill_add(struct buf *line, const char *jid)
{
    if (line->len > sizeof kill_begin - 1)
        buf_add_char(line, ',');
    json_write_unblank(line, jid, strlen(jid));
}

void settle_line_kill_end(struct buf *line)
{
    buf_add_str(line, "]}}\r\n");
}

void settle_line_copy(struct buf *line, const struct job *job)
{
    char jid[JID_CHARS + 1];

    jid_make(jid);
    buf_add_str(line, "PUSHB [");
    job_write_copy(line, job, jid);
    buf_add_str(line, "]\r\n");
}

size_t settle_line_store(struct buf *line, const struct buf *texts, size_t from)
{
    const char *at = texts->data + from, *end = texts->data + texts->len;

    buf_add_str(line, "PUSHB [");
    for (unsigned n = 0; at < end && n < FAKTORY_COMMAND_JOBS_MAX; n++) {
        const char *text_end = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)(text_end - at);

        if (n > 0 && line->len + len + COMMAND_END > FAKTORY_COMMAND_BYTES_MAX)
            break;
        if (n > 0)
            buf_add_char(line, ',');
        buf_add(line, at, len);
        at = text_end + 1;
    }
    buf_add_str(line, "]\r\n");
    return (size_t)(at - texts->data);
}
