// SPDX-License-Identifier: MIT
/*
 * tcp - a connection of a test to something on 127.0.0.1: blocking, each send and receive for at
 * most so long, nothing held back. Any thread.
 */
#ifndef TESTS_SUPPORT_TCP_H
#define TESTS_SUPPORT_TCP_H

/* The socket, or -1 with errno set. */
int tcp_connect(unsigned port, int timeout_ms);

#endif
