// SPDX-License-Identifier: MIT
/* spans - line numbers as people and the journal write them: "3-5,9". Pure text. */
#ifndef TOOLS_WF_SPANS_H
#define TOOLS_WF_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"

/* Embedded by value, zeroed. `n` may be read: how many numbers there are. */
struct spans {
    struct buf text;
    int64_t first, last; /* the span that may still grow; 0: none */
    uint64_t n;
};

/* Numbers come in ascending order, from 1 on. */
void spans_add(struct spans *s, int64_t number);

/* "3-5,9"; "" when there are none. Valid until the next call. */
const char *spans_text(struct spans *s);

void spans_clear(struct spans *s);
void spans_fini(struct spans *s);

/* Takes the next span off *at, which moves on; false at the end of the line, or where the text is
 * no span: then *at stands there, not at the end. */
bool spans_next(const char **at, int64_t *first, int64_t *last);

#endif
