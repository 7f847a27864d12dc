// SPDX-License-Identifier: MIT
/*
 * http_probe - one question to a server of ours on this machine, as a health check asks it. Not a
 * client for anything else: no redirects, no TLS, no keep-alive. Any thread; blocks.
 */
#ifndef COMMON_HTTP_HTTP_PROBE_H
#define COMMON_HTTP_HTTP_PROBE_H

#include "common/base/buf.h"
#include "common/base/err.h"

enum {
    HTTP_PROBE_MS = 3000,         /* for all of it; below what supervisors give a check */
    HTTP_PROBE_REPLY_MAX = 65536, /* bytes of head and body */
};

/*
 * Asks the server that listens on `bind_addr` ("HOST:PORT", 0.0.0.0 and [::] included) for `path`.
 * 0 when it answered 200, with the answer's body added to `body`; ERR_REFUSED for another status,
 * ERR_INVALID for an address that cannot be asked (port 0), ERR_IO, ERR_TIMEOUT, ERR_CLOSED,
 * ERR_PROTOCOL, ERR_NOMEM; `why` names the address.
 */
int http_probe(const char *bind_addr, const char *path, struct buf *body, struct err_text *why);

#endif
