// SPDX-License-Identifier: MIT
/*
 * journal - FILE.progress: what became of every line of a batch, on disk before and after each
 * request, so that the same command goes on where an interrupted one ended. Lines of text:
 *
 *   wf-batch 1 SIZE               of the file in bytes; -1: a pipe
 *   c FIRST LAST OFFSET HASH      a chunk: these lines; it ends there, and that is the SHA-256 of
 * all up to there s|S|R|U|o SPANS               what became of lines of the chunk: enum line_state
 * in chunk.h end                           all lines were read and decided
 *
 * Lines that are "s" and nothing after it were in flight when wf died: nobody knows of them. A last
 * line without its end of line was being written, and counts as not there.
 *
 * One at a time: it is locked while it is open.
 */
#ifndef TOOLS_WF_JOURNAL_H
#define TOOLS_WF_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "tools/wf/chunk.h"
#include "tools/wf/lines.h"

/* What the journal of an earlier run says. A plain value. */
struct journal_past {
    bool any;                         /* there was one */
    bool ended;                       /* it came to its end */
    int64_t size;                     /* of the file then */
    int64_t stored, refused, unknown; /* lines */
    int64_t first, last;              /* lines of the latest chunk; 0: none */
    int64_t offset;                   /* where it ends */
    char hash[LINES_HASH_CHARS + 1];  /* up to there */
    struct buf states;                /* records of the latest chunk, for journal_apply() */
};

struct journal;

/* Opens or makes it and reads what is there into *past. NULL with a sentence: it cannot be written,
 * another wf has it, or it is no journal. */
struct journal *journal_open(const char *path, struct journal_past *past, struct err_text *why);
void journal_close(struct journal *j); /* NULL is fine */
void journal_past_fini(struct journal_past *past);

/* Gives the lines of the latest chunk the states that were recorded; in flight stays LINE_SENT. */
void journal_apply(const struct journal_past *past, struct chunk *c);

/* Each of these is on disk when it returns. 0, or an error with a sentence. NULL as the journal:
 * there is none, and nothing is kept. */
int journal_begin(struct journal *j, int64_t size, struct err_text *why);
int journal_chunk(struct journal *j, int64_t first, const struct lines *l, int64_t last,
                  struct err_text *why);
int journal_end(struct journal *j, struct err_text *why);

/* Records the present state of lines of the chunk, given by their indexes, ascending. */
int journal_states(struct journal *j, const struct chunk *c, const size_t *indexes, size_t n,
                   struct err_text *why);

#endif
