// SPDX-License-Identifier: MIT
/*
 * wf batch - stores the jobs of a file of JSON lines, chunk by chunk, and can be interrupted and
 * repeated: what is done is in the journal. What happens to a chunk is sender.c.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/wf/commands.h"
#include "tools/wf/sender.h"
#include "tools/wf/spans.h"
#include "tools/wf/stop.h"
#include "tools/wf/wf.h"

enum {
    CHUNK_DEFAULT = 1000,
    CHUNK_MOST = 20000,
    CHUNK_BYTES = 4 << 20, /* half of what API_BODY_MAX allows by default */
    GIVE_UP_MS = 300000,
    GIVE_UP_MOST_MS = 7 * 24 * 3600 * 1000,
    PACK_MOST = FAKTORY_COMMAND_JOBS_MAX, /* as the API has it */
};

/* One run. */
struct batch {
    struct wf *wf;
    const char *path; /* of the input, "-" */
    const char *base; /* of the names of the files beside it */
    struct buf journal_path;
    int64_t chunk_lines;
    struct lines *lines;
    struct journal_past past;
    struct chunk chunk;
    struct sender sender;
    struct report report;
    bool ended; /* the input was read to its end */
};

/* ---- the command line ---- */

static int read_options(struct batch *b)
{
    const struct args *a = &b->wf->args;
    struct err_text why;

    b->chunk_lines = CHUNK_DEFAULT;
    b->sender.give_up_ms = GIVE_UP_MS;
    b->sender.timeout_ms = b->wf->settings.timeout_ms;
    if (args_int(a, "chunk", 1, CHUNK_MOST, &b->chunk_lines, &why) != 0 ||
        args_int(a, "pack", 1, PACK_MOST, &b->sender.pack, &why) != 0 ||
        args_ms(a, "give-up", 0, GIVE_UP_MOST_MS, &b->sender.give_up_ms, &why) != 0)
        return wf_wrong(b->wf, "%s", why.text);
    b->path = a->argv[0];
    b->base = strcmp(b->path, "-") == 0 ? "stdin" : b->path;
    if (args_given(a, "progress"))
        buf_add_str(&b->journal_path, args_given(a, "progress"));
    else if (strcmp(b->path, "-") != 0)
        buf_addf(&b->journal_path, "%s.progress", b->path);
    if (leftover_init(&b->sender.rejected, b->base, ".rejected") != 0 ||
        leftover_init(&b->sender.unknown, b->base, ".unknown") != 0 || b->journal_path.failed)
        return wf_wrong(b->wf, "out of memory");
    return WF_DONE;
}

/* ---- where an earlier run ended ---- */

static int changed(struct batch *b)
{
    return wf_wrong(
        b->wf,
        "%s is not the file that %s is about: it has changed. To send it from its first "
        "line, remove %s; to go on, put the old file back",
        b->base, buf_str(&b->journal_path), buf_str(&b->journal_path));
}

/* Without a journal that explains them, such files are of another run, and would be mixed up. */
static int check_leftovers(struct batch *b)
{
    const struct leftover *const both[] = {&b->sender.rejected, &b->sender.unknown};

    for (size_t i = 0; i < 2; i++)
        if (leftover_exists(both[i]))
            return wf_wrong(
                b->wf,
                "%s is there, from another run: move it away first, it holds lines that "
                "nobody has dealt with",
                both[i]->path);
    return WF_DONE;
}

/* Takes a line along, unless it is blank. 0 or ERR_NOMEM. */
static int add_line(struct batch *b, const struct line *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (!strchr(" \t\r", line->text[i]) || line->text[i] == '\0')
            return chunk_add(&b->chunk, line->number, line->text, line->len);
    return 0;
}

/* Reads on to the end of the latest chunk and takes its lines along. 0, or an exit code. */
static int read_past_lines(struct batch *b)
{
    struct line line = {.number = 0};
    struct err_text why = {""};
    int code = 1;

    while (line.number < b->past.last && (code = lines_next(b->lines, &line, &why)) == 1)
        if (line.number >= b->past.first && add_line(b, &line) != 0)
            return wf_wrong(b->wf, "out of memory");
    if (code == ERR_STOPPED)
        return WF_NOT_DONE;
    if (code < 0)
        return wf_wrong(b->wf, "%s", why.text);
    return code == 0 ? changed(b) : WF_DONE;
}

static int go_on(struct batch *b)
{
    char hash[LINES_HASH_CHARS + 1];
    int code = b->past.size == lines_size(b->lines) ? read_past_lines(b) : changed(b);

    if (code != WF_DONE)
        return code;
    lines_hash(b->lines, hash);
    if (b->past.last > 0 &&
        (lines_offset(b->lines) != b->past.offset || strcmp(hash, b->past.hash) != 0))
        return changed(b);
    b->sender.tally = (struct tally){
        .stored = b->past.stored, .refused = b->past.refused, .unknown = b->past.unknown};
    journal_apply(&b->past, &b->chunk);
    if (b->past.ended) {
        out_note(&b->wf->out, "all lines of %s are done; remove %s to send it again", b->base,
                 buf_str(&b->journal_path));
        b->ended = true;
    } else
        out_note(&b->wf->out, "going on after line %" PRId64 " of %s", b->past.last, b->base);
    return WF_DONE;
}

