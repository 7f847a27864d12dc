// SPDX-License-Identifier: MIT
#include "tools/wf/chunk.h"

#include <stdlib.h>

#include "common/base/err.h"

int chunk_add(struct chunk *c, int64_t number, const char *text, size_t len)
{
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 256;
        struct chunk_line *lines = realloc(c->lines, room * sizeof *lines);

        if (!lines)
            return ERR_NOMEM;
        c->lines = lines;
        c->room = room;
    }
    c->lines[c->n++] =
        (struct chunk_line){.number = number, .at = c->text.len, .len = len, .state = LINE_OPEN};
    buf_add(&c->text, text, len);
    return c->text.failed ? ERR_NOMEM : 0;
}

const char *chunk_text(const struct chunk *c, size_t index)
{
    return buf_str(&c->text) + c->lines[index].at;
}

void chunk_mark(struct chunk *c, int64_t first, int64_t last, enum line_state state)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->lines[i].number >= first && c->lines[i].number <= last)
            c->lines[i].state = state;
}

void chunk_clear(struct chunk *c)
{
    buf_clear(&c->text);
    c->n = 0;
}

void chunk_fini(struct chunk *c)
{
    buf_fini(&c->text);
    free(c->lines);
    *c = (struct chunk){.n = 0};
}
