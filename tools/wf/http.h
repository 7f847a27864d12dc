// SPDX-License-Identifier: MIT
/*
 * http - asks a service over HTTP: one request, one answer, one deadline; blocks. The one includer
 * of libcurl.
 *
 * What matters to whoever stores jobs is in the return value: whether the service can have seen the
 * request at all. Each request goes over a connection of its own, because curl silently repeats one
 * on a kept connection that breaks before an answer comes - and then jobs would be stored twice.
 * Proxies of the environment are not used, for the same reason. One thread a handle.
 */
#ifndef TOOLS_WF_HTTP_H
#define TOOLS_WF_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { HTTP_ANSWER_MAX = 64 << 20 };

struct http;

/* `base` ("http://host:port") is copied. NULL: no memory, or no libcurl. */
struct http *http_new(const char *base);
void http_free(struct http *h); /* NULL is fine */

/* One request. Plain values, borrowed for the call. */
struct http_ask {
    const char *method; /* "GET", "POST" */
    const char *path;   /* "/jobs", or a whole URL of another service */
    const char *body;   /* JSON, or NULL */
    size_t len;
    int64_t timeout_ms; /* for all of it; connecting may take no longer than 10 s of that */
};

/* Good until the handle's next request. */
struct http_answer_view {
    int status;
    const char *body; /* NUL behind it */
    size_t len;
};

/*
 * 0 when an answer came, whatever its status. Otherwise `why` is a sentence with the URL:
 * ERR_ABSENT: the request surely was not seen whole by anybody (no such host, connection refused,
 * broken off while it was sent); any other code: it may have been, and what became of it is unknown
 * (ERR_TIMEOUT, ERR_CLOSED).
 */
int http_do(struct http *h, const struct http_ask *ask, struct http_answer_view *answer,
            struct err_text *why);

/* Copies a header of the last answer into `out`, cut to `room`. NULL when it is not there. */
const char *http_header(const struct http *h, const char *name, char *out, size_t room);

#endif
