// SPDX-License-Identifier: MIT
/* jobs - POST /jobs/add and its three siblings, and POST /jobs: one job a request. */
#include "api/api.h"
#include "api/routes.h"
#include "api/submit.h"

enum { TEXT_ROOM = 256 }; /* what a job has besides its args, mostly */

static void reply_invalid(struct http_request *r, int code, const struct job_input_error *error)
{
    if (code == ERR_NOMEM)
        http_reply_error(r, 503, "out of memory");
    else
        http_reply_error(r, code == ERR_FULL ? 413 : 400, "%s%s%s", error->field,
                         *error->field ? ": " : "", error->why.text);
}

static void submit_one(struct api *api, struct http_request *r, enum job_input_form form,
                       const struct math_op *op)
{
    struct job_input_error error = {.field = ""};
    struct submission *s;
    struct json_slice root;
    size_t len;
    const char *body = http_body(r, &len);
    int code = json_check(body, len, &root, &error.why);

    if (code == 0)
        code = job_input_read(&api->input, api->queues, form, op, root, &error);
    if (code != 0) {
        reply_invalid(r, code, &error);
        return;
    }
    s = submission_new(api, r, SUBMIT_SINGLE, 1, len + TEXT_ROOM);
    code = s ? submission_add(s, &api->input, &error) : ERR_NOMEM;
    if (code == 0) {
        submission_go(s);
        return;
    }
    submission_free(s);
    reply_invalid(r, code, &error);
}

void handle_math(struct http_request *r, void *ctx)
{
    submit_one(ctx, r, JOB_INPUT_MATH, math_op_by_path(http_path(r)));
}

void handle_job(struct http_request *r, void *ctx)
{
    submit_one(ctx, r, JOB_INPUT_JOB, NULL);
}
