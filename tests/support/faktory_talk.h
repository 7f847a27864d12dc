// SPDX-License-Identifier: MIT
/*
 * faktory_talk - a few lines of Faktory's protocol, for tests. It shares nothing with the client in
 * common/faktory on purpose: a test must not trust the thing that it tests. Plain, blocking, slow;
 * every wait ends after 20 seconds. A connection belongs to one thread at a time.
 */
#ifndef TESTS_SUPPORT_FAKTORY_TALK_H
#define TESTS_SUPPORT_FAKTORY_TALK_H

#include <stdbool.h>

#include "common/base/err.h"

struct faktory_talk;

/*
 * Connects to 127.0.0.1:port and shakes hands. `password` may be NULL or "". `wid` makes it a
 * worker's connection, NULL a producer's. NULL on failure; a refused password says so in `why`.
 */
struct faktory_talk *faktory_talk_open(int port, const char *password, const char *wid,
                                       struct err_text *why);

/* Closes the connection at once, without END. NULL is allowed. */
void faktory_talk_close(struct faktory_talk *t);

/* Sends one command line (without CRLF). 0, ERR_TIMEOUT or ERR_CLOSED. */
int faktory_talk_send(struct faktory_talk *t, const char *line);

/*
 * Reads one reply as a malloc'd string: "+OK" and "-ERR ..." keep their sign, a bulk string is its
 * contents, the null bulk string is "$-1". NULL when none came.
 */
char *faktory_talk_read(struct faktory_talk *t);

/* True when a reply (or the end of the connection) is there within `timeout_ms`; reads nothing. */
bool faktory_talk_ready(struct faktory_talk *t, int timeout_ms);

/* Sends the line and reads its reply. */
char *faktory_talk_command(struct faktory_talk *t, const char *line);

#endif
