// SPDX-License-Identifier: MIT
#include "tools/wf/journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "tools/wf/disk.h"
#include "tools/wf/spans.h"

enum { READ_BYTES = 64 << 10, JOURNAL_BYTES_MAX = 1 << 30 };

static const char head[] = "wf-batch 1";

struct journal {
    int fd;
    char *path;
    struct buf text; /* of the record that is written */
};

/* ---- reading ---- */

static int64_t *total_of(struct journal_past *past, char state)
{
    switch (state) {
    case LINE_STORED:
        return &past->stored;
    case LINE_REFUSED:
        return &past->refused;
    case LINE_UNKNOWN:
        return &past->unknown;
    default:
        return NULL;
    }
}

static bool read_states(struct journal_past *past, const char *record)
{
    const char *at = record + 2;
    int64_t *total = total_of(past, record[0]), first, last;

    while (*at) {
        if (!spans_next(&at, &first, &last) || first < past->first || last > past->last)
            return false;
        if (total)
            *total += last - first + 1;
    }
    buf_addf(&past->states, "%s\n", record);
    return past->first > 0;
}

/* Takes a blank and a number off the record. */
static bool take_int(const char **at, int64_t *out)
{
    char *end;

    if (**at != ' ' || (!isdigit((unsigned char)(*at)[1]) && (*at)[1] != '-'))
        return false;
    errno = 0;
    *out = strtoll(*at + 1, &end, 10);
    *at = end;
    return errno == 0;
}

static bool read_chunk(struct journal_past *past, const char *record)
{
    const char *at = record + 1;
    int64_t before = past->last;

    if (!take_int(&at, &past->first) || !take_int(&at, &past->last) ||
        !take_int(&at, &past->offset) || *at != ' ' || strlen(at + 1) != LINES_HASH_CHARS)
        return false;
    memcpy(past->hash, at + 1, LINES_HASH_CHARS + 1);
    buf_clear(&past->states);
    return past->first > before && past->last >= past->first && past->offset > 0;
}

static bool read_head(struct journal_past *past, const char *record)
{
    const char *at = record + sizeof head - 1;

    past->any = strncmp(record, head, sizeof head - 1) == 0 && take_int(&at, &past->size) && !*at;
    return past->any;
}

static bool read_record(struct journal_past *past, const char *record)
{
    static const char states[] = {LINE_OPEN, LINE_SENT, LINE_STORED, LINE_REFUSED, LINE_UNKNOWN, 0};

    if (!past->any)
        return read_head(past, record);
    if (past->ended)
        return false;
    if (strcmp(record, "end") == 0)
        return (past->ended = true);
    if (record[0] == 'c')
        return read_chunk(past, record);
    return record[0] && strchr(states, record[0]) && record[1] == ' ' && read_states(past, record);
}

/* Reads whole lines; *good is where the last one ends. */
static int read_records(struct journal *j, struct journal_past *past, struct buf *text,
                        size_t *good, struct err_text *why)
{
    char *line = text->data, *end;
    long number = 1;

    for (; line && (end = strchr(line, '\n')) != NULL; line = end + 1, number++) {
        *end = '\0';
        if (!read_record(past, line))
            return err_set(why, ERR_INVALID,
                           "%s, line %ld: not understood; is that the journal of wf batch? "
                           "--progress names another file for it",
                           j->path, number);
        *good = (size_t)(end + 1 - text->data);
    }
    return past->states.failed ? err_set(why, ERR_NOMEM, "out of memory for %s", j->path) : 0;
}

static int read_file(struct journal *j, struct buf *text, struct err_text *why)
{
    for (;;) {
        char *to = buf_reserve(text, READ_BYTES);
        ssize_t n = to ? read(j->fd, to, READ_BYTES) : 0;

        if (!to)
            return err_set(why, ERR_NOMEM, "%s is too long", j->path);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(why, ERR_IO, "%s: %s", j->path, strerror(errno));
        if (n == 0)
            return 0;
        buf_commit(text, (size_t)n);
    }
}

