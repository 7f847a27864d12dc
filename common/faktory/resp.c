// SPDX-License-Identifier: MIT
#include "common/faktory/resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

/*
 * `in` holds what came and was not taken yet, from `at` on. A bulk reply is handed out as soon as
 * its body is complete; its CRLF, which Faktory sends in a segment of its own, is `owed` and
 * skipped later. A long line is kept only up to RESP_LINE_MAX: `skipping` drops the rest of it.
 */
struct resp_reader {
    struct buf in;
    size_t at;      /* first byte not taken */
    size_t scanned; /* no LF in [at, scanned) */
    size_t owed;    /* bytes of CRLF still to come behind a bulk body */
    size_t body;    /* length of the bulk body being read */
    bool in_body;
    bool skipping;
    bool broken;
};

struct resp_reader *resp_new(void)
{
    return calloc(1, sizeof(struct resp_reader));
}

void resp_free(struct resp_reader *r)
{
    if (!r)
        return;
    buf_fini(&r->in);
    free(r);
}

char *resp_room(struct resp_reader *r, size_t least, size_t *room)
{
    char *to;

    buf_consume(&r->in, r->at);
    r->scanned -= r->at;
    r->at = 0;
    if (r->in_body && r->body > r->in.len && r->body - r->in.len > least)
        least = r->body - r->in.len;
    to = buf_reserve(&r->in, least);
    *room = to ? r->in.cap - r->in.len - 1 : 0;
    return to;
}

void resp_fed(struct resp_reader *r, size_t n)
{
    buf_commit(&r->in, n);
}

static int broken(struct resp_reader *r, struct err_text *why, const char *what)
{
    r->broken = true;
    return err_set(why, ERR_PROTOCOL, "not a Faktory reply: %s", what);
}

/* The CRLF behind a bulk body. 1: gone, 0: more to come. */
static int take_owed(struct resp_reader *r, struct err_text *why)
{
    static const char crlf[] = "\r\n";

    while (r->owed > 0 && r->at < r->in.len) {
        if (r->in.data[r->at] != crlf[2 - r->owed])
            return broken(r, why, "no line end behind a bulk body");
        r->at++;
        r->owed--;
    }
    if (r->scanned < r->at)
        r->scanned = r->at;
    return r->owed == 0;
}

/* Digits of "$n" to a length; -1 for "-1", -2 when malformed or too large. */
static long bulk_length(const char *text, size_t len)
{
    long n = 0;

    if (len == 2 && text[0] == '-' && text[1] == '1')
        return -1;
    if (len == 0 || len > 9)
        return -2;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -2;
        n = n * 10 + (text[i] - '0');
    }
    return n <= RESP_BULK_MAX ? n : -2;
}

/* The body of a bulk reply, once it is whole. */
static int take_body(struct resp_reader *r, struct resp_reply *reply)
{
    if (r->in.len - r->at < r->body)
        return 0;
    *reply = (struct resp_reply){RESP_BULK, r->in.data ? r->in.data + r->at : "", r->body};
    r->at += r->body;
    r->scanned = r->at;
    r->in_body = false;
    r->owed = 2;
    return 1;
}

/* A line without its end, or its first part when it is too long. */
static int take_line(struct resp_reader *r, const char *line, size_t len, struct resp_reply *reply,
                     struct err_text *why)
{
    long n;

    if (len == 0)
        return broken(r, why, "an empty line");
    if (line[0] == '+' || line[0] == '-') {
        *reply = (struct resp_reply){line[0] == '+' ? RESP_STATUS : RESP_ERROR, line + 1,
                                     len - 1 < RESP_LINE_MAX ? len - 1 : RESP_LINE_MAX};
        return 1;
    }
    if (line[0] != '$')
        return broken(r, why, "a line that starts with none of + - $");
    n = bulk_length(line + 1, len - 1);
    if (n == -2)
        return broken(r, why, "a bulk length that is no number or too large");
    if (n == -1) {
        *reply = (struct resp_reply){RESP_NIL, "", 0};
        return 1;
    }
    r->in_body = true;
    r->body = (size_t)n;
    return take_body(r, reply);
}

/* Keeps the memory bounded while a long line comes in: its tail is dropped as it arrives. */
static int trim_long_line(struct resp_reader *r, struct err_text *why)
{
    size_t keep = r->at + RESP_LINE_MAX + 1;

    if (r->in.len <= keep)
        return 0;
    if (r->in.data[r->at] != '-' && r->in.data[r->at] != '+')
        return broken(r, why, "a line without an end");
    r->skipping = true;
    r->in.len = keep;
    r->scanned = keep;
    return 0;
}

int resp_next(struct resp_reader *r, struct resp_reply *reply, struct err_text *why)
{
    char *lf;
    size_t line, end, next;

    if (r->broken)
        return err_set(why, ERR_PROTOCOL, "not a Faktory reply");
    if (r->owed > 0) {
        int gone = take_owed(r, why);

        if (gone <= 0)
            return gone;
    }
    if (r->in_body)
        return take_body(r, reply);
    if (r->scanned >= r->in.len)
        return 0;
    lf = memchr(r->in.data + r->scanned, '\n', r->in.len - r->scanned);
    if (!lf) {
        r->scanned = r->in.len;
        return trim_long_line(r, why);
    }
    line = r->at;
    next = (size_t)(lf - r->in.data) + 1;
    end = r->skipping ? r->at + RESP_LINE_MAX + 1 : next - 1;
    if (!r->skipping && end > line && lf[-1] == '\r')
        end--;
    r->skipping = false;
    r->at = r->scanned = next;
    return take_line(r, r->in.data + line, end - line, reply, why);
}

bool resp_is(const struct resp_reply *reply, enum resp_kind kind, const char *text)
{
    return reply->kind == kind && reply->len == strlen(text) &&
           memcmp(reply->text, text, reply->len) == 0;
}

bool resp_is_ok(const struct resp_reply *reply)
{
    return resp_is(reply, RESP_STATUS, "OK");
}

bool resp_holds(const struct resp_reply *reply, const char *text)
{
    return memmem(reply->text, reply->len, text, strlen(text)) != NULL;
}

void resp_show(const struct resp_reply *reply, char *out, size_t room)
{
    static const char *const signs[] = {"+", "-", "", "nothing"};
    int n = snprintf(out, room, "%s%.*s", signs[reply->kind],
                     (int)(reply->len < room ? reply->len : room), reply->text);

    for (int i = 0; i < n && (size_t)i < room - 1; i++)
        if ((unsigned char)out[i] < ' ')
            out[i] = ' ';
}
