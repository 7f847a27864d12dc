// SPDX-License-Identifier: MIT
/* http_admit - whether a request gets to a handler, decided by its headers. Loop thread only. */
#ifndef COMMON_HTTP_HTTP_ADMIT_H
#define COMMON_HTTP_HTTP_ADMIT_H

#include "common/http/http_head.h"
#include "common/http/http_internal.h"

/*
 * Sets r->route, or r->refused with its sentence. With r->refused and r->close both set the answer
 * is due at once; else when the request is complete.
 */
void http_admit(struct http_request *r, const struct http_head *h, const char *method);

/* Refuses with 503 while the server is stopping. */
void http_admit_stopping(struct http_request *r);

#endif
