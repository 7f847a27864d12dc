// SPDX-License-Identifier: MIT
/*
 * watch - main's eye on the connection to Faktory: has it come up, has Faktory gone silent, is it
 * back. Reconnecting is the consumer's work; this sees to it that people learn of it. No clock, no
 * log, no lock of its own: one thread.
 */
#ifndef WORKER_WATCH_H
#define WORKER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/fetch/consumer.h"

enum {
    WATCH_SILENCE_MS = 30000, /* three heartbeats */
    WATCH_REPEAT_MS = 60000,
};

enum watch_event {
    WATCH_NOTHING,
    WATCH_CONNECTED, /* for the first time: once */
    WATCH_SILENT,    /* nothing heard for too long: then every WATCH_REPEAT_MS */
    WATCH_BACK,      /* heard again after that */
};

/* Embedded by value, zero but for started_ms. */
struct watch {
    int64_t started_ms; /* all times are clock_ms() */
    int64_t warned_ms;  /* 0: not silent */
    bool connected;
};

/* Looks at the consumer's state at a moment. At most one event a call. */
enum watch_event watch_step(struct watch *w, const struct consumer_state *state, int64_t now_ms);

/* How long nothing has been heard from Faktory; since `started_ms` when nothing ever was. */
int64_t watch_silence_ms(const struct consumer_state *state, int64_t started_ms, int64_t now_ms);

#endif
