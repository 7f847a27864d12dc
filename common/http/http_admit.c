// SPDX-License-Identifier: MIT
#include "common/http/http_admit.h"

#include <string.h>

#include "common/http/http_routes.h"

enum { DISCARD_MAX = 64 * 1024 }; /* a refused body up to here is read, so the connection stays */

void http_admit_stopping(struct http_request *r)
{
    if (r->refused || !atomic_load_explicit(&r->server->stopping, memory_order_relaxed))
        return;
    http_request_refuse(r, 503, NULL);
}

/* Where the request ends must be beyond doubt before anything else about it matters. */
static void check_framing(struct http_request *r, const struct http_head *h)
{
    const char *sentence = NULL;
    unsigned status = http_head_check(h, &sentence);

    if (status != 0)
        http_request_refuse(r, status, sentence);
    else if (r->conn->nul_in_target)
        http_request_refuse(r, 400, "the address holds a NUL");
    else if (http_head_length(h) > r->server->options.body_max_bytes)
        http_request_refuse(r, 413, NULL);
    r->close = r->refused != 0;
}

static void find_route(struct http_request *r, const struct http_head *h, const char *method)
{
    const struct http_options *o = &r->server->options;
    char allow[HTTP_ALLOW_MAX];
    unsigned status = http_routes_find(o->routes, o->n_routes, method, r->path, &r->metrics_row);

    if (status == 404) {
        http_request_refuse(r, 404, NULL);
    } else if (status == 405) {
        http_routes_allow(o->routes, o->n_routes, r->path, allow);
        http_add_header(r, "Allow", allow);
        http_request_refuse(r, 405, NULL);
    } else if (strcmp(method, "POST") == 0 && h->n_lengths == 0 && h->n_codings == 0) {
        http_request_refuse(r, 411, NULL);
    } else {
        r->route = &o->routes[r->metrics_row];
    }
}

static void check_type(struct http_request *r, const struct http_head *h)
{
    if (strcmp(r->route->method, "GET") != 0 && h->content_type && http_head_has_body(h) &&
        !http_head_is_json(h->content_type))
        http_request_refuse(r, 415, NULL);
}

/*
 * Refusals wait for the end of the request, so that a kept-alive connection stays usable. Not so
 * when the body is long, or is held back until the server says a word, or has no end that could be
 * trusted: then the answer comes at once and the connection ends with it.
 */
void http_admit(struct http_request *r, const struct http_head *h, const char *method)
{
    r->metrics_row = r->server->options.n_routes;
    check_framing(r, h);
    http_admit_stopping(r);
    if (!r->refused)
        find_route(r, h, method);
    if (!r->refused)
        check_type(r, h);
    if (r->refused && http_head_has_body(h) && (h->expects || http_head_length(h) > DISCARD_MAX))
        r->close = true;
}
