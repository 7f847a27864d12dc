// SPDX-License-Identifier: MIT
/*
 * wire - the network of a measurement. Either loopback, in a network namespace of the bench's own
 * where that can be had (then the bytes on it are ours alone), or two namespaces with a delay link
 * between them: the bench and all that it measures stand on the near side, Faktory on the far side.
 *
 * Needs root, /dev/net/tun and `ip`. What it makes has the bench's pid in its name ("wf123near")
 * and is gone after wire_stop(). For the main thread, except where said otherwise.
 */
#ifndef TOOLS_BENCH_WIRE_H
#define TOOLS_BENCH_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

struct wire; /* NULL stands for loopback */

struct wire_options {
    double rtt_ms;
    double jitter_ms;       /* of the round trip: 0 to this much is added, half of it each way */
    double loss_percent;    /* of packets, each way */
    const char *congestion; /* control of TCP on both sides; NULL: the one this machine has */
    const char *delaylink;
    const char *dir; /* for logs */
};

/* Makes the namespaces and the link; the calling thread is on the near side from then on. NULL with
 * the reason, in words for somebody who may lack nothing but root. */
struct wire *wire_start(const struct wire_options *options, struct err_text *why);

/* Takes all of it away and goes home. NULL is fine. */
void wire_stop(struct wire *w);

/* Where Faktory listens. */
const char *wire_far_host(const struct wire *w);

/* The namespace it runs in, for child_options; -1: none of its own. */
int wire_far_netns(const struct wire *w);

/* Changes the side that the calling thread makes its next sockets on; any thread. A thread begins
 * on the side of the one that started it. */
void wire_go_far(const struct wire *w);
void wire_go_near(const struct wire *w);

/* Puts the program into a network namespace of its own, for good: for measurements on loopback.
 * False when this machine or user cannot; then nothing has changed. Before any thread is started.
 */
bool wire_isolate(void);

/* Bytes that crossed the link so far, both ways, with all headers; -1 when nobody knows. */
long long wire_bytes(const struct wire *w);

/* CPU time that the delay link has used so far, in microseconds; 0 on loopback. */
int64_t wire_cpu_us(const struct wire *w);

#endif
