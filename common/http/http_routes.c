// SPDX-License-Identifier: MIT
#include "common/http/http_routes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool method_fits(const char *of_route, const char *asked)
{
    return strcmp(of_route, asked) == 0 ||
           (strcmp(of_route, "GET") == 0 && strcmp(asked, "HEAD") == 0);
}

unsigned http_routes_find(const struct http_route *routes, size_t n, const char *method,
                          const char *path, size_t *index)
{
    *index = n;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(routes[i].path, path) != 0)
            continue;
        if (method_fits(routes[i].method, method)) {
            *index = i;
            return 0;
        }
        if (*index == n)
            *index = i;
    }
    return *index == n ? 404 : 405;
}

static void add(char out[HTTP_ALLOW_MAX], const char *method)
{
    size_t len = strlen(out);

    snprintf(out + len, HTTP_ALLOW_MAX - len, "%s%s", len > 0 ? ", " : "", method);
}

void http_routes_allow(const struct http_route *routes, size_t n, const char *path,
                       char out[HTTP_ALLOW_MAX])
{
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (strcmp(routes[i].path, path) != 0)
            continue;
        add(out, routes[i].method);
        if (strcmp(routes[i].method, "GET") == 0)
            add(out, "HEAD");
    }
}
