// SPDX-License-Identifier: MIT
/*
 * wire - what a link's thread does with its connection: make it, send on it, match the replies,
 * give up what is too late. No call blocks. The room's own: link_loop.c has the thread and the
 * lock, and hands over what was submitted. All calls are that thread's; only the atomics are read
 * by others.
 */
#ifndef COMMON_FAKTORY_WIRE_H
#define COMMON_FAKTORY_WIRE_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/faktory/backoff.h"
#include "common/faktory/command_queue.h"
#include "common/faktory/link.h"

struct wire {
    const struct link_options *options; /* the link's */
    const char *name;

    struct faktory *connection;     /* NULL: not connected */
    struct faktory *arriving;       /* being made; NULL: none is */
    struct command_queue ready;     /* to be sent */
    struct command_queue in_flight; /* sent, in order */
    unsigned n_in_flight;
    struct buf out;      /* of the commands in flight, the last that were taken from `ready` */
    size_t out_sent;     /* bytes of it that the socket has taken */
    int64_t taken_ms;    /* when it last took some */
    int64_t sent_ms;     /* last begin of a write */
    int64_t progress_ms; /* last reply, or first send after none were in flight */
    int64_t flight_ms;   /* no command in flight has an earlier deadline than this */
    int64_t ready_ms;    /* the earliest deadline in `ready`, when it was last looked through */
    struct backoff backoff;
    int64_t retry_ms; /* not connected: when the next attempt is due */
    bool proven;      /* this connection has carried a good reply */

    atomic_bool held; /* no new connection for now */
    atomic_bool up;
    atomic_uint load; /* commands taken and not done */
    atomic_ulong connects;
};

void wire_init(struct wire *w, const struct link_options *options, const char *name);
void wire_fini(struct wire *w);

/* Connected, or on the way to it when that is due; without a connection the impatient give up. */
void wire_stay_connected(struct wire *w);

/* Gives the connection up; see link_options.patient for what becomes of the commands. */
void wire_lose(struct wire *w, const char *why);

/* Sends what is ready, as far as window and socket allow, in few writes. Connected. */
void wire_send(struct wire *w);

/* Reads what has come, and gives each reply to its command. Connected. */
void wire_receive(struct wire *w);

/* Ends what is too late. */
void wire_expire(struct wire *w);

/* True while what comes in is held back, to go in one write with more. */
bool wire_gathers(const struct wire *w);

/* Until when the thread may sleep if nothing happens. */
int64_t wire_next_look(const struct wire *w);

/* What to poll for; fd -1: nothing. */
struct pollfd wire_poll(const struct wire *w);

/* Closes the connection and ends every command that is left. */
void wire_end(struct wire *w);

#endif
