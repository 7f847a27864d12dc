// SPDX-License-Identifier: MIT
/*
 * tcp - a connection of a test to something on 127.0.0.1: blocking, each send and receive for at
 * most so long, nothing held back. Any thread.
 *
 * A process that was stopped and goes on finds its calls on such a socket ended by EINTR, although
 * no handler ran: the calls here go on, too.
 */
#ifndef TESTS_SUPPORT_TCP_H
#define TESTS_SUPPORT_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/buf.h"

/* The socket, or -1 with errno set. */
int tcp_connect(unsigned port, int timeout_ms);

/* Sends all of it; false with errno set. */
bool tcp_send(int fd, const void *bytes, size_t n);

/* What recv() returns. */
ssize_t tcp_recv(int fd, void *to, size_t room);

/* Appends what came; false at the end of the connection, or with errno set. */
bool tcp_recv_more(int fd, struct buf *in);

/* Is there something to read, or the end, within this time? On any socket. */
bool tcp_readable(int fd, int64_t timeout_ms);

#endif
