// SPDX-License-Identifier: MIT
/*
 * leftover - a file that takes the lines that a batch leaves behind (FILE.rejected, FILE.unknown),
 * as they came, so that it can be sent like any other. Made with the first line; lines are on disk
 * before the journal says so.
 */
#ifndef TOOLS_WF_LEFTOVER_H
#define TOOLS_WF_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/err.h"

/* Embedded by value. */
struct leftover {
    char *path;
    int fd;          /* -1: not open yet */
    struct buf text; /* not yet on disk */
};

/* `path` is base and ending together: "jobs.jsonl" ".rejected". 0 or ERR_NOMEM. */
int leftover_init(struct leftover *l, const char *base, const char *ending);
void leftover_fini(struct leftover *l);

/* True when there is such a file with something in it. */
bool leftover_exists(const struct leftover *l);

void leftover_add(struct leftover *l, const char *line, size_t len);

/* Brings what was added to disk. 0, or an error with a sentence. */
int leftover_sync(struct leftover *l, struct err_text *why);

#endif
