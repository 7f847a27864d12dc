// SPDX-License-Identifier: MIT
#include "common/faktory/link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/faktory/backoff.h"

enum {
    BACKOFF_FIRST_MS = 50,
    BACKOFF_MOST_MS = 3000,
    CROWDED_FAILURES = 8, /* after "too many connections": start from the longest wait */
    SLEEP_MOST_MS = 60000,
    GATHER_MS = 2,
    SEND_AT_ONCE = 256 << 10,
    PROMPT_MS = 50, /* longest sleep while bytes that came are too few to wake up for */
    LINK_STACK_BYTES = 128 << 10,
};

struct queue { /* commands, singly linked, appended at the tail */
    struct link_command *head, **tail;
};

struct link {
    struct link_options options; /* immutable, like the name */
    char name[16];
    pthread_t thread;
    bool started;
    int wake_fd; /* eventfd: written when the thread sleeps and should look again */

    pthread_mutex_t lock;
    struct queue outbox;      /* guarded by lock */
    bool sleeping;            /* guarded by lock: in poll(), or about to be */
    bool stopping;            /* guarded by lock */
    bool renewing;            /* guarded by lock */
    int64_t stop_deadline_ms; /* guarded by lock */

    /* the link's thread only */
    struct faktory *connection; /* NULL: not connected */
    struct queue ready;         /* taken from the outbox, not sent */
    struct queue in_flight;     /* sent, in order */
    unsigned n_in_flight;
    unsigned n_slow;       /* of these: not prompt */
    unsigned prompt_bytes; /* that the prompt ones will bring at least */
    int wake_at;           /* what the socket was told */
    struct buf out;
    int64_t sent_ms;     /* last write */
    int64_t progress_ms; /* last reply, or first send after none were in flight */
    int64_t flight_ms;   /* no command in flight has an earlier deadline than this */
    int64_t ready_ms;    /* the earliest deadline in `ready`, when it was last looked through */
    struct backoff backoff;
    int64_t retry_ms; /* not connected: when the next attempt is due */
    bool proven;      /* this connection has carried a good reply */

