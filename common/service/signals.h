// SPDX-License-Identifier: MIT
/*
 * signals - how main hears that it shall stop. The signals are blocked in every thread and main
 * takes them one by one with signals_wait(), so no code ever runs inside a handler, except the one
 * that a second stop signal gets. Works as PID 1 too, where the kernel drops signals that are
 * neither blocked nor handled.
 *
 * Everything here is for the main thread.
 */
#ifndef COMMON_SERVICE_SIGNALS_H
#define COMMON_SERVICE_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* Blocks the signals of `set` for this thread and all that it starts; SIGPIPE is ignored. Before
 * the first thread is started. */
void signals_setup(const sigset_t *set);

/* Blocks until one of them comes, or until clock_ms() reaches the deadline (CLOCK_NEVER: no
 * deadline). The signal's number, or 0. */
int signals_wait(int64_t deadline_ms);

/* After the first stop signal: another SIGTERM or SIGINT now ends the program at once, with a line
 * on standard error and the exit code 1, whatever main is waiting for. */
void signals_exit_on_second(void);

#endif
