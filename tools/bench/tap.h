// SPDX-License-Identifier: MIT
/*
 * tap - a relay between a worker and Faktory that notes what passes: how many commands of which
 * kind, on how many connections, and when the ACK of one job leaves the worker. It makes it
 * possible to measure a worker of any make from outside, without a change to it. It adds some 20 us
 * each way: for latencies and idle workers, not for rates.
 */
#ifndef TOOLS_BENCH_TAP_H
#define TOOLS_BENCH_TAP_H

#include <stdint.h>

#include "common/base/err.h"

struct tap;

struct tap_counts {
    unsigned connections; /* that were made so far */
    unsigned fetchers;    /* of them, those that have sent a FETCH */
    unsigned long fetches, acks, beats, commands;
};

/* Listens on a port of 127.0.0.1 and relays to host:port. NULL with the reason. */
struct tap *tap_start(const char *host, const char *port, struct err_text *why);
void tap_stop(struct tap *t); /* NULL is fine */

/* What a worker takes as FAKTORY_URL. */
const char *tap_url(const struct tap *t);

void tap_look(struct tap *t, struct tap_counts *counts);

/* Says whose ACK is waited for, before the job is pushed. */
void tap_expect(struct tap *t, const char *jid);

/* When that ACK passed (clock_us()), or 0 when it has not by the deadline. Blocks. */
int64_t tap_wait_ack(struct tap *t, int64_t deadline_ms);

#endif
