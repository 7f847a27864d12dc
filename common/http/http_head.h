// SPDX-License-Identifier: MIT
/*
 * http_head - the checks of a request's headers that libmicrohttpd does not make. Some of them
 * close the door to request smuggling: where a proxy and this server could disagree about where a
 * request ends, it is refused. No state; any thread.
 */
#ifndef COMMON_HTTP_HTTP_HEAD_H
#define COMMON_HTTP_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the checks need of the headers; collected by http_head_add(). */
struct http_head {
    bool http10;
    unsigned n_lengths, n_codings;
    const char *length, *coding, *content_type;
    bool expects;  /* the client waits for a word before it sends the body */
    bool bad_name; /* a header name that is empty or holds a blank */
};

void http_head_add(struct http_head *h, const char *name, size_t name_len, const char *value);

/* 0, or the status of a refusal with its sentence. */
unsigned http_head_check(const struct http_head *h, const char **sentence);

/* The length that was announced; 0 if none was, and with a transfer coding; SIZE_MAX: absurd. */
size_t http_head_length(const struct http_head *h);

static inline bool http_head_has_body(const struct http_head *h)
{
    return h->n_codings > 0 || http_head_length(h) > 0;
}

/* application/json or anything+json, with or without parameters. */
bool http_head_is_json(const char *content_type);

#endif
