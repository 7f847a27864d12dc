// SPDX-License-Identifier: MIT
/*
 * server - a private Faktory for one measurement, with its own Redis, folder and port, on the far
 * side of the wire. INFO is asked from there too, so asking costs no round trip. Main thread.
 */
#ifndef TOOLS_BENCH_SERVER_H
#define TOOLS_BENCH_SERVER_H

#include <sys/types.h>

#include "common/faktory/faktory.h"
#include "tools/bench/bench.h"

struct server;

/* NULL with the reason. */
struct server *server_start(const struct bench *b, struct err_text *why);
void server_stop(struct server *s); /* NULL is fine */

const char *server_url(const struct server *s);
const char *server_port(const struct server *s);
/* For connections of the bench's own; lives as long as the server. */
const struct faktory_settings *server_settings(const struct server *s);

/* CPU time of Faktory and of its Redis, in microseconds. */
int64_t server_cpu_us(const struct server *s);

struct server_info {
    int64_t at_us; /* clock_us() when the answer came */
    long long processed, failures, enqueued, working, retries, dead, scheduled;
    long long connections; /* of others than the bench */
    long long commands;    /* of others than the bench's INFO */
};

/* Not more often than 4 times a second while a queue may be new: Faktory 1.9 reads the table of
 * queues without a lock. */
int server_info(struct server *s, struct server_info *info, struct err_text *why);

#endif
