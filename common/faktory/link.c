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

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/faktory/wire.h"

enum {
    SLEEP_MOST_MS = 60000,
    LINK_STACK_BYTES = 128 << 10,
};

struct link {
    struct link_options options; /* immutable, like the name */
    char name[16];
    pthread_t thread;
    bool started;
    int wake_fd; /* eventfd: written when the thread sleeps and should look again */

    pthread_mutex_t lock;
    /* guarded by lock */
    struct command_queue outbox;
    bool sleeping; /* in poll(), or about to be */
    bool stopping;
    bool renewing;
    int64_t stop_deadline_ms;

    struct wire wire; /* the thread's */
};

/* True when the thread is to go to sleep; then a submitter wakes it, if that is any use. */
static bool fall_asleep(struct link *l, int64_t *until)
{
    bool sleep;

    mutex_lock(&l->lock);
    sleep = !l->outbox.head || wire_gathers(&l->wire);
    l->sleeping = sleep && !wire_gathers(&l->wire); /* a gathering link looks again by itself */
    if (l->stopping)
        *until = clock_earlier(*until, l->stop_deadline_ms);
    mutex_unlock(&l->lock);
    return sleep;
}

/* Sleeps until the socket has something, somebody wants something, or the time comes. True when
 * the socket is to be read. */
static bool wait_for_work(struct link *l)
{
    struct pollfd p[2] = {
        {.fd = l->wake_fd, .events = POLLIN},
        {.fd = l->wire.connection ? faktory_fd(l->wire.connection) : -1, .events = POLLIN},
    };
    int64_t until;
    uint64_t count;
    int ready;

    if (l->wire.connection)
        wire_set_wake(&l->wire);
    until = wire_next_look(&l->wire);
    if (!fall_asleep(l, &until))
        until = 0; /* look at the socket, do not sleep */
    ready = poll(p, 2, clock_poll_ms(until, SLEEP_MOST_MS));

    mutex_lock(&l->lock);
    l->sleeping = false;
    mutex_unlock(&l->lock);
    if (p[0].revents && read(l->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("link %s: eventfd: %s", l->name, strerror(errno));
    /* at the deadline there may be a few bytes, too few to have woken us */
    return p[1].revents != 0 || (ready == 0 && l->wire.n_in_flight > 0);
}

/* Takes over what was submitted. True when the link is to end now. */
static bool take_orders(struct link *l)
{
    bool stopping, renew;
    int64_t deadline;

    mutex_lock(&l->lock);
    command_queue_move(&l->wire.ready, &l->outbox);
    stopping = l->stopping;
    deadline = l->stop_deadline_ms;
    renew = l->renewing && l->wire.connection && !l->wire.in_flight.head;
    if (renew)
        l->renewing = false;
    mutex_unlock(&l->lock);
    if (renew)
        wire_lose(&l->wire, "a new one was asked for");
    return stopping && ((!l->wire.ready.head && !l->wire.in_flight.head) || clock_ms() >= deadline);
}

static void *run(void *arg)
{
    struct link *l = arg;

    while (!take_orders(l)) {
        wire_expire(&l->wire);
        wire_stay_connected(&l->wire);
        if (l->wire.connection)
            wire_send(&l->wire);
        if (wait_for_work(l) && l->wire.connection)
            wire_receive(&l->wire);
    }
    wire_end(&l->wire);
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
    wire_init(&l->wire, &l->options, l->name);
    command_queue_clear(&l->outbox);
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

    atomic_fetch_add_explicit(&l->wire.load, 1, memory_order_relaxed);
    mutex_lock(&l->lock);
    taken = !l->stopping;
    if (taken) {
        command_queue_add(&l->outbox, c);
        asleep = l->sleeping;
        l->sleeping = false; /* one write wakes it; the next submitter need not */
    }
    mutex_unlock(&l->lock);
    if (!taken)
        atomic_fetch_sub_explicit(&l->wire.load, 1, memory_order_relaxed);
    else if (asleep)
        wake(l);
    return taken;
}

void link_finish(struct link *l, int64_t deadline_ms)
{
    mutex_lock(&l->lock);
    l->stop_deadline_ms =
        l->stopping ? clock_earlier(l->stop_deadline_ms, deadline_ms) : deadline_ms;
    l->stopping = true;
    mutex_unlock(&l->lock);
    wake(l);
}

void link_hold(struct link *l, bool hold)
{
    atomic_store(&l->wire.held, hold);
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
    wire_fini(&l->wire);
    free(l);
}

bool link_is_up(const struct link *l)
{
    return atomic_load(&l->wire.up);
}

unsigned link_load(const struct link *l)
{
    return atomic_load_explicit(&l->wire.load, memory_order_relaxed);
}

unsigned long link_reconnects(const struct link *l)
{
    unsigned long n = atomic_load_explicit(&l->wire.connects, memory_order_relaxed);

    return n > 0 ? n - 1 : 0;
}
