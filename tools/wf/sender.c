// SPDX-License-Identifier: MIT
#include "tools/wf/sender.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "tools/wf/spans.h"
#include "tools/wf/stop.h"

enum { WAIT_FIRST_MS = 200, WAIT_MOST_MS = 5000, SAY_EVERY_MS = 30000 };

/* ---- deciding lines ---- */

static void decide(struct sender *s, struct chunk *c, size_t index, enum line_state state)
{
    struct chunk_line *line = &c->lines[index];

    line->state = state;
    if (state == LINE_STORED)
        s->tally.stored++;
    else if (state == LINE_REFUSED) {
        s->tally.refused++;
        leftover_add(&s->rejected, chunk_text(c, index), line->len);
    } else if (state == LINE_UNKNOWN) {
        s->tally.unknown++;
        leftover_add(&s->unknown, chunk_text(c, index), line->len);
    }
}

static void refuse(struct sender *s, struct chunk *c, size_t index, const char *field,
                   const char *why)
{
    report_refused(s->report, c->lines[index].number, field, why);
    decide(s, c, index, LINE_REFUSED);
}

/* Leftovers first, then the journal: what the journal calls refused can be found. */
static enum sender_end record(struct sender *s, const struct chunk *c)
{
    if (leftover_sync(&s->rejected, &s->why) == 0 && leftover_sync(&s->unknown, &s->why) == 0 &&
        journal_states(s->journal, c, s->sent, s->n_sent, &s->why) == 0)
        return SENDER_DONE;
    return SENDER_BROKEN;
}

static void report_unknowns(struct sender *s, const struct chunk *c, const char *why)
{
    struct spans spans = {.n = 0};

    for (size_t i = 0; i < s->n_sent; i++)
        if (c->lines[s->sent[i]].state == LINE_UNKNOWN)
            spans_add(&spans, c->lines[s->sent[i]].number);
    if (spans.n > 0)
        report_unknown(s->report, spans_text(&spans), why);
    spans_fini(&spans);
}

/* ---- what an answer says of single lines ---- */

static void text_of(struct json_slice object, const char *name, struct buf *out)
{
    buf_clear(out);
    (void)json_read_string(json_member(object, name), out);
}

/* Calls `judge` for each item of a list of {"index",...}; how many there were. */
static size_t each_item(struct sender *s, struct chunk *c, const struct answer *a, const char *list,
                        void (*judge)(struct sender *, struct chunk *, size_t, struct json_slice,
                                      const struct answer *))
{
    struct json_slice items =
        json_type(a->root) == JSON_OBJECT ? json_member(a->root, list) : a->root;
    struct json_slice item;
    size_t n = 0;

    if (json_type(items) != JSON_ARRAY)
        return 0;
    for (struct json_iter it = json_iter(items); json_next_item(&it, &item);) {
        int64_t index = -1;

        if (json_type(item) != JSON_OBJECT ||
            json_read_int64(json_member(item, "index"), &index) != 0 || index < 0 ||
            (uint64_t)index >= s->n_sent || c->lines[s->sent[index]].state != LINE_SENT)
            continue;
        judge(s, c, s->sent[index], item, a);
        n++;
    }
    return n;
}

/* An item of "errors" of a 400. */
static void judge_error(struct sender *s, struct chunk *c, size_t index, struct json_slice item,
                        const struct answer *a)
{
    struct buf field = BUF_INIT(0), why = BUF_INIT(0);

    (void)a;
    text_of(item, "field", &field);
    text_of(item, "error", &why);
    refuse(s, c, index, buf_str(&field), buf_str(&why));
    buf_fini(&field);
    buf_fini(&why);
}

/* An item of "failed" of a 502, 503 or 504: not stored, or unknown. The status is that of the
 * worst, so only with 502 is it sure that "no" means a refusal; else it is found out by sending it
 * again. */
static void judge_failed(struct sender *s, struct chunk *c, size_t index, struct json_slice item,
                         const struct answer *a)
{
    struct buf why = BUF_INIT(0);

    text_of(item, "error", &why);
    if (!json_string_is(json_member(item, "stored"), "no"))
        decide(s, c, index, LINE_UNKNOWN);
    else if (a->status == 502)
        refuse(s, c, index, "", buf_str(&why));
    else
        c->lines[index].state = LINE_OPEN;
    buf_fini(&why);
}

