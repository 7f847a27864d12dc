// SPDX-License-Identifier: MIT
#include "common/faktory/wire.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum {
    BACKOFF_FIRST_MS = 50,
    BACKOFF_MOST_MS = 3000,
    CROWDED_FAILURES = 8, /* after "too many connections": start from the longest wait */
    GATHER_MS = 2,
    SEND_AT_ONCE = 256 << 10,
};

void wire_init(struct wire *w, const struct link_options *options, const char *name)
{
    w->options = options;
    w->name = name;
    w->backoff = (struct backoff){.first_ms = BACKOFF_FIRST_MS, .most_ms = BACKOFF_MOST_MS};
    command_queue_clear(&w->ready);
    command_queue_clear(&w->in_flight);
}

void wire_fini(struct wire *w)
{
    buf_fini(&w->out);
}

static void clear_out(struct wire *w)
{
    buf_clear(&w->out);
    w->out_sent = 0;
}

static bool has_unsent(const struct wire *w)
{
    return w->out_sent < w->out.len;
}

static void settle(struct wire *w, struct link_command *c, enum link_fate fate,
                   const struct resp_reply *reply, const char *why)
{
    atomic_fetch_sub_explicit(&w->load, 1, memory_order_relaxed);
    c->done(c, fate, reply, why);
}

/* Ends every command of the queue; those that `done` submits meanwhile go to the outbox. */
static void settle_all(struct wire *w, struct command_queue *q, enum link_fate fate,
                       const char *why)
{
    struct command_queue all;
    struct link_command *c;

    command_queue_clear(&all);
    command_queue_move(&all, q);
    while ((c = command_queue_take(&all)) != NULL)
        settle(w, c, fate, NULL, why);
}

static void tell_state(struct wire *w, bool up, const char *why)
{
    atomic_store(&w->up, up);
    if (w->options->on_state)
        w->options->on_state(w->options->ctx, up, why);
}

/* The connection is of no more use: what was sent is unanswered for good. One that worked is made
 * again at once; one that was accepted and then dropped waits like one that was refused. */
void wire_lose(struct wire *w, const char *why)
{
    faktory_drop(w->connection);
    w->connection = NULL;
    clear_out(w);
    w->retry_ms = clock_ms() + (w->proven ? 0 : backoff_next_ms(&w->backoff));
    w->n_in_flight = 0;
    log_debug("connection lost link=%s why=\"%s\"", w->name, why);
    tell_state(w, false, why);
    if (w->options->patient) { /* the unanswered ones first, in their order */
        command_queue_move(&w->in_flight, &w->ready);
        command_queue_move(&w->ready, &w->in_flight);
    } else
        settle_all(w, &w->in_flight, LINK_UNKNOWN, why);
}

static void connect_failed(struct wire *w, const char *why)
{
    faktory_drop(w->arriving);
    w->arriving = NULL;
    w->retry_ms = clock_ms() + backoff_next_ms(&w->backoff);
    log_debug("cannot connect link=%s why=\"%s\"", w->name, why);
    tell_state(w, false, why);
    if (!w->options->patient)
        settle_all(w, &w->ready, LINK_UNSENT, why);
}

/* Begins to connect, or goes on with it. */
static void arrive(struct wire *w)
{
    struct err_text why = {""};
    int code;

    if (!w->arriving)
        w->arriving = faktory_begin(w->options->settings, w->options->identity, &why);
    code = w->arriving ? faktory_step(w->arriving, &why) : ERR_IO;
    if (code < 0)
        connect_failed(w, why.text);
    if (code <= 0)
        return;
    w->connection = w->arriving;
    w->arriving = NULL;
    w->proven = false;
    atomic_fetch_add_explicit(&w->connects, 1, memory_order_relaxed);
    tell_state(w, true, NULL);
}

/* When a socket that takes nothing counts as dead. */
static int64_t sending_deadline(const struct wire *w)
{
    return has_unsent(w) ? w->taken_ms + w->options->settings->net.write_ms : CLOCK_NEVER;
}

bool wire_gathers(const struct wire *w)
{
    return w->options->gather && w->n_in_flight > 0;
}

/* Fills `out` from what is ready, as far as the window allows. */
static void fill_out(struct wire *w)
{
    clear_out(w);
    if (w->n_in_flight == 0) {
        w->progress_ms = clock_ms();
        w->flight_ms = CLOCK_NEVER;
    }
    while (w->ready.head && w->n_in_flight < w->options->window && w->out.len < SEND_AT_ONCE) {
        struct link_command *c = command_queue_take(&w->ready);

        buf_add(&w->out, c->text, c->len);
        command_queue_add(&w->in_flight, c);
        w->n_in_flight++;
        w->flight_ms = clock_earlier(w->flight_ms, c->deadline_ms);
    }
}

/* 0: all of `out` is with the socket; ERR_ABSENT: it takes no more now; else an error. */
static int flush_out(struct wire *w, struct err_text *why)
{
    while (has_unsent(w)) {
        int n = faktory_try_send(w->connection, w->out.data + w->out_sent, w->out.len - w->out_sent,
                                 why);

        if (n < 0)
            return n;
        w->out_sent += (size_t)n;
        w->taken_ms = clock_ms();
    }
    return 0;
}

void wire_send(struct wire *w)
{
    struct err_text why;
    int code = flush_out(w, &why);

    if (code == 0 && (!w->ready.head || (wire_gathers(w) && clock_ms() < w->sent_ms + GATHER_MS)))
        return;
    while (code == 0 && w->ready.head && w->n_in_flight < w->options->window) {
        w->sent_ms = w->taken_ms = clock_ms();
        fill_out(w);
        code = w->out.failed ? err_set(&why, ERR_NOMEM, "out of memory for sending")
                             : flush_out(w, &why);
    }
    if (code == ERR_ABSENT && clock_ms() < sending_deadline(w))
        return;
    if (code == ERR_ABSENT)
        err_set(&why, ERR_TIMEOUT, "timed out while sending");
    if (code != 0)
        wire_lose(w, why.text);
}

