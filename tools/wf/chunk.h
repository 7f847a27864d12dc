// SPDX-License-Identifier: MIT
/*
 * chunk - lines of a batch that are sent together, and what became of each. Pure data: who sends
 * them is sender.c, who remembers it on disk journal.c. One thread.
 */
#ifndef TOOLS_WF_CHUNK_H
#define TOOLS_WF_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/* The letters are those of the journal. */
enum line_state {
    LINE_OPEN = 'o',    /* not stored, to be sent */
    LINE_SENT = 's',    /* in a request that was not answered yet */
    LINE_STORED = 'S',  /* Faktory has it */
    LINE_REFUSED = 'R', /* not stored, and sending it again is useless */
    LINE_UNKNOWN = 'U', /* it may be stored */
};

struct chunk_line {
    int64_t number;
    size_t at, len; /* of its text */
    enum line_state state;
};

/* Embedded by value, zeroed. */
struct chunk {
    struct buf text;
    struct chunk_line *lines;
    size_t n, room;
};

/* Adds a line as LINE_OPEN; numbers ascend. 0 or ERR_NOMEM. */
int chunk_add(struct chunk *c, int64_t number, const char *text, size_t len);

/* The line's text; not NUL-terminated. */
const char *chunk_text(const struct chunk *c, size_t index);

/* Sets the state of the lines whose numbers are from first to last. */
void chunk_mark(struct chunk *c, int64_t first, int64_t last, enum line_state state);

void chunk_clear(struct chunk *c);
void chunk_fini(struct chunk *c);

#endif