static void settle_sent(struct sender *s, struct chunk *c, enum line_state state)
{
    for (size_t i = 0; i < s->n_sent; i++)
        if (c->lines[s->sent[i]].state == LINE_SENT) {
            if (state == LINE_OPEN)
                c->lines[s->sent[i]].state = state;
            else
                decide(s, c, s->sent[i], state);
        }
}

/* ---- one request ---- */

/* Puts the open lines from..to into a request. 0 or ERR_NOMEM. */
static int gather(struct sender *s, struct chunk *c, size_t from, size_t to)
{
    s->n_sent = 0;
    buf_clear(&s->body);
    buf_add_str(&s->body, "{\"jobs\":[");
    for (size_t i = from; i < to; i++) {
        if (c->lines[i].state != LINE_OPEN)
            continue;
        if (s->n_sent > 0)
            buf_add_char(&s->body, ',');
        buf_add(&s->body, chunk_text(c, i), c->lines[i].len);
        s->sent[s->n_sent++] = i;
    }
    buf_add_str(&s->body, "]}");
    return s->body.failed ? ERR_NOMEM : 0;
}

/* Sends what gather() gathered. The journal says so before. */
static enum sender_end ask(struct sender *s, struct chunk *c, struct answer *a)
{
    char path[48] = "/jobs/batch";
    struct http_ask ask = {.method = "POST",
                           .path = path,
                           .body = s->body.data,
                           .len = s->body.len,
                           .timeout_ms = s->timeout_ms};

    if (s->pack > 0)
        snprintf(path, sizeof path, "/jobs/batch?pack=%" PRId64, s->pack);
    for (size_t i = 0; i < s->n_sent; i++)
        c->lines[s->sent[i]].state = LINE_SENT;
    if (record(s, c) != SENDER_DONE)
        return SENDER_BROKEN;
    answer_ask(s->http, &ask, a);
    return SENDER_DONE;
}

/* Takes in what an answer says; afterwards no line of the request is LINE_SENT, and those that are
 * to be sent again are LINE_OPEN. True: it is too much, or wrong as a whole; halves may be right.
 */
static bool take_in(struct sender *s, struct chunk *c, const struct answer *a)
{
    bool halve = a->fate == ANSWER_REFUSED && s->n_sent > 1;

    if (a->status >= 500 && each_item(s, c, a, "failed", judge_failed) > 0) {
        settle_sent(s, c, LINE_STORED); /* those that are not listed */
        report_unknowns(s, c, a->why.text);
        return false;
    }
    if (a->status == 400 && each_item(s, c, a, "errors", judge_error) > 0) {
        settle_sent(s, c, LINE_OPEN); /* nothing is stored while one is wrong */
        return false;
    }
    if (a->fate == ANSWER_REFUSED && !halve)
        refuse(s, c, s->sent[0], "", a->why.text);
    settle_sent(s, c,
                a->fate == ANSWER_STORED    ? LINE_STORED
                : a->fate == ANSWER_UNKNOWN ? LINE_UNKNOWN
                                            : LINE_OPEN);
    if (a->fate == ANSWER_UNKNOWN)
        report_unknowns(s, c, a->why.text);
    return halve;
}

/* ---- trouble ---- */

static void all_is_well(struct sender *s)
{
    s->trouble_ms = 0;
    s->backoff = (struct backoff){.first_ms = WAIT_FIRST_MS, .most_ms = WAIT_MOST_MS};
}

/* Nothing was stored, and it is not the lines' fault: waits, but not for ever. */
static enum sender_end wait_a_while(struct sender *s, const struct answer *a)
{
    int64_t now = clock_ms(), ms = backoff_next_ms(&s->backoff);

    if (s->trouble_ms == 0) {
        s->trouble_ms = now;
        s->said_ms = 0;
    }
    if (now - s->trouble_ms >= s->give_up_ms) {
        s->why = a->why;
        return SENDER_GAVE_UP;
    }
    if (a->retry_after_ms > ms)
        ms = a->retry_after_ms;
    if (ms > s->trouble_ms + s->give_up_ms - now)
        ms = s->trouble_ms + s->give_up_ms - now;
    if (s->said_ms == 0 || now - s->said_ms >= SAY_EVERY_MS) {
        s->said_ms = now;
        report_waiting(s->report, a->why.text, ms);
    }
    return stop_wait(now + ms) ? SENDER_STOPPED : SENDER_DONE;
}

