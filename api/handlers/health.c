// SPDX-License-Identifier: MIT
/* health - GET /health: the process is alive; GET /ready: Faktory answers, asked just now. */
#include "api/api.h"
#include "api/routes.h"
#include "common/base/version.h"
#include "common/json/json_write.h"

void handle_health(struct http_request *r, void *ctx)
{
    struct buf out = BUF_INIT(0);

    (void)ctx;
    buf_add_str(&out, "{\"status\":\"healthy\",\"service\":\"api-service\",\"version\":");
    json_write_cstr(&out, version);
    buf_add_char(&out, '}');
    http_reply(r, 200, HTTP_JSON, &out);
}

static void answer_ready(struct http_request *r, void *state)
{
    struct api *api = state;
    struct err_text why = {""};
    struct buf out = BUF_INIT(0);
    bool ready = status_ready(api->status, &why);

    buf_addf(&out, "{\"status\":\"%s\",\"faktory\":", ready ? "ready" : "unavailable");
    json_write_cstr(&out, ready ? "answers" : why.text);
    buf_add_char(&out, '}');
    if (!ready)
        http_add_header(r, "Retry-After", "1");
    http_reply(r, ready ? 200 : 503, HTTP_JSON, &out);
}

void handle_ready(struct http_request *r, void *ctx)
{
    struct api *api = ctx;

    status_ask(api->status, STATUS_READY, r, answer_ready, api);
}
