// SPDX-License-Identifier: MIT
/*
 * server - asks Faktory itself what the API does not know: one command, one reply, a deadline; one
 * connection, made at the first question. Blocks. One thread.
 *
 * Faktory 1.9.4 dies of a verb without its operand, and INFO while a queue is in the making may
 * kill it: so commands are checked here before they are sent, and INFO keeps its distance.
 */
#ifndef TOOLS_WF_SERVER_H
#define TOOLS_WF_SERVER_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/faktory/faktory.h"
#include "common/json/json.h"

enum { SERVER_INFO_EVERY_MS = 5000 };

struct server;

/* `settings` are borrowed; no reply is waited for longer than `timeout_ms`. NULL: no memory. */
struct server *server_new(const struct faktory_settings *settings, int64_t timeout_ms);
void server_free(struct server *s); /* says END; NULL is fine */

/*
 * Sends one command line (a verb, a blank, its operands; only INFO has none) and waits for the
 * reply, which is good until the next one. A `-ERR` is a reply. 0; ERR_INVALID: it was not sent,
 * because Faktory would die of it; ERR_FULL: an INFO so soon after the last one; or the connection
 * failed, and the next call makes a new one.
 */
int server_call(struct server *s, const char *command, struct resp_reply *reply,
                struct err_text *why);

/* The same for replies that are JSON, which is checked: *root lives as long as the reply. */
int server_ask(struct server *s, const char *command, struct json_slice *root,
               struct err_text *why);

#endif
