// SPDX-License-Identifier: MIT
/*
 * peer - a Faktory that misbehaves on request, for the faults that a real one does not produce when
 * a test wants them. It stores nothing; whatever a real Faktory can show is tested with a real one.
 *
 * It listens on a port of its own on 127.0.0.1 and treats each connection as Faktory does: one
 * command after the other. For each command the first rule that fits decides; where none fits it
 * behaves well (HI, +OK, {} for PUSHB, an empty FETCH after 50 ms, and so on). So a test lists only
 * what is to go wrong:
 *
 *     static const struct peer_rule rules[] = {
 *         {.verb = "PUSHB", .nth = 3, .action = PEER_CLOSE},
 *         {.verb = "FETCH", .bulk = "{\"jid\":...}"},
 *     };
 *
 * One thread of its own serves all connections. The calls here may come from any other thread.
 */
#ifndef TESTS_FAULT_PEER_H
#define TESTS_FAULT_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "tests/support/event_log.h"

struct peer;

enum peer_action {
    PEER_REPLY,   /* sends the reply */
    PEER_TRICKLE, /* sends it byte by byte, each a segment of its own */
    PEER_SPLIT,   /* sends `split` bytes of it, and the rest 20 ms later */
    PEER_SWALLOW, /* sends nothing and goes on with the next command */
    PEER_STALL,   /* sends what reply there is, and from then on reads but never answers */
    PEER_DEAF,    /* the same, and does not read any more either */
    PEER_CLOSE,   /* sends what reply there is and closes (an RST when commands are left unread) */
    PEER_RESET,   /* the same, with an RST */
};

struct peer_rule {
    const char *verb; /* "PUSHB"; "HI": a connection was accepted; "*": any */
    int nth;          /* only the nth of this verb since the start, over all connections; 0: each */
    int connection;   /* only on the nth connection accepted; 0: on each */
    enum peer_action action;
    int delay_ms; /* waits before it does anything */
    size_t split;
    /* The reply: at most one of these three. */
    const char *bytes; /* as they are ("+OK\r\n") */
    const char *bulk;  /* a bulk string with these contents */
    /* Writes the reply itself; called on the peer's thread. `nth` counts as above. */
    void (*make)(struct buf *out, const char *line, int nth, void *arg);
    void *arg;
    size_t bytes_len; /* of `bytes` when it holds NULs; 0: up to the NUL */
};

/* Starts it. The rules are borrowed until peer_free or peer_set_rules. */
struct peer *peer_start(const struct peer_rule *rules, int count, struct err_text *why);

/* Ends every connection, joins the thread and frees. NULL is allowed. */
void peer_free(struct peer *p);

int peer_port(const struct peer *p);
const char *peer_url(const struct peer *p);

/* Other rules from the next command on. The counts of `nth` go on. */
void peer_set_rules(struct peer *p, const struct peer_rule *rules, int count);

/* Resets all connections. Comes back when it is done. */
void peer_drop_all(struct peer *p);

/* Stops listening (connects are refused), or listens again on the same port. When it is done, 0. */
int peer_listen(struct peer *p, bool on);

/*
 * What happened: each command line as it was read, even while an earlier one still waits for its
 * answer, "HI" for each connection accepted and "EOF" for each that the other side ended. The
 * source of an event is the number of its connection (1 ...).
 */

/* How many events with this verb there were ("ACK", "HI", "EOF"; "*": all). */
int peer_count(struct peer *p, const char *verb);

/* The nth (1 ...) event with this verb; false when there were fewer. Valid until peer_free. */
bool peer_event(struct peer *p, const char *verb, int nth, struct event *out);

/* Waits until there were `count` events with this verb. */
bool peer_wait(struct peer *p, const char *verb, int count, int timeout_ms);

#endif
