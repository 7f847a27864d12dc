// SPDX-License-Identifier: MIT
/*
 * openapi_calls - THE table of what each call takes and answers, as far as no other table says it:
 * a row for each route, with examples. An example that has a request (`body`, `query`, or nothing
 * of both for a GET) is sent by a test, and must be answered so. For api/openapi*.c only.
 */
#ifndef API_OPENAPI_CALLS_H
#define API_OPENAPI_CALLS_H

#include <stdbool.h>
#include <stddef.h>

/* JSON is written as openapi_text.h says. */
struct openapi_example {
    const char *name, *summary;
    unsigned status;
    const char *query; /* "pack=2", or NULL */
    const char *body;  /* of the request; NULL: none */
    const char *answer;
    unsigned jobs; /* in the request: left out where so many are not allowed */
    bool unasked;  /* depends on what is no part of the request: Faktory, the load */
};

struct openapi_answer {
    unsigned status;
    const char *schemas; /* "Error|NotStored"; NULL: no body, or no JSON */
    const char *when;    /* sentences */
    const char *headers; /* besides Retry-After of a 503, as JSON; NULL: none */
};

struct openapi_call {
    const char *method, *path; /* as in routes.h */
    const char *id, *tag;
    const char *help;       /* sentences */
    const char *parameters; /* as JSON; NULL: none */
    const char *body;       /* its schema; NULL: takes none */
    const char *type;       /* of answers that are no JSON; NULL: they are */
    const struct openapi_answer *answers;
    size_t n_answers;
    const struct openapi_example *examples;
    size_t n_examples;
};

extern const size_t openapi_calls_n; /* rows of the table */

/* The row of a route, or NULL. */
const struct openapi_call *openapi_call(const char *method, const char *path);

#endif