/* ---- a chunk ---- */

static enum sender_end out_of_memory(struct sender *s)
{
    err_set(&s->why, 0, "out of memory for a request");
    return SENDER_BROKEN;
}

/* One request for what is open from..to, and what follows from its answer. */
static enum sender_end send_once(struct sender *s, struct chunk *c, bool *halve)
{
    struct answer a;
    uint64_t before = (uint64_t)s->tally.stored;

    *halve = false;
    if (ask(s, c, &a) != SENDER_DONE)
        return SENDER_BROKEN;
    *halve = take_in(s, c, &a);
    if (record(s, c) != SENDER_DONE)
        return SENDER_BROKEN;
    if (a.fate == ANSWER_STRANGE) {
        s->why = a.why;
        return SENDER_STRANGE;
    }
    if ((uint64_t)s->tally.stored > before || a.fate == ANSWER_REFUSED) {
        all_is_well(s);
        return SENDER_DONE;
    }
    return a.fate == ANSWER_LATER ? wait_a_while(s, &a) : SENDER_DONE;
}

/* Recursion: halves of halves, as deep as a chunk's size has bits. */
static enum sender_end send_span(struct sender *s, struct chunk *c, size_t from, size_t to)
{
    enum sender_end end = SENDER_DONE;
    bool halve = false;

    while (end == SENDER_DONE && !halve) {
        if (gather(s, c, from, to) != 0)
            return out_of_memory(s);
        if (s->n_sent == 0)
            return SENDER_DONE;
        if (stop_asked())
            return SENDER_STOPPED;
        end = send_once(s, c, &halve);
    }
    if (end == SENDER_DONE)
        end = send_span(s, c, from, from + (to - from) / 2);
    if (end == SENDER_DONE)
        end = send_span(s, c, from + (to - from) / 2, to);
    return end;
}

/* One line that is no JSON would spoil the request for all others. */
static enum sender_end refuse_what_is_no_object(struct sender *s, struct chunk *c)
{
    struct json_slice root;
    struct err_text why;

    s->n_sent = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->lines[i].state != LINE_OPEN)
            continue;
        if (json_check(chunk_text(c, i), c->lines[i].len, &root, &why) == 0) {
            if (json_type(root) == JSON_OBJECT)
                continue;
            err_set(&why, 0, "expected an object, got %s", json_type_name(json_type(root)));
        }
        s->sent[s->n_sent++] = i;
        refuse(s, c, i, "", why.text);
    }
    return s->n_sent > 0 ? record(s, c) : SENDER_DONE;
}

static int make_room(struct sender *s, size_t n)
{
    size_t *sent = s->room < n ? realloc(s->sent, n * sizeof *sent) : s->sent;

    if (!sent)
        return ERR_NOMEM;
    s->sent = sent;
    s->room = s->room < n ? n : s->room;
    return 0;
}

enum sender_end sender_send(struct sender *s, struct chunk *c)
{
    enum sender_end end;

    if (c->n == 0)
        return SENDER_DONE;
    if (make_room(s, c->n) != 0)
        return out_of_memory(s);
    if (s->trouble_ms == 0)
        all_is_well(s);
    end = refuse_what_is_no_object(s, c);
    return end == SENDER_DONE ? send_span(s, c, 0, c->n) : end;
}

enum sender_end sender_bury(struct sender *s, struct chunk *c)
{
    if (c->n > 0 && make_room(s, c->n) != 0)
        return out_of_memory(s);
    s->n_sent = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->lines[i].state == LINE_SENT)
            s->sent[s->n_sent++] = i;
    if (s->n_sent == 0)
        return SENDER_DONE;
    settle_sent(s, c, LINE_UNKNOWN);
    report_unknowns(s, c, "they were in flight when wf ended");
    return record(s, c);
}

void sender_fini(struct sender *s)
{
    leftover_fini(&s->rejected);
    leftover_fini(&s->unknown);
    buf_fini(&s->body);
    free(s->sent);
}
