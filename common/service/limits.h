// SPDX-License-Identifier: MIT
/*
 * limits - what this machine says about how many threads a program may have, and how much memory:
 * for error messages, and to look before one starts. What cannot be read is left out.
 *
 * `root` is put before the paths under /proc and /sys: "" is this machine, anything else is a copy
 * of such files (tests). Any thread.
 */
#ifndef COMMON_SERVICE_LIMITS_H
#define COMMON_SERVICE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

enum { LIMITS_MAX = 40, LIMITS_NAME_MAX = 192 };

/* A plain value. */
struct limit {
    char name[LIMITS_NAME_MAX]; /* "ulimit -u", "/sys/fs/cgroup/a.slice/pids.max", ... */
    int64_t most;               /* the limit itself, in its own unit */
    int64_t room;               /* how much of what was asked for still fits below it */
};

/*
 * The limits that hold for a program that this process would start, and for each how many threads
 * with stacks of this size it still leaves room for. A limit that does not bind here (`ulimit -u`
 * for root, "max") is left out. Returns how many rows there are.
 */
size_t limits_threads(const char *root, int64_t stack_bytes, struct limit out[LIMITS_MAX]);

/* The same for memory; `room` is in bytes. Always holds MemAvailable when /proc is readable. */
size_t limits_memory(const char *root, struct limit out[LIMITS_MAX]);

/* The row that leaves least room, or NULL when there are none. */
const struct limit *limits_tightest(const struct limit *rows, size_t n);

/* Appends "ulimit -u 4096, pids.max 5000, ...". */
void limits_describe(struct buf *out);

#endif
