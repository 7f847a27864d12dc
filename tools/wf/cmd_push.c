// SPDX-License-Identifier: MIT
/* wf push - stores one job and prints its id. */
#include <string.h>

#include "common/json/json_write.h"
#include "tools/wf/answer.h"
#include "tools/wf/commands.h"
#include "tools/wf/job_text.h"
#include "tools/wf/wf.h"

static void print_json(struct wf *wf, const struct answer *a, const char *id)
{
    struct buf json = BUF_INIT(0);

    buf_addf(&json, "{\"stored\":\"%s\",\"job_id\":", answer_stored(a->fate));
    json_write_cstr(&json, id);
    if (a->fate != ANSWER_STORED) {
        buf_addf(&json, ",\"status\":%d,\"error\":", a->status);
        json_write_cstr(&json, a->why.text);
    }
    buf_add_char(&json, '}');
    out_json(&wf->out, &json);
    buf_fini(&json);
}

/* What became of it, and what to try. */
static int conclude(struct wf *wf, const struct answer *a)
{
    switch (a->fate) {
    case ANSWER_STORED:
        return WF_DONE;
    case ANSWER_REFUSED:
        out_error(&wf->out, "the job was refused: %s", a->why.text);
        return WF_NOT_DONE;
    case ANSWER_LATER:
        if (!a->reached)
            return wf_api_away(wf, &a->why);
        out_error(&wf->out, "the job was not stored: %s; try again", a->why.text);
        return WF_AWAY;
    case ANSWER_UNKNOWN:
        out_error(
            &wf->out,
            "it is unknown whether the job was stored: %s; sending it again may store it twice",
            a->why.text);
        return WF_UNKNOWN;
    case ANSWER_STRANGE:
        break;
    }
    out_error(&wf->out, "%s does not take the job: %s; is that api-service? (WF_API_URL, --api)",
              wf->settings.api_url, a->why.text);
    return WF_AWAY;
}

static int push(struct wf *wf, const struct buf *job)
{
    struct http_ask ask = {.method = "POST",
                           .path = "/jobs",
                           .body = job->data,
                           .len = job->len,
                           .timeout_ms = wf->settings.timeout_ms};
    struct buf id = BUF_INIT(0);
    struct answer a;
    int code;

    if (!wf_http(wf))
        return WF_NOT_DONE;
    answer_ask(wf->http, &ask, &a);
    if (json_type(a.root) == JSON_OBJECT)
        (void)json_read_string(json_member(a.root, "job_id"), &id);
    if (a.fate == ANSWER_STORED && id.len == 0) {
        a.fate = ANSWER_UNKNOWN;
        err_set(&a.why, 0, "the answer holds no job_id");
    }
    if (wf->out.json)
        print_json(wf, &a, id.len > 0 ? buf_str(&id) : NULL);
    else if (a.fate == ANSWER_STORED)
        out_text(&wf->out, "%s\n", buf_str(&id));
    code = conclude(wf, &a);
    buf_fini(&id);
    return code;
}

int cmd_push(struct wf *wf, int argc, char **argv)
{
    struct buf job = BUF_INIT(0);
    struct err_text why;
    int code;

    (void)argc, (void)argv; /* job_text reads them, with the options */
    code =
        job_text_write(&wf->args, &job, &why) == 0 ? push(wf, &job) : wf_wrong(wf, "%s", why.text);
    buf_fini(&job);
    return code;
}
