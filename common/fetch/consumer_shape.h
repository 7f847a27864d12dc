// SPDX-License-Identifier: MIT
/*
 * consumer_shape - how many connections a consumer has, and why. Arithmetic only; for whoever wants
 * to know it without having a consumer, too.
 */
#ifndef COMMON_FETCH_CONSUMER_SHAPE_H
#define COMMON_FETCH_CONSUMER_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CONSUMER_WINDOW_AUTO = 1000, /* most FETCHes in flight on a lane, where nothing else is said */
    CONSUMER_THREADS = 4,        /* for lanes, settlers, heartbeat, ticker */
};

struct consumer_shape {
    unsigned lanes, settlers;
    unsigned connections; /* with the heartbeat's */
};

bool consumer_is_near(int64_t rtt_us);

/* With so many lanes (0: chosen), at this round trip in microseconds. */
struct consumer_shape consumer_shape(unsigned lanes, int64_t rtt_us);

#endif
