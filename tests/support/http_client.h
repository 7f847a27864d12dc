// SPDX-License-Identifier: MIT
/*
 * http_client - one blocking HTTP request, for tests. Any thread. Proxies from the environment are
 * ignored: tests talk to loopback only. For many requests at once see http_load.h.
 */
#ifndef TESTS_SUPPORT_HTTP_CLIENT_H
#define TESTS_SUPPORT_HTTP_CLIENT_H

#include <stddef.h>

#include "common/base/err.h"

struct http_call {
    const char *method;         /* NULL: GET */
    const char *url;            /* "http://127.0.0.1:1234/ready" */
    const char *const *headers; /* "Name: value", or "Name:" to leave one out; NULL at the end */
    const char *body;           /* NULL: none */
    size_t body_len;            /* 0: up to the NUL */
    long timeout_ms;            /* for all of it; 0: 30 seconds */
};

struct http_answer {
    int status;
    char *body; /* never NULL after success, NUL behind it */
    size_t body_len;
    char *headers; /* all header lines as they came, status line first */
};

/* 0 when an answer came, whatever its status. Free it with http_answer_fini() then. */
int http_request(const struct http_call *call, struct http_answer *out, struct err_text *why);

void http_answer_fini(struct http_answer *a);

/* Copies the value of a header into out (cut to `room`) and returns it; NULL when it is not there.
 */
const char *http_answer_header(const struct http_answer *a, const char *name, char *out,
                               size_t room);

#endif
