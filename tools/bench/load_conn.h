// SPDX-License-Identifier: MIT
/*
 * load_conn - one HTTP connection of load.c: a request out, an answer in, without blocking. Answers
 * with Content-Length only, which is what the API sends.
 */
#ifndef TOOLS_BENCH_LOAD_CONN_H
#define TOOLS_BENCH_LOAD_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"

/* Embedded in an array; all fields may be read. */
struct load_conn {
    int fd;
    int64_t intended_us; /* when its request was to be sent */
    size_t sent;         /* of the request */
    struct buf in;
    size_t body; /* where the body starts in `in`, once an answer is complete */
};

/* Connects to 127.0.0.1, blocking; then the socket does not block any more. */
int load_conn_open(struct load_conn *c, const char *port, struct err_text *why);
void load_conn_close(struct load_conn *c);

/* Sends what is left of the request; true while there is more to send later. */
int load_conn_send(struct load_conn *c, const struct buf *request, bool *more,
                   struct err_text *why);

/* Reads. 1: an answer is complete, `status` is set; 0: not yet; an error. */
int load_conn_receive(struct load_conn *c, int *status, struct err_text *why);

/* Makes room for the next answer. */
void load_conn_next(struct load_conn *c);

#endif
