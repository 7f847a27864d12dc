// SPDX-License-Identifier: MIT
/* http_routes - which route a method and a path mean. No state; any thread. */
#ifndef COMMON_HTTP_HTTP_ROUTES_H
#define COMMON_HTTP_HTTP_ROUTES_H

#include <stddef.h>

#include "common/http/http.h"

enum { HTTP_ALLOW_MAX = 128 };

/*
 * Returns 0, 404 or 405. *index is the route; with 405 the first route of that path; with 404
 * `n`. HEAD finds the GET route.
 */
unsigned http_routes_find(const struct http_route *routes, size_t n, const char *method,
                          const char *path, size_t *index);

/* The methods of a path as the Allow header lists them: "GET, HEAD, POST". */
void http_routes_allow(const struct http_route *routes, size_t n, const char *path,
                       char out[HTTP_ALLOW_MAX]);

#endif
