// SPDX-License-Identifier: MIT
/* http_listen - the listening socket, and room for descriptors. Any thread. */
#ifndef COMMON_HTTP_HTTP_LISTEN_H
#define COMMON_HTTP_HTTP_LISTEN_H

#include "common/base/err.h"

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
