// SPDX-License-Identifier: MIT
#include "common/faktory/link_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"

enum {
    SLEEP_MOST_MS = 60000,
    STACK_BYTES = 128 << 10,
    SOON_MOST = 16,
};

struct link_loop {
    char name[16]; /* immutable, like the next four once the thread runs */
    int64_t rest_us;
    int wake_fd; /* eventfd: written when the thread sleeps and should look again */
    struct link *links;
    struct pollfd *fds; /* the eventfd's, and one for each link in their order */
    unsigned n_links;
    pthread_t thread;
    bool started;
    /* the thread's */
    int64_t woke_us; /* when it last had something to do */
    unsigned soon;   /* times in a row that this was less than rest_us ago */

    pthread_mutex_t lock;
    bool sleeping; /* guarded by lock: in poll(), or about to be */
};

struct link_loop *link_loop_new(const char *name, int64_t rest_us)
{
    struct link_loop *loop = calloc(1, sizeof *loop);

    if (!loop || (loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
        free(loop);
        return NULL;
    }
    snprintf(loop->name, sizeof loop->name, "%s", name);
    loop->rest_us = rest_us;
    mutex_init(&loop->lock);
    return loop;
}

void link_loop_free(struct link_loop *loop)
{
    if (!loop)
        return;
    link_loop_join(loop);
    close(loop->wake_fd);
    mutex_fini(&loop->lock);
    free(loop->fds);
    free(loop);
}

void link_loop_add(struct link_loop *loop, struct link *l)
{
    struct link **end = &loop->links;

    while (*end)
        end = &(*end)->next;
    *end = l;
    loop->n_links++;
}

void link_loop_lock(struct link_loop *loop)
{
    mutex_lock(&loop->lock);
}

void link_loop_unlock(struct link_loop *loop)
{
    mutex_unlock(&loop->lock);
}

void link_loop_wake(struct link_loop *loop)
{
    uint64_t one = 1;

    while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

bool link_loop_claim_wake_locked(struct link_loop *loop)
{
    bool sleeping = loop->sleeping;

    loop->sleeping = false;
    return sleeping;
}

/* ---- one turn ---- */

static void take_orders(struct link_loop *loop)
{
    mutex_lock(&loop->lock);
    for (struct link *l = loop->links; l; l = l->next) {
        command_queue_move(&l->wire.ready, &l->outbox);
        l->finish = l->stopping;
        l->finish_ms = l->stop_deadline_ms;
        l->renew = l->renewing && l->wire.connection && !l->wire.in_flight.head;
        if (l->renew)
            l->renewing = false;
    }
    mutex_unlock(&loop->lock);
}

static bool has_finished(const struct link *l)
{
    return l->finish &&
           ((!l->wire.ready.head && !l->wire.in_flight.head) || clock_ms() >= l->finish_ms);
}

static void serve(struct link *l)
{
    if (l->renew)
        wire_lose(&l->wire, "a new one was asked for");
    if (has_finished(l)) {
        wire_end(&l->wire);
        l->ended = true;
        return;
    }
    wire_expire(&l->wire);
    wire_stay_connected(&l->wire);
    if (l->wire.connection)
        wire_send(&l->wire);
}

/* False when all links have ended. */
static bool serve_all(struct link_loop *loop)
{
    bool any = false;

    take_orders(loop);
    for (struct link *l = loop->links; l; l = l->next) {
        if (!l->ended)
            serve(l);
        any = any || !l->ended;
    }
    return any;
}

/* True when the thread is to go to sleep; then a submitter wakes it, if that is any use. */
static bool fall_asleep(struct link_loop *loop, int64_t *until)
{
    bool sleep = true;

    mutex_lock(&loop->lock);
    for (struct link *l = loop->links; l; l = l->next) {
        l->gathering = wire_gathers(&l->wire);
        sleep = sleep && (!l->outbox.head || l->gathering);
        if (l->stopping && !l->ended)
            *until = clock_earlier(*until, l->stop_deadline_ms);
    }
    loop->sleeping = sleep;
    mutex_unlock(&loop->lock);
    return sleep;
}

/* What each link waits for; returns until when. */
static int64_t prepare_poll(struct link_loop *loop)
{
    struct pollfd *p = loop->fds;
    int64_t until = CLOCK_NEVER;

    *p = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
    for (struct link *l = loop->links; l; l = l->next) {
        *++p = wire_poll(&l->wire);
        if (!l->ended)
            until = clock_earlier(until, wire_next_look(&l->wire));
    }
    return until;
}

/* Woken again and again so soon: waits for more to come, so that a busy loop has few large turns.
 * A handful of wake-ups in a row is no load yet. */
static void rest(struct link_loop *loop)
{
    int64_t rest_us = loop->rest_us - (clock_us() - loop->woke_us);

    loop->soon = rest_us > 0 ? loop->soon + 1 : 0;
    if (loop->soon > SOON_MOST)
        nanosleep(&(struct timespec){.tv_nsec = rest_us * 1000}, NULL);
    loop->woke_us = clock_us();
}

/* Sleeps until a socket has something, somebody wants something, or the time comes. */
static void wait_for_work(struct link_loop *loop)
{
    struct pollfd *p = loop->fds;
    int64_t until = prepare_poll(loop);
    uint64_t count;
    int ready;

    if (!fall_asleep(loop, &until))
        until = 0; /* look at the sockets, do not sleep */
    ready = poll(p, loop->n_links + 1, clock_poll_ms(until, SLEEP_MOST_MS));
    mutex_lock(&loop->lock);
    loop->sleeping = false;
    mutex_unlock(&loop->lock);
    if (ready > 0 && loop->rest_us > 0)
        rest(loop);
    if (p->revents && read(loop->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("links %s: eventfd: %s", loop->name, strerror(errno));
    for (struct link *l = loop->links; l; l = l->next)
        if ((++p)->revents & ~POLLOUT && l->wire.connection)
            wire_receive(&l->wire);
}

static void *run(void *arg)
{
    struct link_loop *loop = arg;

    while (serve_all(loop))
        wait_for_work(loop);
    return NULL;
}

int link_loop_start(struct link_loop *loop)
{
    int code;

    if (loop->started)
        return 0;
    if (!(loop->fds = calloc(loop->n_links + 1, sizeof *loop->fds)))
        return ERR_NOMEM;
    code = thread_start(&loop->thread, loop->name, STACK_BYTES, run, loop);
    loop->started = code == 0;
    return code;
}

void link_loop_join(struct link_loop *loop)
{
    if (loop->started)
        thread_join(loop->thread);
    loop->started = false;
}
