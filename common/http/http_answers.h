// SPDX-License-Identifier: MIT
/*
 * http_answers - THE table of what the server itself answers, before or instead of a handler, for
 * those who refuse requests and for documents. Each of these is {"error":"<sentence>"}, unless the
 * library gives it: then it is a short HTML page. Immutable; any thread.
 */
#ifndef COMMON_HTTP_HTTP_ANSWERS_H
#define COMMON_HTTP_HTTP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

/* Where a request has to go to be answered so. */
enum http_reach { HTTP_AT_ANY_ROUTE, HTTP_AT_POST, HTTP_AT_NO_ROUTE };

struct http_own_answer {
    unsigned status;
    enum http_reach reach;
    bool page;            /* the library may give it, as HTML */
    const char *sentence; /* ours, or one of ours; NULL: only the library gives it */
    const char *name;     /* "NotFound" */
    const char *when;     /* a sentence for documents */
};

extern const struct http_own_answer http_own_answers[];
extern const size_t http_own_answers_n;

/* The row of a status, or NULL: then the server itself never answers so. */
const struct http_own_answer *http_own_answer(unsigned status);

#endif
