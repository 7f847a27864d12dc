// SPDX-License-Identifier: MIT
/* http_listen - the listening socket, and room for descriptors. Any thread. */
#ifndef COMMON_HTTP_HTTP_LISTEN_H
#define COMMON_HTTP_HTTP_LISTEN_H

#include <stddef.h>

#include "common/base/err.h"

enum { HTTP_HOST_MAX = 256 };

/* Cuts "HOST:PORT" in two, *port pointing into `addr`; the brackets of [V6] are dropped. 0, or
 * ERR_INVALID. */
int http_split_addr(const char *addr, char *host, size_t host_size, const char **port);

/*
 * Listens on "HOST:PORT" or "[V6]:PORT" (port 0: any free one). Returns the socket, non-blocking
 * and closed on exec, with *port as bound, or an error code with `why` set. A host name is looked
 * up, which may block.
 */
int http_listen(const char *bind_addr, unsigned *port, struct err_text *why);

/*
 * Raises the limit of open files so that `connections` fit; returns how many do. Logs a warning
 * when it had to be fewer.
 */
unsigned http_fit_connections(unsigned connections);

#endif
