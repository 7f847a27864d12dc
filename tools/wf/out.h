// SPDX-License-Identifier: MIT
/*
 * out - everything that wf prints. Results go to standard output; errors ("wf: ...") and notes
 * about what is going on go to standard error, so a pipe carries results only. Colours: on a
 * terminal only, never with NO_COLOR, TERM=dumb or --no-color. With --json a command prints one
 * JSON document, or one a line where it goes on for a while, and nothing else on standard output.
 * One thread.
 */
#ifndef TOOLS_WF_OUT_H
#define TOOLS_WF_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/buf.h"

enum out_color { OUT_PLAIN, OUT_BOLD, OUT_DIM, OUT_RED, OUT_GREEN, OUT_YELLOW };

/* A plain value; made by out_init(), read by anybody. */
struct out {
    bool json, quiet;
    bool color;        /* of standard output */
    bool terminal;     /* standard output is one: it may be drawn again and again */
    bool err_terminal; /* standard error is one: a progress bar may be drawn there */
};

void out_init(struct out *o, bool json, bool quiet, bool no_color);

/* Text on standard output. */
__attribute__((format(printf, 2, 3))) void out_text(const struct out *o, const char *fmt, ...);

/* "wf: ..." on standard error. */
__attribute__((format(printf, 2, 3))) void out_error(const struct out *o, const char *fmt, ...);

/* The same without --quiet only: what a person may like to know. */
__attribute__((format(printf, 2, 3))) void out_note(const struct out *o, const char *fmt, ...);

/* A line of JSON on standard output, whatever the mode: the caller has looked at o->json. */
void out_json(const struct out *o, const struct buf *json);

/* Escape sequences around coloured text on standard output; "" where there are no colours. */
const char *out_on(const struct out *o, enum out_color color);
const char *out_off(const struct out *o);

/* A column of a table. Numbers are aligned to the right. */
struct out_column {
    const char *head;
    bool right;
};

/* Prints `rows` rows of `columns` cells each, one after another in `cells`, under their heads;
 * columns are as wide as their widest cell. NULL is an empty cell. */
void out_table(const struct out *o, const struct out_column *heads, size_t columns,
               const char *const *cells, size_t rows);

/* Flushes standard output. False when something could not be written (a full disk, a closed pipe):
 * said on standard error, and then a command has not done what it was asked. */
bool out_finish(const struct out *o);

#endif
