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

enum { URL_SHOWN_MAX = URL_HOST_MAX + URL_PORT_MAX + 16 };

/* "tcp://:***@host:port" for logs and people. */
void url_redacted(const struct url *url, char out[URL_SHOWN_MAX]);

#endif
