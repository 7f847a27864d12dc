// SPDX-License-Identifier: MIT
#include "tools/wf/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/json/json_write.h"
#include "tools/wf/shown.h"

enum {
    BAR_EVERY_MS = 100,
    LINE_EVERY_MS = 5000,
    BAR_LEAST = 10,
    BAR_MOST = 40,
    BAR_TEXT = 56, /* what stands beside the bar */
    WIDTH_DEFAULT = 80,
};

/* ---- how fast ---- */

static int64_t lines_of(const struct tally *t)
{
    return t->stored + t->refused + t->unknown;
}

/* Lines a second in this run. */
static double rate_of(const struct report *r, const struct tally *t)
{
    int64_t ms = clock_ms() - r->start_ms;

    return ms > 0 ? (double)(lines_of(t) - r->start_lines) * 1000 / (double)ms : 0;
}

/* Seconds until the end at the rate of this run; -1: unknown. */
static int64_t seconds_left(const struct report *r, int64_t bytes)
{
    int64_t done = bytes - r->start_bytes;

    if (r->size < 0 || done <= 0)
        return -1;
    return (int64_t)((double)(clock_ms() - r->start_ms) / (double)done * (double)(r->size - bytes) /
                     1000);
}

static void write_left(char *out, size_t room, int64_t s)
{
    char text[SHOWN_MAX];

    if (s < 0)
        *out = '\0';
    else
        snprintf(out, room, ", %s left", shown_seconds(s, text));
}

/* ---- the bar ---- */

static void wipe(struct report *r)
{
    if (r->drawn)
        fputs("\r\033[K", stderr);
    r->drawn = false;
}

static int bar_width(void)
{
    struct winsize size = {.ws_col = WIDTH_DEFAULT};
    int width;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        size.ws_col = WIDTH_DEFAULT;
    width = size.ws_col - BAR_TEXT;
    return width < BAR_LEAST ? 0 : width > BAR_MOST ? BAR_MOST : width;
}

static void draw(struct report *r, int64_t bytes, const struct tally *t)
{
    char bar[BAR_MOST + 1] = "", left[SHOWN_MAX + 8];
    int width = r->size > 0 ? bar_width() : 0;
    int full = r->size > 0 ? (int)((double)bytes / (double)r->size * width) : 0;

    memset(bar, '.', (size_t)width);
    memset(bar, '#', (size_t)(full < width ? full : width));
    bar[width] = '\0';
    write_left(left, sizeof left, seconds_left(r, bytes));
    fprintf(stderr, "\r\033[K%s%s%s", width ? "[" : "", bar, width ? "] " : "");
    if (r->size > 0)
        fprintf(stderr, "%3d%% ", (int)((double)bytes * 100 / (double)r->size));
    fprintf(stderr, "%" PRId64 " lines, %.0f/s%s", lines_of(t), rate_of(r, t), left);
    (void)fflush(stderr);
    r->drawn = true;
}

/* ---- JSON ---- */

static void json_start(struct buf *json, const char *event)
{
    buf_addf(json, "{\"event\":\"%s\"", event);
}

static void json_text(struct buf *json, const char *name, const char *text)
{
    buf_addf(json, ",\"%s\":", name);
    json_write_cstr(json, text);
}

static void json_tally(struct buf *json, const struct tally *t)
{
    buf_addf(json, ",\"stored\":%" PRId64 ",\"refused\":%" PRId64 ",\"unknown\":%" PRId64,
             t->stored, t->refused, t->unknown);
}

static void json_say(const struct report *r, struct buf *json)
{
    buf_add_char(json, '}');
    out_json(r->out, json);
    buf_fini(json);
}

/* ---- the public side ---- */

void report_start(struct report *r, int64_t bytes, const struct tally *t)
{
    r->start_ms = r->said_ms = clock_ms();
    r->start_bytes = bytes;
    r->start_lines = lines_of(t);
}