static int start(struct batch *b)
{
    struct err_text why;
    int code;

    if (!(b->lines = lines_open(b->path, &why)))
        return wf_wrong(b->wf, "%s", why.text);
    if (b->journal_path.len > 0 &&
        !(b->sender.journal = journal_open(buf_str(&b->journal_path), &b->past, &why)))
        return wf_wrong(b->wf, "%s", why.text);
    if (b->past.any)
        return go_on(b);
    if ((code = check_leftovers(b)) != WF_DONE)
        return code;
    if (journal_begin(b->sender.journal, lines_size(b->lines), &why) != 0)
        return wf_wrong(b->wf, "%s", why.text);
    return WF_DONE;
}

/* ---- chunk after chunk ---- */

/* Reads the next chunk. SENDER_DONE; SENDER_STOPPED; SENDER_BROKEN with `why`. */
static enum sender_end read_chunk(struct batch *b)
{
    struct err_text *why = &b->sender.why;
    struct line line;
    int64_t first = 0, last = 0;
    int code = 1;

    chunk_clear(&b->chunk);
    while (b->chunk.n < (size_t)b->chunk_lines && b->chunk.text.len < CHUNK_BYTES &&
           (code = lines_next(b->lines, &line, why)) == 1) {
        first = first ? first : line.number;
        last = line.number;
        if (add_line(b, &line) != 0) {
            code = err_set(why, ERR_NOMEM, "out of memory for a chunk");
            break;
        }
    }
    b->ended = code == 0;
    /* Lines that were read before a signal, or before a line that is none, are still sent. */
    if (code < 0 && (code != ERR_FULL || b->chunk.n == 0))
        return code == ERR_STOPPED ? SENDER_STOPPED : SENDER_BROKEN;
    if (first > 0 && journal_chunk(b->sender.journal, first, b->lines, last, why) != 0)
        return SENDER_BROKEN;
    return SENDER_DONE;
}

static enum sender_end send_all(struct batch *b)
{
    enum sender_end end = sender_bury(&b->sender, &b->chunk);

    report_start(&b->report, lines_offset(b->lines), &b->sender.tally);
    if (end == SENDER_DONE)
        end = sender_send(&b->sender, &b->chunk);
    while (end == SENDER_DONE && !b->ended) {
        if (stop_asked())
            return SENDER_STOPPED;
        if ((end = read_chunk(b)) == SENDER_DONE)
            end = sender_send(&b->sender, &b->chunk);
        report_progress(&b->report, lines_offset(b->lines), &b->sender.tally);
    }
    if (end == SENDER_DONE && !b->past.ended && journal_end(b->sender.journal, &b->sender.why) != 0)
        end = SENDER_BROKEN;
    return end;
}

/* ---- the end ---- */

static int say_why(struct batch *b, enum sender_end end)
{
    const struct err_text *why = &b->sender.why;

    switch (end) {
    case SENDER_DONE:
        return WF_DONE;
    case SENDER_STOPPED:
        out_error(&b->wf->out, "stopped by a signal");
        return WF_NOT_DONE;
    case SENDER_GAVE_UP:
        return wf_api_away(b->wf, why);
    case SENDER_STRANGE:
        out_error(&b->wf->out,
                  "%s does not take jobs: %s; is that api-service? (WF_API_URL, --api)",
                  b->wf->settings.api_url, why->text);
        return WF_AWAY;
    case SENDER_BROKEN:
        break;
    }
    return wf_wrong(b->wf, "%s", why->text);
}

/* Where the same command would go on: the journal knows, and without one a person must. */
static void say_what_is_left(struct batch *b)
{
    struct spans open = {.n = 0};

    if (b->sender.journal) {
        out_note(&b->wf->out, "not all lines were sent: the same command goes on from there");
        return;
    }
    for (size_t i = 0; i < b->chunk.n; i++)
        if (b->chunk.lines[i].state == LINE_OPEN)
            spans_add(&open, b->chunk.lines[i].number);
    out_error(&b->wf->out, "not sent: %s%s%s", open.n > 0 ? "lines " : "", spans_text(&open),
              open.n > 0 ? ", and all that follow" : "all lines that follow");
    spans_fini(&open);
}

static int finish(struct batch *b, enum sender_end end)
{
    const struct tally *t = &b->sender.tally;
    int code;

    report_end(&b->report, t, end == SENDER_DONE, b->sender.rejected.path, b->sender.unknown.path);
    if (end != SENDER_DONE)
        say_what_is_left(b);
    code = say_why(b, end);
    if (t->unknown > 0)
        return WF_UNKNOWN;
    return code == WF_DONE && t->refused > 0 ? WF_NOT_DONE : code;
}

int cmd_batch(struct wf *wf, int argc, char **argv)
{
    struct batch b = {.wf = wf, .past = {.size = -1}};
    int code;

    (void)argc, (void)argv; /* read_options() reads them, with the options */
    b.sender.rejected.fd = b.sender.unknown.fd = -1;
    b.sender.report = &b.report;
    stop_catch();
    code = read_options(&b);
    if (code == WF_DONE)
        code = start(&b);
    if (code == WF_DONE) {
        b.report.out = &wf->out;
        b.report.name = b.base;
        b.report.size = lines_size(b.lines);
        b.sender.http = wf_http(wf);
        code = b.sender.http ? finish(&b, send_all(&b)) : WF_NOT_DONE;
    }
    journal_close(b.sender.journal);
    journal_past_fini(&b.past);
    sender_fini(&b.sender);
    lines_close(b.lines);
    chunk_fini(&b.chunk);
    buf_fini(&b.journal_path);
    return code;
}
