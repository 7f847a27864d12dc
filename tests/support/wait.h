// SPDX-License-Identifier: MIT
/*
 * wait - how a test waits for something to become true, and how it finds a port. A test never
 * sleeps "to let things settle": it names the condition and a deadline. Any thread.
 */
#ifndef TESTS_SUPPORT_WAIT_H
#define TESTS_SUPPORT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Asks cond(arg) every few milliseconds until it is true or `timeout_ms` passed; its last answer.
 */
bool wait_until(bool (*cond)(void *), void *arg, int64_t timeout_ms);

/*
 * A TCP port on 127.0.0.1 that nothing uses at this moment, or -1. For servers that cannot be given
 * port 0. Between this call and the server's bind somebody else may take it: check who listens.
 *
 * The port lies below the range that the kernel gives to outgoing connections. Otherwise a client
 * that keeps reconnecting while the server is down could be given that very port, and then it
 * connects to itself and the server cannot come back.
 */
int free_port(void);

#endif
