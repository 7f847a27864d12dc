// SPDX-License-Identifier: MIT
/*
 * lines - reads a file, or standard input, line by line, and knows the SHA-256 of all that it has
 * read: by that a later run sees whether it is the same file still.
 */
#ifndef TOOLS_WF_LINES_H
#define TOOLS_WF_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { LINE_BYTES_MAX = 8 << 20, LINES_HASH_CHARS = 64 };

struct lines;

struct line {
    int64_t number;   /* from 1 on */
    const char *text; /* without its end of line; valid until the next one is read */
    size_t len;
};

/* Opens the file; "-" is standard input. NULL with `why`. */
struct lines *lines_open(const char *path, struct err_text *why);
void lines_close(struct lines *l); /* NULL is fine */

/* The next line: 1; 0 at the end; ERR_STOPPED when a signal came while it waited for input; ERR_IO;
 * ERR_FULL: the line is longer than LINE_BYTES_MAX, which no job is. A last line without an end of
 * line counts. */
int lines_next(struct lines *l, struct line *line, struct err_text *why);

/* Bytes of all lines taken so far, and their hash in hex. */
int64_t lines_offset(const struct lines *l);
void lines_hash(const struct lines *l, char out[LINES_HASH_CHARS + 1]);

/* Size of the file in bytes; -1 where it has none (a pipe). */
int64_t lines_size(const struct lines *l);

#endif