    atomic_bool held; /* no new connection for now */
    atomic_bool up;
    atomic_uint load;
    atomic_ulong connects;
};

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void queue_clear(struct queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

static void queue_add(struct queue *q, struct link_command *c)
{
    c->next = NULL;
    *q->tail = c;
    q->tail = &c->next;
}

static struct link_command *queue_take(struct queue *q)
{
    struct link_command *c = q->head;

    if (c && !(q->head = c->next))
        q->tail = &q->head;
    return c;
}

/* Moves all of src behind dst. */
static void queue_move(struct queue *dst, struct queue *src)
{
    if (!src->head)
        return;
    *dst->tail = src->head;
    dst->tail = src->tail;
    queue_clear(src);
}

static void settle(struct link *l, struct link_command *c, enum link_fate fate,
                   const struct resp_reply *reply, const char *why)
{
    atomic_fetch_sub_explicit(&l->load, 1, memory_order_relaxed);
    c->done(c, fate, reply, why);
}

/* Ends every command of the queue; those that `done` submits meanwhile go to the outbox. */
static void settle_all(struct link *l, struct queue *q, enum link_fate fate, const char *why)
{
    struct queue all;
    struct link_command *c;

    queue_clear(&all);
    queue_move(&all, q);
    while ((c = queue_take(&all)) != NULL)
        settle(l, c, fate, NULL, why);
}

static void tell_state(struct link *l, bool up, const char *why)
{
    atomic_store(&l->up, up);
    if (l->options.on_state)
        l->options.on_state(l->options.ctx, up, why);
}

/* The connection is of no more use: what was sent is unanswered for good. One that worked is made
 * again at once; one that was accepted and then dropped waits like one that was refused. */
static void lose_connection(struct link *l, const char *why)
{
    faktory_drop(l->connection);
    l->connection = NULL;
    l->n_slow = l->prompt_bytes = 0;
    l->wake_at = 1;
    l->retry_ms = clock_ms() + (l->proven ? 0 : backoff_next_ms(&l->backoff));
    l->n_in_flight = 0;
    log_debug("connection lost link=%s why=\"%s\"", l->name, why);
    tell_state(l, false, why);
    if (l->options.patient) {
        queue_move(&l->in_flight, &l->ready); /* the unanswered ones first, in their order */
        queue_move(&l->ready, &l->in_flight);
    } else
        settle_all(l, &l->in_flight, LINK_UNKNOWN, why);
}

static void connect_now(struct link *l)
{
    struct err_text why = {""};

    l->connection = faktory_connect(l->options.settings, l->options.identity, NULL, &why);
    l->proven = false;
    l->wake_at = 1;
    if (!l->connection) {
        l->retry_ms = clock_ms() + backoff_next_ms(&l->backoff);
        log_debug("cannot connect link=%s why=\"%s\"", l->name, why.text);
        tell_state(l, false, why.text);
        if (!l->options.patient)
            settle_all(l, &l->ready, LINK_UNSENT, why.text);
        return;
    }
    atomic_fetch_add_explicit(&l->connects, 1, memory_order_relaxed);
    tell_state(l, true, NULL);
}

static void count_in_flight(struct link *l, const struct link_command *c, int sign)
{
    l->n_in_flight += (unsigned)sign;
    l->n_slow += c->prompt_bytes == 0 ? (unsigned)sign : 0;
    l->prompt_bytes += (unsigned)sign * c->prompt_bytes;
}

/* True while what comes in is held back, to go in one write with more. */
static bool gathering(const struct link *l)
{
    return l->options.gather && l->n_in_flight > 0;
}

/* Sends what is ready, as far as the window allows, in few writes. */
static void send_ready(struct link *l)
{
    struct err_text why;
    struct link_command *c;
    bool failed = false;

    if (!l->ready.head || (gathering(l) && clock_ms() < l->sent_ms + GATHER_MS))
        return;
    l->sent_ms = clock_ms();
    while (!failed && l->ready.head && l->n_in_flight < l->options.window) {
        if (l->n_in_flight == 0) {
            l->progress_ms = clock_ms();
            l->flight_ms = CLOCK_NEVER;
        }
        buf_clear(&l->out);
        while (l->ready.head && l->n_in_flight < l->options.window && l->out.len < SEND_AT_ONCE) {
            c = queue_take(&l->ready);
            buf_add(&l->out, c->text, c->len);
            queue_add(&l->in_flight, c);
            count_in_flight(l, c, 1);
            l->flight_ms = earliest(l->flight_ms, c->deadline_ms);
        }
        if (l->out.failed) {
            err_set(&why, ERR_NOMEM, "out of memory for sending");
            failed = true;
        } else
            failed = faktory_send(l->connection, l->out.data, l->out.len, &why) != 0;
    }
    if (failed)
        lose_connection(l, why.text);
}

/* Errors after which Faktory closes the connection; the first word behind -ERR is no code. */
static bool ends_connection(const struct resp_reply *reply)
{
    static const char *const texts[] = {"too many connections", "shutdown in progress",
                                        "client is closed"};

    if (reply->kind != RESP_ERROR)
        return false;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (memmem(reply->text, reply->len, texts[i], strlen(texts[i])))
            return true;
    return false;
}

/* Gives each complete reply to its command. False when the connection is to be given up. */
static bool take_replies(struct link *l, struct err_text *why)
{
    struct resp_reply reply;
    int code;

    while ((code = faktory_next(l->connection, &reply, why)) > 0) {
        struct link_command *c = queue_take(&l->in_flight);
        bool last = ends_connection(&reply);
        char shown[120];

        if (last) {
            resp_show(&reply, shown, sizeof shown);
            err_set(why, ERR_CLOSED, "Faktory ended the connection: %s", shown);
            l->backoff.failures = CROWDED_FAILURES;
            l->proven = false;
        } else if (!l->proven) {
            backoff_reset(&l->backoff);
            l->proven = true;
        }
        l->progress_ms = clock_ms();
        if (!c) {
            if (!last)
                err_set(why, ERR_PROTOCOL, "an answer to nothing");
            return false;
        }
        count_in_flight(l, c, -1);
        settle(l, c, LINK_ANSWERED, &reply, NULL);
        if (last)
            return false;
    }
    return code == 0;
}

static void receive(struct link *l)
{
    struct err_text why;
    int n = faktory_receive(l->connection, &why);

    if (n == ERR_ABSENT)
        return;
    if (n < 0 || !take_replies(l, &why))
        lose_connection(l, why.text);
}

/* When the commands in flight count as unanswered: no reply for the read time-out, or the deadline
 * of one of them. Pipelined FETCHes answer one after the other: any reply is progress. */
static int64_t flight_deadline(const struct link *l)
{
    if (!l->in_flight.head)
        return CLOCK_NEVER;
    return earliest(l->progress_ms + l->options.settings->net.read_ms, l->flight_ms);
}

/* True when something in flight is unanswered for too long. The earliest deadline may be that of a
 * command that was answered long ago: then the commands are looked through for the next one. */
static bool flight_is_late(struct link *l, int64_t now)
{
    if (!l->connection || flight_deadline(l) > now)
        return false;
    l->flight_ms = CLOCK_NEVER;
    for (const struct link_command *c = l->in_flight.head; c; c = c->next)
        l->flight_ms = earliest(l->flight_ms, c->deadline_ms);
    return flight_deadline(l) <= now;
}

/* Ends what is too late. */
static void expire(struct link *l)
{
    int64_t now = clock_ms();
    struct queue keep;
    struct link_command *c;

    if (flight_is_late(l, now))
        lose_connection(l, "no answer in time");
    l->ready_ms = CLOCK_NEVER;
    if (!l->ready.head)
        return;
    queue_clear(&keep);
    while ((c = queue_take(&l->ready)) != NULL) {
        if (c->deadline_ms > now) {
            queue_add(&keep, c);
            l->ready_ms = earliest(l->ready_ms, c->deadline_ms);
        } else
            settle(l, c, LINK_UNSENT, NULL, "could not be sent in time");
    }
    queue_move(&keep, &l->ready);
    queue_move(&l->ready, &keep);
}

/* Until when the thread may sleep if nothing happens. */
static int64_t next_look(const struct link *l)
{
    int64_t at = flight_deadline(l);

    if (gathering(l))
        at = earliest(at, clock_ms() + GATHER_MS);
    if (l->ready.head)
        at = earliest(at, l->ready_ms);
    if (l->connection || atomic_load(&l->held)) /* whoever releases it wakes it */
        return at;
    return earliest(at, l->retry_ms);
}

/*
 * How many bytes are worth waking up for. When all in flight answer promptly: the bytes that must
 * come, up to a few kilobytes. Fewer than that cannot be the end of the matter, so nothing is left
 * lying; real answers are longer than the least ones, so the pipeline is refilled in time; a lost
 * connection wakes in any case.
 */
static void set_wake_at(struct link *l)
{
    enum { WAKE_STEP = 64, WAKE_MOST = 2048 };
    size_t half_read = faktory_buffered(l->connection); /* what it had will not come again */
    size_t sure = l->prompt_bytes > half_read ? l->prompt_bytes - half_read : 0;
    int at = sure < WAKE_MOST ? (int)sure : WAKE_MOST;

    if (at > WAKE_STEP) /* coarse steps: fewer system calls */
        at -= at % WAKE_STEP;
    if (at < 1 || l->n_slow > 0)
        at = 1;
    if (at == l->wake_at)
        return;
    l->wake_at = at;
    faktory_wake_at(l->connection, at);
}

/* True when the thread is to go to sleep; then a submitter wakes it, if that is any use. */
static bool fall_asleep(struct link *l, int64_t *until)
{
    bool sleep;

    mutex_lock(&l->lock);
    sleep = !l->outbox.head || gathering(l);
    l->sleeping = sleep && !gathering(l); /* a gathering link looks again by itself */
    if (l->stopping)
        *until = earliest(*until, l->stop_deadline_ms);
    mutex_unlock(&l->lock);
    return sleep;
}

/* Sleeps until the socket has something, somebody wants something, or the time comes. True when
 * the socket is to be read. */
static bool wait_for_work(struct link *l)
{
    struct pollfd p[2] = {
        {.fd = l->wake_fd, .events = POLLIN},
        {.fd = l->connection ? faktory_fd(l->connection) : -1, .events = POLLIN},
    };
    int64_t until = next_look(l);
    uint64_t count;
    int ready;

    if (l->connection)
        set_wake_at(l);
    if (l->wake_at > 1) /* an answer may be shorter than promised: an error in place of a job */
        until = earliest(until, clock_ms() + PROMPT_MS);
    if (!fall_asleep(l, &until))
        until = 0; /* look at the socket, do not sleep */
    ready = poll(p, 2, clock_poll_ms(until, SLEEP_MOST_MS));

    mutex_lock(&l->lock);
    l->sleeping = false;
    mutex_unlock(&l->lock);
    if (p[0].revents && read(l->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("link %s: eventfd: %s", l->name, strerror(errno));
    /* at the deadline there may be a few bytes, too few to have woken us */
    return p[1].revents != 0 || (ready == 0 && l->n_in_flight > 0);
}

/* Takes over what was submitted. True when the link is to end now. */
static bool take_orders(struct link *l)
{
    bool stopping, renew;
    int64_t deadline;

    mutex_lock(&l->lock);
    queue_move(&l->ready, &l->outbox);
    stopping = l->stopping;
    deadline = l->stop_deadline_ms;
    renew = l->renewing && l->connection && !l->in_flight.head;
    if (renew)
        l->renewing = false;
    mutex_unlock(&l->lock);
    if (renew)
        lose_connection(l, "a new one was asked for");
    return stopping && ((!l->ready.head && !l->in_flight.head) || clock_ms() >= deadline);
}

static void end(struct link *l)
{
    static const char why[] = "stopped before an answer came";

    if (l->connection && !l->in_flight.head)
        faktory_close(l->connection);
    else
        faktory_drop(l->connection);
    l->connection = NULL;
    atomic_store(&l->up, false);
    settle_all(l, &l->in_flight, LINK_UNKNOWN, why);
    settle_all(l, &l->ready, LINK_UNSENT, why);
}

/* Connected, or trying to be when that is due; without a connection the impatient give up. */
static void stay_connected(struct link *l)
{
    struct err_text why;

    if (!l->connection && clock_ms() >= l->retry_ms && !atomic_load(&l->held)) {
        connect_now(l);
        /* A Faktory that is full says so behind its +OK, maybe in the same segment. */
        if (l->connection && !take_replies(l, &why))
            lose_connection(l, why.text);
    }
    if (!l->connection && !l->options.patient)
        settle_all(l, &l->ready, LINK_UNSENT, "not connected to Faktory");
}

static void *run(void *arg)
{
    struct link *l = arg;

    while (!take_orders(l)) {
        expire(l);
        stay_connected(l);
        if (l->connection)
            send_ready(l);
        if (wait_for_work(l) && l->connection)
            receive(l);
    }
    end(l);
    return NULL;
}

struct link *link_new(const struct link_options *options)
{
    struct link *l = calloc(1, sizeof *l);

    if (!l || (l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
        free(l);
        return NULL;
    }
    l->options = *options;
    snprintf(l->name, sizeof l->name, "%.10s-%u", options->name, options->number % 1000);
    l->backoff = (struct backoff){.first_ms = BACKOFF_FIRST_MS, .most_ms = BACKOFF_MOST_MS};
    queue_clear(&l->outbox);
    queue_clear(&l->ready);
    queue_clear(&l->in_flight);
    mutex_init(&l->lock);
    return l;
}

int link_start(struct link *l)
{
    int code = thread_start(&l->thread, l->name, LINK_STACK_BYTES, run, l);

    l->started = code == 0;
    return code;
}

/* Call without the lock, when the thread was found sleeping under it. */
static void wake(struct link *l)
{
    uint64_t one = 1;

    while (write(l->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

bool link_submit(struct link *l, struct link_command *c)
{
    bool taken, asleep = false;

    atomic_fetch_add_explicit(&l->load, 1, memory_order_relaxed);
    mutex_lock(&l->lock);
    taken = !l->stopping;
    if (taken) {
        queue_add(&l->outbox, c);
        asleep = l->sleeping;
        l->sleeping = false; /* one write wakes it; the next submitter need not */
    }
    mutex_unlock(&l->lock);
    if (!taken)
        atomic_fetch_sub_explicit(&l->load, 1, memory_order_relaxed);
    else if (asleep)
        wake(l);
    return taken;
}

void link_finish(struct link *l, int64_t deadline_ms)
{
    mutex_lock(&l->lock);
    l->stop_deadline_ms = l->stopping ? earliest(l->stop_deadline_ms, deadline_ms) : deadline_ms;
    l->stopping = true;
    mutex_unlock(&l->lock);
    wake(l);
}

void link_hold(struct link *l, bool hold)
{
    atomic_store(&l->held, hold);
    if (!hold)
        wake(l);
}

void link_renew(struct link *l)
{
    mutex_lock(&l->lock);
    l->renewing = true;
    mutex_unlock(&l->lock);
    wake(l);
}

void link_join(struct link *l)
{
    if (l->started)
        thread_join(l->thread);
    l->started = false;
}

void link_free(struct link *l)
{
    if (!l)
        return;
    link_join(l);
    close(l->wake_fd);
    mutex_fini(&l->lock);
    buf_fini(&l->out);
    free(l);
}

bool link_is_up(const struct link *l)
{
    return atomic_load(&l->up);
}

unsigned link_load(const struct link *l)
{
    return atomic_load_explicit(&l->load, memory_order_relaxed);
}

unsigned long link_reconnects(const struct link *l)
{
    unsigned long n = atomic_load_explicit(&l->connects, memory_order_relaxed);

    return n > 0 ? n - 1 : 0;
}
