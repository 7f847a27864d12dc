// SPDX-License-Identifier: MIT
/*
 * faktory - one connection to a Faktory server: handshake, commands out, replies in.
 *
 * Two ways to use it: faktory_call() blocks for one exchange (tools, tests); wire.c pipelines, and
 * never blocks: faktory_begin(), faktory_step(), faktory_try_send(), faktory_receive() and
 * faktory_next(). One owner thread per connection. After an
 * error other than a `-ERR` reply the connection is good for closing only: a late answer would be
 * taken for the next command's.
 */
#ifndef COMMON_FAKTORY_FAKTORY_H
#define COMMON_FAKTORY_FAKTORY_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/faktory/net.h"
#include "common/faktory/resp.h"
#include "common/faktory/url.h"

/* Limits of the server (v1.9), which cannot be changed there. */
enum {
    FAKTORY_CONNECTIONS_MAX = 2000, /* of all clients together; the next one is refused */
    FAKTORY_COMMAND_JOBS_MAX = 500, /* ours: a PUSHB shares one 5 s deadline on the server */
    FAKTORY_COMMAND_BYTES_MAX = 256 << 10,
    FAKTORY_RESERVE_MIN_S = 60, /* shorter ones are applied as 60 s */
    FAKTORY_RESERVE_MAX_S = 86400,
};

/* Where and how to connect; immutable, shared by all connections of a program. */
struct faktory_settings {
    struct url url;
    struct net_options net;
};

/* Who a consumer says it is. Producers have none: Faktory would reap them without heartbeats. */
struct faktory_identity {
    const char *wid; /* unique for each start of a process */
    const char *hostname;
    const char *labels; /* JSON array text: ["c"] */
};

struct faktory;

/*
 * Begins to connect and to shake hands, and goes on with it, without blocking (but for resolving
 * the name). The settings and the identity are borrowed until it is ready. Step: 1 when it is
 * ready; 0: not yet, call again when poll() reports the events or at the deadline; or an error, and
 * the connection is good for dropping only.
 */
struct faktory *faktory_begin(const struct faktory_settings *settings,
                              const struct faktory_identity *who, struct err_text *why);
int faktory_step(struct faktory *f, struct err_text *why);
int64_t faktory_step_deadline_ms(const struct faktory *f);
short faktory_step_events(const struct faktory *f);

/* All of it in one; blocks. NULL with *code (may be NULL) and `why` set; ERR_REFUSED means
 * that Faktory said no (wrong password), which trying again will not change. */
struct faktory *faktory_connect(const struct faktory_settings *settings,
                                const struct faktory_identity *who, int *code,
                                struct err_text *why);

/* Says END and closes. NULL is fine. Not with a FETCH unanswered: its job would be stranded. */
void faktory_close(struct faktory *f);

/* Closes a connection that failed, without a word. NULL is fine. */
void faktory_drop(struct faktory *f);

/* Writes what the socket takes without blocking: > 0 bytes, ERR_ABSENT, or an error. */
int faktory_try_send(struct faktory *f, const char *bytes, size_t len, struct err_text *why);

/* Reads what has come into the reader, without blocking. > 0; ERR_ABSENT; or an error. */
int faktory_receive(struct faktory *f, struct err_text *why);

/* The next complete reply: 1, 0 (receive more) or an error. Valid until the next receive. */
int faktory_next(struct faktory *f, struct resp_reply *reply, struct err_text *why);

/* Sends one command line (CRLF is added) and blocks for its reply. 0 or an error; a `-ERR` is a
 * reply, not an error. */
int faktory_call(struct faktory *f, const char *command, struct resp_reply *reply,
                 struct err_text *why);

int faktory_fd(const struct faktory *f);

#endif
