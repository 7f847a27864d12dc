// SPDX-License-Identifier: MIT
/*
 * net - one TCP connection on which nothing hangs for ever: connecting goes in steps, sending and
 * receiving block with time-outs or not at all, keep-alive and TCP_USER_TIMEOUT find a dead peer,
 * Nagle is off. Bytes only, no protocol. One owner thread per connection.
 */
#ifndef COMMON_FAKTORY_NET_H
#define COMMON_FAKTORY_NET_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct net;

struct net_options {
    int64_t connect_ms; /* for each address that the name resolves to */
    int64_t read_ms;    /* longest wait of one net_recv() */
    int64_t write_ms;   /* longest wait of one net_send() for room */
    int64_t keepalive_idle_ms, keepalive_interval_ms; /* whole seconds; at least one */
    int64_t keepalive_count;
};

/*
 * Resolves (which blocks; the resolver has its own time-outs) and begins to connect. The options
 * are borrowed until it is connected. NULL with `why` set.
 */
struct net *net_begin(const char *host, const char *port, const struct net_options *options,
                      struct err_text *why);

/* Goes on connecting, without blocking, from address to address: 1 when it is connected; 0: not
 * yet, call again when poll() reports POLLOUT or at net_step_deadline_ms(); or an error for good.
 */
int net_step(struct net *n, struct err_text *why);
int64_t net_step_deadline_ms(const struct net *n);

/* Blocks until poll() has one of these events to report, or the deadline or a signal comes. */
void net_wait(const struct net *n, short events, int64_t deadline_ms);

/* All of it in one; blocks. NULL with `why` set. */
struct net *net_connect(const char *host, const char *port, const struct net_options *options,
                        struct err_text *why);

void net_close(struct net *n); /* NULL is fine */

/* Sends all bytes. 0; ERR_TIMEOUT when the peer takes nothing for write_ms; ERR_CLOSED; ERR_IO.
 * After a failure an unknown part was sent: the connection is good for closing only. */
int net_send(struct net *n, const void *bytes, size_t len, struct err_text *why);

/* Sends what the socket takes without blocking: > 0 bytes; ERR_ABSENT when it takes nothing now; or
 * an error, as above. */
int net_try_send(struct net *n, const void *bytes, size_t len, struct err_text *why);

/* Receives 1..room bytes; blocks up to read_ms. > 0; ERR_TIMEOUT, ERR_CLOSED (end), ERR_IO. */
int net_recv(struct net *n, void *to, size_t room, struct err_text *why);

/* The same without blocking: ERR_ABSENT when there is nothing to read now. */
int net_try_recv(struct net *n, void *to, size_t room, struct err_text *why);

/* For poll(). */
int net_fd(const struct net *n);

#endif
