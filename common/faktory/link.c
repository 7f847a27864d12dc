// SPDX-License-Identifier: MIT
#include "common/faktory/link.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/faktory/link_loop.h"

struct link *link_new(const struct link_options *options)
{
    struct link *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->options = *options;
    snprintf(l->name, sizeof l->name, "%.10s-%u", options->name, options->number % 1000);
    l->loop = options->loop ? options->loop : link_loop_new(l->name, 0);
    if (!l->loop) {
        free(l);
        return NULL;
    }
    wire_init(&l->wire, &l->options, l->name);
    command_queue_clear(&l->outbox);
    link_loop_add(l->loop, l);
    return l;
}

int link_start(struct link *l)
{
    return link_loop_start(l->loop);
}

bool link_submit(struct link *l, struct link_command *c)
{
    bool taken, wake = false;

    atomic_fetch_add_explicit(&l->wire.load, 1, memory_order_relaxed);
    link_loop_lock(l->loop);
    taken = !l->stopping;
    if (taken) {
        command_queue_add(&l->outbox, c);
        wake = !l->gathering && link_loop_claim_wake_locked(l->loop);
    }
    link_loop_unlock(l->loop);
    if (!taken)
        atomic_fetch_sub_explicit(&l->wire.load, 1, memory_order_relaxed);
    else if (wake)
        link_loop_wake(l->loop);
    return taken;
}

void link_finish(struct link *l, int64_t deadline_ms)
{
    link_loop_lock(l->loop);
    l->stop_deadline_ms =
        l->stopping ? clock_earlier(l->stop_deadline_ms, deadline_ms) : deadline_ms;
    l->stopping = true;
    link_loop_unlock(l->loop);
    link_loop_wake(l->loop);
}

void link_hold(struct link *l, bool hold)
{
    atomic_store(&l->wire.held, hold);
    if (!hold)
        link_loop_wake(l->loop);
}

void link_renew(struct link *l)
{
    link_loop_lock(l->loop);
    l->renewing = true;
    link_loop_unlock(l->loop);
    link_loop_wake(l->loop);
}

void link_join(struct link *l)
{
    link_loop_join(l->loop);
}

void link_free(struct link *l)
{
    if (!l)
        return;
    link_join(l);
    if (!l->options.loop)
        link_loop_free(l->loop);
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
