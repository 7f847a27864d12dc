// SPDX-License-Identifier: MIT
/*
 * scrape - reads the text of GET /metrics (Prometheus, exposition format 0.0.4) without building
 * anything: a walk over its samples, and sums. Slices point into the caller's text. Any thread.
 */
#ifndef TOOLS_WF_SCRAPE_H
#define TOOLS_WF_SCRAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/err.h"

struct scrape_slice {
    const char *at;
    size_t len;
};

/* One line: name{labels} value. A time behind the value is skipped. */
struct scrape_sample {
    struct scrape_slice name;
    struct scrape_slice labels; /* what stands between the braces; empty without */
    double value;               /* may be a NaN or infinite */
};

struct scrape {
    const char *at, *end;
    int line; /* that was read last, from 1 */
};

struct scrape scrape_text(const char *text, size_t len);

/* The next sample: 1; 0 at the end; ERR_INVALID with the line: this is no such text. */
int scrape_next(struct scrape *s, struct scrape_sample *sample, struct err_text *why);

bool scrape_is(const struct scrape_sample *sample, const char *name);

/* Appends the value of a label, its escapes undone. False when the sample has no such label. */
bool scrape_label(const struct scrape_sample *sample, const char *label, struct buf *out);

#endif
