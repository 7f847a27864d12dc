// SPDX-License-Identifier: MIT
/* openapi - GET /openapi.json: the description of all calls, made at the start. */
#include <string.h>

#include "api/api.h"
#include "api/routes.h"

/* If-None-Match is "*" or a list of tags, each quoted; one of ours cannot be a part of another. */
static bool has_it(struct http_request *r, const char *etag)
{
    const char *known = http_header(r, "If-None-Match");

    return known && (strcmp(known, "*") == 0 || strstr(known, etag));
}

/* A 304 gets the text, too: of it only the length is sent, which must be that of the 200. */
void handle_openapi(struct http_request *r, void *ctx)
{
    const struct openapi *doc = &((struct api *)ctx)->openapi;
    struct buf out = BUF_INIT(0);

    buf_add(&out, doc->text.data, doc->text.len);
    http_add_header(r, "ETag", doc->etag);
    http_add_header(r, "Cache-Control", "no-cache");
    http_reply(r, has_it(r, doc->etag) ? 304 : 200, HTTP_JSON, &out);
}