/* Errors after which Faktory closes the connection; the first word behind -ERR is no code. */
static bool ends_connection(const struct resp_reply *reply)
{
    static const char *const texts[] = {"too many connections", "shutdown in progress",
                                        "client is closed"};

    if (reply->kind != RESP_ERROR)
        return false;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (resp_holds(reply, texts[i]))
            return true;
    return false;
}

/* Gives each complete reply to its command. False when the connection is to be given up. */
static bool take_replies(struct wire *w, struct err_text *why)
{
    struct resp_reply reply;
    int code;

    while ((code = faktory_next(w->connection, &reply, why)) > 0) {
        struct link_command *c = command_queue_take(&w->in_flight);
        bool last = ends_connection(&reply);
        char shown[120];

        if (last) {
            resp_show(&reply, shown, sizeof shown);
            err_set(why, ERR_CLOSED, "Faktory ended the connection: %s", shown);
            w->backoff.failures = CROWDED_FAILURES;
            w->proven = false;
        } else if (!w->proven) {
            backoff_reset(&w->backoff);
            w->proven = true;
        }
        w->progress_ms = clock_ms();
        if (!c) {
            if (!last)
                err_set(why, ERR_PROTOCOL, "an answer to nothing");
            return false;
        }
        w->n_in_flight--;
        settle(w, c, LINK_ANSWERED, &reply, NULL);
        if (last)
            return false;
    }
    return code == 0;
}

void wire_receive(struct wire *w)
{
    struct err_text why;
    int n = faktory_receive(w->connection, &why);

    if (n == ERR_ABSENT)
        return;
    if (n < 0 || !take_replies(w, &why))
        wire_lose(w, why.text);
}

/* When the commands in flight count as unanswered: no reply for the read time-out, or the deadline
 * of one of them. Pipelined FETCHes answer one after the other: any reply is progress. */
static int64_t flight_deadline(const struct wire *w)
{
    if (!w->in_flight.head)
        return CLOCK_NEVER;
    return clock_earlier(w->progress_ms + w->options->settings->net.read_ms, w->flight_ms);
}

/* True when something in flight is unanswered for too long. The earliest deadline may be that of a
 * command that was answered long ago: then the commands are looked through for the next one. */
static bool flight_is_late(struct wire *w, int64_t now)
{
    if (!w->connection || flight_deadline(w) > now)
        return false;
    w->flight_ms = CLOCK_NEVER;
    for (const struct link_command *c = w->in_flight.head; c; c = c->next)
        w->flight_ms = clock_earlier(w->flight_ms, c->deadline_ms);
    return flight_deadline(w) <= now;
}

void wire_expire(struct wire *w)
{
    int64_t now = clock_ms();
    struct command_queue keep;
    struct link_command *c;

    if (flight_is_late(w, now))
        wire_lose(w, "no answer in time");
    w->ready_ms = CLOCK_NEVER;
    if (!w->ready.head)
        return;
    command_queue_clear(&keep);
    while ((c = command_queue_take(&w->ready)) != NULL) {
        if (c->deadline_ms > now) {
            command_queue_add(&keep, c);
            w->ready_ms = clock_earlier(w->ready_ms, c->deadline_ms);
        } else
            settle(w, c, LINK_UNSENT, NULL, "could not be sent in time");
    }
    command_queue_move(&keep, &w->ready);
    command_queue_move(&w->ready, &keep);
}

int64_t wire_next_look(const struct wire *w)
{
    int64_t at = flight_deadline(w);

    if (wire_gathers(w))
        at = clock_earlier(at, clock_ms() + GATHER_MS);
    if (w->ready.head)
        at = clock_earlier(at, w->ready_ms);
    if (w->arriving)
        return clock_earlier(at, faktory_step_deadline_ms(w->arriving));
    at = clock_earlier(at, sending_deadline(w));
    if (w->connection || atomic_load(&w->held)) /* whoever releases it wakes it */
        return at;
    return clock_earlier(at, w->retry_ms);
}

struct pollfd wire_poll(const struct wire *w)
{
    if (w->arriving)
        return (struct pollfd){.fd = faktory_fd(w->arriving),
                               .events = faktory_step_events(w->arriving)};
    if (w->connection)
        return (struct pollfd){.fd = faktory_fd(w->connection),
                               .events = (short)(POLLIN | (has_unsent(w) ? POLLOUT : 0))};
    return (struct pollfd){.fd = -1};
}

void wire_stay_connected(struct wire *w)
{
    struct err_text why;

    if (w->arriving || (!w->connection && clock_ms() >= w->retry_ms && !atomic_load(&w->held))) {
        arrive(w);
        /* A Faktory that is full says so behind its +OK, maybe in the same segment. */
        if (w->connection && !take_replies(w, &why))
            wire_lose(w, why.text);
    }
    if (!w->connection && !w->arriving && !w->options->patient)
        settle_all(w, &w->ready, LINK_UNSENT, "not connected to Faktory");
}

void wire_end(struct wire *w)
{
    static const char why[] = "stopped before an answer came";

    if (w->connection && !w->in_flight.head)
        faktory_close(w->connection);
    else
        faktory_drop(w->connection);
    faktory_drop(w->arriving);
    w->connection = w->arriving = NULL;
    atomic_store(&w->up, false);
    settle_all(w, &w->in_flight, LINK_UNKNOWN, why);
    settle_all(w, &w->ready, LINK_UNSENT, why);
}
