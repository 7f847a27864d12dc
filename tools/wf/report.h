// SPDX-License-Identifier: MIT
/*
 * report - what `wf batch` says while it goes on, and at its end: messages about lines, and how far
 * it is - as a bar on a terminal, as a line every few seconds elsewhere, as JSON lines with --json.
 * One thread.
 */
#ifndef TOOLS_WF_REPORT_H
#define TOOLS_WF_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/wf/out.h"

/* Lines, and what became of them. */
struct tally {
    int64_t stored, refused, unknown;
};

/* Embedded by value. */
struct report {
    const struct out *out;
    const char *name;    /* of the file, for messages */
    int64_t size;        /* in bytes; -1: unknown */
    int64_t start_ms;    /* of this run, */
    int64_t start_bytes; /* and where it began, */
    int64_t start_lines; /* and how many lines were decided then */
    int64_t said_ms;     /* when how far it is was last said */
    bool drawn;          /* a bar stands on the last line of the terminal */
};

/* From here on time counts. */
void report_start(struct report *r, int64_t bytes, const struct tally *t);

/* One line is refused; `field` may be empty. */
void report_refused(struct report *r, int64_t line, const char *field, const char *why);

/* What became of these lines is unknown. */
void report_unknown(struct report *r, const char *spans, const char *why);

/* Nothing can be stored now; the next attempt is in `ms`. */
void report_waiting(struct report *r, const char *why, int64_t ms);

/* How far it is: `bytes` of the input are done. Says nothing when it was said just now. */
void report_progress(struct report *r, int64_t bytes, const struct tally *t);

/* The sum; `complete`: no line is left. `rejected` and `unknown` are the files that take such
 * lines.
 */
void report_end(struct report *r, const struct tally *t, bool complete, const char *rejected,
                const char *unknown);

#endif
