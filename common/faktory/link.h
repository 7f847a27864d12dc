// SPDX-License-Identifier: MIT
/*
 * link - one connection to Faktory that is kept alive and pipelines, by a thread of its own or one
 * that it shares with others (a link_loop).
 *
 * Any thread submits commands; the link's thread writes what has gathered in one send, reads the
 * replies in order and calls each command's `done`. It connects, reconnects with capped, jittered
 * backoff, and gives every command an outcome by its deadline. It knows nothing of jobs: pushing,
 * fetching, acknowledging and heartbeats are all built on it.
 *
 * The outbox is not bounded here: whoever submits bounds what he has under way.
 */
#ifndef COMMON_FAKTORY_LINK_H
#define COMMON_FAKTORY_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/faktory/faktory.h"

struct link;

/* The thread of several links. */
struct link_loop;

/* What became of a command. */
enum link_fate {
    LINK_ANSWERED, /* there is a reply, maybe `-ERR` */
    LINK_UNSENT,   /* it surely never reached Faktory */
    LINK_UNKNOWN,  /* it was sent, and no answer came: it may have been carried out */
};

/*
 * One command line. The submitter owns it and everything it points to, and keeps both unchanged
 * until `done` is called, exactly once, on the link's thread with no lock held. `done` may free it,
 * and may submit further commands. `reply` is NULL unless answered; `why` is a sentence for the
 * other two fates. Neither outlives the call.
 */
struct link_command {
    const char *text; /* with its CRLF */
    size_t len;
    int64_t deadline_ms; /* monotonic; when it passes unanswered, the connection is given up */
    void (*done)(struct link_command *c, enum link_fate fate, const struct resp_reply *reply,
                 const char *why);
    struct link_command *next; /* the link's, while it has the command */
};

struct link_options {
    struct link_loop *loop; /* NULL: a thread of its own */
    const char *name; /* of the thread and in log lines: "<name>-<number>"; at most 10 bytes */
    unsigned number;
    const struct faktory_settings *settings; /* borrowed, like identity */
    const struct faktory_identity *identity; /* NULL: a producer */
    unsigned window; /* most commands in flight; bounds what both sides must buffer */
    /*
     * A patient link keeps its commands over a lost connection and sends the unanswered ones again
     * on the next (for commands that may be repeated: ACK, FAIL). An impatient one ends them with
     * LINK_UNKNOWN, and those it cannot send with LINK_UNSENT as soon as a connect fails.
     */
    bool patient;
    /* Sends when nothing is in flight, else every few milliseconds: what is submitted meanwhile
     * goes in one write (group commit). For commands that nobody waits for. */
    bool gather;
    /* Called on the link's thread, no lock held, when the connection comes up or is lost, and when
     * an attempt to connect failed (up = false, with the reason). NULL: nobody wants to know. */
    void (*on_state)(void *ctx, bool up, const char *why);
    void *ctx;
};

/*
 * A thread for several links, which are made with it before the first of them is started, and freed
 * before it is; it ends when all of them have. `rest_us`: it takes at least so long from one turn
 * to the next while it is busy, so that what comes in and goes out does so in few large pieces (0:
 * none; for links whose answers nobody waits for). NULL: no memory.
 */
struct link_loop *link_loop_new(const char *name, int64_t rest_us);
void link_loop_free(struct link_loop *loop);

/* Made in one step and started in another, so that whoever has callbacks from it knows it first.
 * NULL: no memory. */
struct link *link_new(const struct link_options *options);

/* Starts the thread, which connects at once; does not wait for that. 0 or ERR_NOMEM. */
int link_start(struct link *l);

/* Takes the command, from any thread, without blocking; false when the link is stopping, and the
 * command is then still the caller's. */
bool link_submit(struct link *l, struct link_command *c);

bool link_is_up(const struct link *l);
/* Commands taken and not done; any thread, a moment's view. */
unsigned link_load(const struct link *l);
/* How often a connection was made after the first. */
unsigned long link_reconnects(const struct link *l);

/* While held, the link makes no new connection; one that it has stays. Any thread, also before the
 * start. For links that must connect after another one. */
void link_hold(struct link *l, bool hold);

/* Asks for a fresh connection (a new HELLO) once nothing is in flight. Any thread. */
void link_renew(struct link *l);

/* First step of stopping: takes nothing more, works off what it has, but not beyond the deadline.
 * Does not block; may be called again with an earlier deadline. */
void link_finish(struct link *l, int64_t deadline_ms);

/* Second step: waits for the thread, which ends every command left (see the fates). The link can
 * still be asked, and takes no command. One that was never started is fine. */
void link_join(struct link *l);

/* Joins and frees. NULL is fine. */
void link_free(struct link *l);

#endif
