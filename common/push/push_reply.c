// SPDX-License-Identifier: MIT
#include "common/push/push_reply.h"

#include <stdio.h>
#include <string.h>

/*
 * Texts of Faktory 1.9 that say that a job surely was not stored. Everything else (a deadline
 * inside Faktory, a Redis error) leaves it open: Redis may have carried the command out.
 */
static const struct {
    const char *text;
    enum push_outcome outcome;
} certain[] = {
    {"invalid JSON", PUSH_REFUSED},      {"jobs must have", PUSH_REFUSED},
    {"jobs cannot be", PUSH_REFUSED},    {"invalid timestamp", PUSH_REFUSED},
    {"queue names must", PUSH_REFUSED},  {"shutdown in progress", PUSH_AWAY},
    {"too many connections", PUSH_AWAY},
};

static enum push_outcome classify(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof certain / sizeof certain[0]; i++)
        if (memmem(text, len, certain[i].text, strlen(certain[i].text)))
            return certain[i].outcome;
    return PUSH_UNKNOWN;
}

void push_reply_read(struct push_reply *out, const struct resp_reply *reply)
{
    char shown[200];

    memset(out, 0, sizeof *out);
    if (resp_is(reply, RESP_BULK, "{}")) {
        out->all_stored = true;
        return;
    }
    if (reply->kind == RESP_BULK && json_check(reply->text, reply->len, &out->errors, NULL) == 0 &&
        json_type(out->errors) == JSON_OBJECT)
        return;
    out->errors = (struct json_slice){NULL, 0};
    out->outcome = reply->kind == RESP_ERROR ? classify(reply->text, reply->len) : PUSH_UNKNOWN;
    resp_show(reply, shown, sizeof shown);
    err_set(&out->why, ERR_REFUSED, "Faktory answered %s", shown);
}

enum push_outcome push_reply_outcome(const struct push_reply *r, const char *jid,
                                     struct err_text *why)
{
    struct json_slice error;
    struct buf text = BUF_INIT(64 << 10);
    enum push_outcome outcome;

    if (r->all_stored)
        return PUSH_STORED;
    if (r->errors.len == 0) {
        *why = r->why;
        return r->outcome;
    }
    error = json_member(r->errors, jid);
    if (json_type(error) == JSON_ABSENT)
        return PUSH_STORED;
    (void)json_read_string(error, &text);
    outcome = classify(buf_str(&text), text.len);
    err_set(why, ERR_REFUSED, "Faktory answered %s", buf_str(&text));
    buf_fini(&text);
    return outcome;
}
