// SPDX-License-Identifier: MIT
/*
 * process - one child program of a test: started, signalled, waited for and ended by its pid, never
 * by name. What it prints goes to a file that the test can read.
 *
 * The kernel kills the child (SIGKILL) when the thread that started it ends, so that a test which
 * crashes leaves nothing behind: start children from the test's own thread. One thread at a time
 * uses a struct process.
 */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"

struct process;

struct process_options {
    const char *const *argv; /* NULL at the end; argv[0] is the path of the program */
    /*
     * Changes to the test's own environment, NULL at the end; NULL: none. "NAME=value" sets, "NAME"
     * removes, "NAME*" removes every variable whose name starts with NAME. In order: removing a
     * group and then setting one of it works.
     */
    const char *const *env;
    const char *log_path; /* stdout and stderr are appended to this file */
};

/* Starts the program. NULL when the file cannot be run, with the reason. */
struct process *process_start(const struct process_options *options, struct err_text *why);

/* Kills the program if it still runs, waits for it and frees. NULL is allowed. */
void process_free(struct process *p);

pid_t process_pid(const struct process *p);

/* True while the program has not ended. */
bool process_alive(struct process *p);

/* 0, or ERR_ABSENT when it has ended. */
int process_signal(struct process *p, int signal_number);

/*
 * Waits until the program ended by itself; *status (may be NULL) gets its exit code, or 128 + the
 * signal that ended it. 0, or ERR_TIMEOUT. May be called again afterwards.
 */
int process_wait(struct process *p, int64_t timeout_ms, int *status);

/* SIGTERM, and SIGKILL when it still runs `timeout_ms` later; the status as process_wait gives it.
 */
int process_stop(struct process *p, int64_t timeout_ms);

/* All that the program printed so far (malloc'd; NULL when the file cannot be read). */
char *process_output(const struct process *p);

/* Waits until the output holds `text`. False when time is up, or when it ended without it. */
bool process_has_logged(struct process *p, const char *text, int64_t timeout_ms);

#endif
