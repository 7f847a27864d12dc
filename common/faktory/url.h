// SPDX-License-Identifier: MIT
/* url - FAKTORY_URL: tcp://[:password@]host[:port]. Pure text, no look-ups; any thread. */
#ifndef COMMON_FAKTORY_URL_H
#define COMMON_FAKTORY_URL_H

#include "common/base/buf.h"
#include "common/base/err.h"

enum { URL_HOST_MAX = 256, URL_PORT_MAX = 8, URL_PASSWORD_MAX = 256 };

struct url {
    char host[URL_HOST_MAX]; /* without the brackets of an IPv6 literal */
    char port[URL_PORT_MAX];
    char password[URL_PASSWORD_MAX]; /* decoded; empty: none */
};

/* 0, or ERR_INVALID with a sentence that never holds the password. */
int url_parse(const char *text, struct url *out, struct err_text *why);

/* As a check of a configuration table: the same verdict, its sentence appended to `expected`. */
int url_check(const char *text, struct buf *expected);

/* The same, with a password that stands beside the URL ("": none). ERR_INVALID when the URL has
 * one, too, and it is another: one of them is wrong, and nobody can know which. */
int url_parse_with(const char *text, const char *password, struct url *out, struct err_text *why);

/* As a check of several settings: that verdict. `name` is what the URL stands behind
 * ("FAKTORY_URL=") in the line that is added to `errors`. 0 for a URL that is bad by itself:
 * url_check() says so. */
int url_check_with(const char *text, const char *password, const char *name, struct buf *errors);

enum { URL_SHOWN_MAX = URL_HOST_MAX + URL_PORT_MAX + 16 };

/* "tcp://:***@host:port" for logs and people. */
void url_redacted(const struct url *url, char out[URL_SHOWN_MAX]);

#endif
