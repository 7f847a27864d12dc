// SPDX-License-Identifier: MIT
/*
 * child - one program that the bench starts, measures and ends, always by its pid. What it prints
 * goes to a file. The kernel kills it when the thread that started it ends: start children from the
 * main thread, which also is the only one to use them.
 */
#ifndef TOOLS_BENCH_CHILD_H
#define TOOLS_BENCH_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"

struct child;

struct child_options {
    const char *const *argv; /* NULL at the end; argv[0] is looked up on PATH */
    const char *const *env;  /* "NAME=value", NULL at the end; settings of our programs that the
                                environment of the bench holds are not passed on */
    const char *log_path;
    int netns; /* descriptor of the network namespace it runs in; -1: that of the bench */
};

struct child *child_start(const struct child_options *options, struct err_text *why);

/* SIGTERM, and SIGKILL when it still runs after `timeout_ms`; frees. Its exit code, or 128 + the
 * signal that ended it. NULL is fine: 0. */
int child_stop(struct child *c, int64_t timeout_ms);

/* Waits for its end instead; -1 when that took too long (it is killed then). Frees. */
int child_wait(struct child *c, int64_t timeout_ms);

pid_t child_pid(const struct child *c);
bool child_alive(struct child *c);

/* Waits for a text in what it prints; what follows the text on its line goes to `rest` (may be
 * NULL). 0; ERR_CLOSED when the program ended, ERR_TIMEOUT; `why` then has its last words. */
int child_wait_line(struct child *c, const char *text, char *rest, size_t room, int64_t timeout_ms,
                    struct err_text *why);

/* ---- what /proc says of any process ---- */

/* CPU time that it has used, all threads, in microseconds; 0 when it is gone. */
int64_t process_cpu_us(pid_t pid);

/* Most memory that it ever had (VmHWM), in KiB; 0 when it is gone. */
long process_peak_kib(pid_t pid);

/* A process of this name with `text` in its command line, or 0. */
pid_t process_with(const char *name, const char *text);

/* A child of `parent` with this name, or 0. */
pid_t process_child(pid_t parent, const char *name);

#endif
