// SPDX-License-Identifier: MIT
/*
 * net - one TCP connection as a blocking socket on which nothing hangs for ever: connecting,
 * sending and receiving have time-outs, keep-alive and TCP_USER_TIMEOUT find a dead peer, Nagle is
 * off. Bytes only, no protocol. One owner thread per connection.
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

/* Resolves and connects; blocks (the resolver has its own time-outs). NULL with `why` set. */
struct net *net_connect(const char *host, const char *port, const struct net_options *options,
                        struct err_text *why);
void net_close(struct net *n); /* NULL is fine */

/* Sends all bytes. 0; ERR_TIMEOUT when the peer takes nothing for write_ms; ERR_CLOSED; ERR_IO.
 * After a failure an unknown part was sent: the connection is good for closing only. */
int net_send(struct net *n, const void *bytes, size_t len, struct err_text *why);

/* Receives 1..room bytes; blocks up to read_ms. > 0; ERR_TIMEOUT, ERR_CLOSED (end), ERR_IO. */
int net_recv(struct net *n, void *to, size_t room, struct err_text *why);

/* The same without blocking: ERR_ABSENT when there is nothing to read now. */
int net_try_recv(struct net *n, void *to, size_t room, struct err_text *why);

/* poll() reports bytes to read only once there are this many, or the connection has ended
 * (SO_RCVLOWAT): one wake-up for many small answers. */
void net_wake_at(struct net *n, int bytes);

/* For poll(). */
int net_fd(const struct net *n);

#endif