void report_refused(struct report *r, int64_t line, const char *field, const char *why)
{
    struct buf json = BUF_INIT(0);

    wipe(r);
    if (!r->out->json) {
        out_error(r->out, "%s, line %" PRId64 ": refused: %s%s%s", r->name, line, field,
                  *field ? ": " : "", why);
        return;
    }
    json_start(&json, "refused");
    buf_addf(&json, ",\"line\":%" PRId64, line);
    json_text(&json, "field", field);
    json_text(&json, "error", why);
    json_say(r, &json);
}

void report_unknown(struct report *r, const char *spans, const char *why)
{
    struct buf json = BUF_INIT(0);

    wipe(r);
    if (!r->out->json) {
        out_error(r->out, "%s, line %s: unknown whether stored: %s", r->name, spans, why);
        return;
    }
    json_start(&json, "unknown");
    json_text(&json, "lines", spans);
    json_text(&json, "error", why);
    json_say(r, &json);
}

void report_waiting(struct report *r, const char *why, int64_t ms)
{
    struct buf json = BUF_INIT(0);

    wipe(r);
    if (!r->out->json) {
        out_note(r->out, "waiting %" PRId64 ".%" PRId64 " s: %s", ms / 1000, ms % 1000 / 100, why);
        return;
    }
    json_start(&json, "waiting");
    buf_addf(&json, ",\"ms\":%" PRId64, ms);
    json_text(&json, "error", why);
    json_say(r, &json);
}

void report_progress(struct report *r, int64_t bytes, const struct tally *t)
{
    bool bar = r->out->err_terminal && !r->out->json;
    struct buf json = BUF_INIT(0);
    char left[SHOWN_MAX + 8];

    if (r->out->quiet || clock_ms() - r->said_ms < (bar ? BAR_EVERY_MS : LINE_EVERY_MS))
        return;
    r->said_ms = clock_ms();
    if (bar) {
        draw(r, bytes, t);
        return;
    }
    if (!r->out->json) {
        write_left(left, sizeof left, seconds_left(r, bytes));
        out_note(r->out, "%" PRId64 " lines, %.0f/s%s", lines_of(t), rate_of(r, t), left);
        return;
    }
    json_start(&json, "progress");
    json_tally(&json, t);
    buf_addf(&json, ",\"rate\":%.0f,\"seconds_left\":%" PRId64, rate_of(r, t),
             seconds_left(r, bytes));
    json_say(r, &json);
}

static void say_end(const struct report *r, const struct tally *t, const char *rejected,
                    const char *unknown)
{
    int64_t ms = clock_ms() - r->start_ms;

    out_text(r->out, "%s%" PRId64 " stored%s, %" PRId64 " refused, %" PRId64 " unknown",
             out_on(r->out, OUT_BOLD), t->stored, out_off(r->out), t->refused, t->unknown);
    out_text(r->out, " (%" PRId64 ".%" PRId64 " s, %.0f/s)\n", ms / 1000, ms % 1000 / 100,
             rate_of(r, t));
    if (t->refused > 0)
        out_text(r->out, "refused lines are in %s: mend them and send that file\n", rejected);
    if (t->unknown > 0)
        out_text(r->out, "lines that may be stored are in %s: look before you send it\n", unknown);
}

void report_end(struct report *r, const struct tally *t, bool complete, const char *rejected,
                const char *unknown)
{
    struct buf json = BUF_INIT(0);

    wipe(r);
    if (!r->out->json) {
        say_end(r, t, rejected, unknown);
        return;
    }
    json_start(&json, "end");
    json_tally(&json, t);
    buf_addf(&json, ",\"complete\":%s", complete ? "true" : "false");
    json_text(&json, "rejected_file", t->refused > 0 ? rejected : NULL);
    json_text(&json, "unknown_file", t->unknown > 0 ? unknown : NULL);
    json_say(r, &json);
}