static int read_past(struct journal *j, struct journal_past *past, struct err_text *why)
{
    struct buf text = BUF_INIT(JOURNAL_BYTES_MAX);
    size_t good = 0;
    int code = read_file(j, &text, why);

    if (code == 0)
        code = read_records(j, past, &text, &good, why);
    /* A torn last line goes: the next record must not be written behind it. */
    if (code == 0 && good < text.len && ftruncate(j->fd, (off_t)good) != 0)
        code = err_set(why, ERR_IO, "%s: %s", j->path, strerror(errno));
    buf_fini(&text);
    return code;
}

static int open_locked(struct journal *j, struct err_text *why)
{
    j->fd = open(j->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (j->fd < 0)
        return err_set(why, ERR_IO, "%s: %s; --progress names another place for it", j->path,
                       strerror(errno));
    if (flock(j->fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(why, ERR_IO, "%s: another wf batch is at it", j->path);
    return 0;
}

struct journal *journal_open(const char *path, struct journal_past *past, struct err_text *why)
{
    struct journal *j = calloc(1, sizeof *j);

    memset(past, 0, sizeof *past);
    if (!j) {
        err_set(why, ERR_NOMEM, "out of memory");
        return NULL;
    }
    j->fd = -1;
    j->path = strdup(path);
    if (j->path && open_locked(j, why) == 0 && read_past(j, past, why) == 0)
        return j;
    if (!j->path)
        err_set(why, ERR_NOMEM, "out of memory");
    journal_close(j);
    journal_past_fini(past);
    return NULL;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    buf_fini(&j->text);
    free(j->path);
    free(j);
}

void journal_past_fini(struct journal_past *past)
{
    buf_fini(&past->states);
}

void journal_apply(const struct journal_past *past, struct chunk *c)
{
    const char *record = buf_str(&past->states);

    for (; *record; record += strcspn(record, "\n") + 1) {
        const char *at = record + 2;
        int64_t first, last;

        while (spans_next(&at, &first, &last))
            chunk_mark(c, first, last, (enum line_state)record[0]);
    }
}

/* ---- writing ---- */

static int write_record(struct journal *j, struct err_text *why)
{
    int code = disk_append(j->fd, j->path, &j->text, why);

    buf_clear(&j->text);
    return code;
}

int journal_begin(struct journal *j, int64_t size, struct err_text *why)
{
    if (!j)
        return 0;
    buf_addf(&j->text, "%s %" PRId64 "\n", head, size);
    return write_record(j, why);
}

int journal_chunk(struct journal *j, int64_t first, const struct lines *l, int64_t last,
                  struct err_text *why)
{
    char hash[LINES_HASH_CHARS + 1];

    if (!j)
        return 0;
    lines_hash(l, hash);
    buf_addf(&j->text, "c %" PRId64 " %" PRId64 " %" PRId64 " %s\n", first, last, lines_offset(l),
             hash);
    return write_record(j, why);
}

int journal_end(struct journal *j, struct err_text *why)
{
    if (!j)
        return 0;
    buf_add_str(&j->text, "end\n");
    return write_record(j, why);
}

int journal_states(struct journal *j, const struct chunk *c, const size_t *indexes, size_t n,
                   struct err_text *why)
{
    static const enum line_state states[] = {LINE_SENT, LINE_STORED, LINE_REFUSED, LINE_UNKNOWN,
                                             LINE_OPEN};
    struct spans spans = {.n = 0};

    if (!j)
        return 0;
    for (size_t s = 0; s < sizeof states / sizeof states[0]; s++) {
        spans_clear(&spans);
        for (size_t i = 0; i < n; i++)
            if (c->lines[indexes[i]].state == states[s])
                spans_add(&spans, c->lines[indexes[i]].number);
        if (spans.n > 0)
            buf_addf(&j->text, "%c %s\n", (char)states[s], spans_text(&spans));
    }
    spans_fini(&spans);
    return write_record(j, why);
}
