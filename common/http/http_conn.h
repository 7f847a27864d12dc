// SPDX-License-Identifier: MIT
/*
 * http_conn - the connections of a server and their deadlines. libmicrohttpd's own time-out counts
 * silence only; a client that sends a byte now and then would stay for ever. Loop thread only.
 */
#ifndef COMMON_HTTP_HTTP_CONN_H
#define COMMON_HTTP_HTTP_CONN_H

#include "common/http/http_internal.h"

/* Never NULL: without the few bytes for it there is no way on. */
struct http_conn *http_conn_open(struct http_server *s, int fd);
void http_conn_close(struct http_server *s, struct http_conn *c);

/* The request line arrived; the request was answered; the answer is out. */
void http_conn_receiving(struct http_server *s, struct http_conn *c, const char *target);
void http_conn_replying(struct http_server *s, struct http_conn *c);
void http_conn_idle(struct http_server *s, struct http_conn *c);

/* Ends connections past their deadline, with a 408 where a request had begun. Call it every turn:
 * it looks at its own clock. */
void http_conn_cut_slow(struct http_server *s);

/* Ends connections that wait for a next request. What has already arrived is still answered. */
void http_conn_end_idle(struct http_server *s);

#endif
