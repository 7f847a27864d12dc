// SPDX-License-Identifier: MIT
#include "common/http/http_head.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is(const char *name, size_t len, const char *want)
{
    return len == strlen(want) && strncasecmp(name, want, len) == 0;
}

void http_head_add(struct http_head *h, const char *name, size_t name_len, const char *value)
{
    if (name_len == 0 || memchr(name, ' ', name_len) || memchr(name, '\t', name_len)) {
        h->bad_name = true;
    } else if (is(name, name_len, "Content-Length")) {
        h->n_lengths++;
        h->length = value;
    } else if (is(name, name_len, "Transfer-Encoding")) {
        h->n_codings++;
        h->coding = value;
    } else if (is(name, name_len, "Content-Type")) {
        h->content_type = value;
    } else if (is(name, name_len, "Expect")) {
        h->expects = true;
    }
}

static bool all_digits(const char *text)
{
    size_t n = strspn(text, "0123456789");

    return n > 0 && text[n] == '\0';
}

unsigned http_head_check(const struct http_head *h, const char **sentence)
{
    const struct {
        bool bad;
        unsigned status;
        const char *sentence;
    } rules[] = {
        {h->bad_name, 400, "a header name is empty or holds a blank"},
        {h->n_lengths > 1, 400, "there is more than one Content-Length"},
        {h->n_lengths > 0 && h->n_codings > 0, 400,
         "Content-Length and Transfer-Encoding exclude each other"},
        {h->n_lengths > 0 && (!h->length || !all_digits(h->length)), 400,
         "Content-Length is not a number"},
        {h->n_codings > 1, 400, "there is more than one Transfer-Encoding"},
        {h->n_codings > 0 && h->http10, 400, "HTTP/1.0 has no Transfer-Encoding"},
        {h->n_codings > 0 && (!h->coding || strcasecmp(h->coding, "chunked") != 0), 501,
         "the only Transfer-Encoding known here is chunked"},
    };

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].bad) {
            *sentence = rules[i].sentence;
            return rules[i].status;
        }
    }
    return 0;
}

size_t http_head_length(const struct http_head *h)
{
    /* Too many digits give ULLONG_MAX, which is SIZE_MAX where this builds. */
    return h->length ? (size_t)strtoull(h->length, NULL, 10) : 0;
}

bool http_head_is_json(const char *content_type)
{
    size_t len = strcspn(content_type, ";");

    while (len > 0 && isspace((unsigned char)content_type[len - 1]))
        len--;
    return is(content_type, len, "application/json") ||
           (len > 5 && is(content_type + len - 5, 5, "+json"));
}
