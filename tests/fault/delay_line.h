// SPDX-License-Identifier: MIT
/*
 * delay_line - a port on 127.0.0.1 behind which a server is far away: every byte arrives some
 * milliseconds later in each direction, and the order and the number of bytes under way are not
 * limited. One thread of its own serves all connections; the calls may come from any other thread.
 */
#ifndef TESTS_FAULT_DELAY_LINE_H
#define TESTS_FAULT_DELAY_LINE_H

struct delay_line;

/* To a server on 127.0.0.1:target_port, `delay_ms` each way. NULL when it cannot be had. */
struct delay_line *delay_line_start(int target_port, int delay_ms);

/* Closes every connection, joins the thread and frees. NULL is allowed. */
void delay_line_free(struct delay_line *d);

const char *delay_line_url(const struct delay_line *d);

#endif
