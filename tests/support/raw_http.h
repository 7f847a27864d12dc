// SPDX-License-Identifier: MIT
/*
 * raw_http - an HTTP client that sends exactly the bytes it is given, for tests of what a polite
 * library would never send. Blocking, with a time-out on every read and write; one thread per
 * connection. Loopback only.
 */
#ifndef TESTS_SUPPORT_RAW_HTTP_H
#define TESTS_SUPPORT_RAW_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"

enum { RAW_TIMEOUT_MS = 10000 };

/* Embedded by value; `in` holds what was read and not yet taken. */
struct raw_http {
    int fd; /* -1: could not connect */
    struct buf in;
};

struct raw_reply {
    unsigned status; /* 0: no reply came */
    char head[2048]; /* status line and headers, cut */
    char body[2048]; /* cut */
    size_t body_len; /* as announced */
};

/* Connects to 127.0.0.1; false when that fails. */
bool raw_open(struct raw_http *c, unsigned port);
void raw_close(struct raw_http *c);
/* Closes with a reset instead of a farewell. */
void raw_reset(struct raw_http *c);

/* False when the other side no longer takes it. */
bool raw_send(struct raw_http *c, const void *bytes, size_t n);
bool raw_send_text(struct raw_http *c, const char *text);

/* Reads one reply; `headless` for the answer to HEAD, which announces a body and has none. */
bool raw_read(struct raw_http *c, struct raw_reply *reply, bool headless);

/* True when the other side ends the connection before anything else comes. */
bool raw_ended(struct raw_http *c);

/* Connects, sends, reads one reply, closes. */
bool raw_ask(unsigned port, const char *text, struct raw_reply *reply);

#endif
