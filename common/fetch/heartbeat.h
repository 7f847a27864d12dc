// SPDX-License-Identifier: MIT
/*
 * heartbeat - BEAT on a connection of its own: keeps the worker known to Faktory, measures the
 * round trip, and hears when Faktory's page asks for quiet or terminate. Faktory forgets a worker
 * after 60 s without one and closes all its connections.
 */
#ifndef COMMON_FETCH_HEARTBEAT_H
#define COMMON_FETCH_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/fetch/consumer.h"

struct heartbeat;

struct heartbeat_options {
    const struct faktory_settings *settings;
    const struct faktory_identity *identity;
    /* On the link's thread, no lock held. */
    void (*wished)(void *ctx, enum consumer_wish wish);
    void *wished_ctx;
    void (*round_trip)(void *ctx, int64_t rtt_us);
    void *round_trip_ctx;
    /* Its connection came up or was lost. On the link's thread, no lock held. */
    void (*on_state)(void *ctx, bool up);
    void *state_ctx;
    /* Wants heartbeat_tick() now. Any thread, no lock held. */
    void (*tick_at)(void *ctx, int64_t at_ms);
    void *tick_ctx;
};

struct heartbeat *heartbeat_new(const struct heartbeat_options *options); /* NULL: no memory */
int heartbeat_start(struct heartbeat *h);                                 /* 0 or ERR_NOMEM */

/* Sends a BEAT if one is due and returns when the next will be. Any thread, does not block. */
int64_t heartbeat_tick(struct heartbeat *h, int64_t now_ms);

/* What the next BEATs say about us: quiet or terminate; the next one is due at once. */
void heartbeat_set_state(struct heartbeat *h, enum consumer_wish state);

bool heartbeat_is_up(const struct heartbeat *h);
unsigned long heartbeat_reconnects(const struct heartbeat *h);
int64_t heartbeat_rtt_us(struct heartbeat *h);
int64_t heartbeat_heard_ms(struct heartbeat *h);

void heartbeat_finish(struct heartbeat *h, int64_t deadline_ms);
void heartbeat_join(struct heartbeat *h);
void heartbeat_free(struct heartbeat *h);

#endif
