// SPDX-License-Identifier: MIT
/*
 * http_script - an HTTP service on 127.0.0.1 that answers what a test tells it to, request after
 * request, and keeps what it was asked: for clients whose service must misbehave. One request a
 * connection. It has a thread of its own; the test's thread calls what is here.
 */
#ifndef TESTS_SUPPORT_HTTP_SCRIPT_H
#define TESTS_SUPPORT_HTTP_SCRIPT_H

#include <stddef.h>

#include "common/base/err.h"

enum { HTTP_SCRIPT_REQUESTS_MAX = 32 };

/* One answer. The last one is given again to whoever asks more often. */
struct http_script_step {
    int status;          /* 0: the request is read, and the connection closed without an answer */
    const char *body;    /* NULL: none */
    const char *headers; /* whole lines with CRLF, or NULL */
};

struct http_script;

/* `steps` are borrowed. NULL with the reason. */
struct http_script *http_script_start(const struct http_script_step *steps, size_t n,
                                      struct err_text *why);
void http_script_stop(struct http_script *s); /* NULL is fine */

const char *http_script_url(const struct http_script *s); /* "http://127.0.0.1:1234" */

/* How many requests came so far, the n-th one's first line and body ("" when there was none such).
 */
size_t http_script_count(struct http_script *s);
const char *http_script_line(struct http_script *s, size_t n);
const char *http_script_body(struct http_script *s, size_t n);

#endif
