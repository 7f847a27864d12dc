// SPDX-License-Identifier: MIT
/*
 * resp - reads Faktory's replies: feed bytes as they come, take replies as they are complete.
 * No sockets. Faktory uses four forms of RESP: +text, -text, $n with n bytes, $-1 (and nothing
 * else; commands are plain lines, so there is no writer). One thread at a time.
 */
#ifndef COMMON_FAKTORY_RESP_H
#define COMMON_FAKTORY_RESP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

enum resp_kind {
    RESP_STATUS, /* +text */
    RESP_ERROR,  /* -text; cut at RESP_LINE_MAX: Faktory echoes whole commands in it */
    RESP_BULK,   /* $n */
    RESP_NIL,    /* $-1 */
};

struct resp_reply {
    enum resp_kind kind;
    const char *text; /* without sign and CRLF, not NUL-terminated; valid until the next feed */
    size_t len;
};

enum { RESP_LINE_MAX = 1024, RESP_BULK_MAX = 64 << 20 };

struct resp_reader;

struct resp_reader *resp_new(void); /* NULL: no memory */
void resp_free(struct resp_reader *r);

/* Room for the next bytes from the peer, at least `least` of them; NULL: no memory. */
char *resp_room(struct resp_reader *r, size_t least, size_t *room);

/* `n` bytes were written to that room. */
void resp_fed(struct resp_reader *r, size_t n);

/* 1: *reply is the next one; 0: feed more; ERR_PROTOCOL: this is no Faktory, close (sticky). */
int resp_next(struct resp_reader *r, struct resp_reply *reply, struct err_text *why);

/* True when the reply is of this kind and is this text. */
bool resp_is(const struct resp_reply *reply, enum resp_kind kind, const char *text);

/* True when the reply is the status "OK". */
bool resp_is_ok(const struct resp_reply *reply);

/* True when the text occurs in the reply. */
bool resp_holds(const struct resp_reply *reply, const char *text);

/* "+OK", "-ERR ...", cut to fit, for messages; control characters become blanks. */
void resp_show(const struct resp_reply *reply, char *out, size_t room);

#endif
