// SPDX-License-Identifier: MIT
/*
 * stop - Ctrl-C in commands that go on for a while: the first SIGINT or SIGTERM is remembered, and
 * the command ends at the next good place; the second ends wf at once, with 128 + its number.
 * Main thread.
 */
#ifndef TOOLS_WF_STOP_H
#define TOOLS_WF_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* From here on signals are remembered. Once, before the work begins. */
void stop_catch(void);

/* True after a signal. */
bool stop_asked(void);

/* Waits until clock_ms() reaches the deadline, or until a signal comes: true then. */
bool stop_wait(int64_t deadline_ms);

#endif
