// SPDX-License-Identifier: MIT
/*
 * batch - POST /jobs/batch: many jobs in one request. All are checked before the first is stored;
 * an answer of 400 lists the bad ones. What can go wrong afterwards is in submit.h.
 */
#include <inttypes.h>
#include <string.h>

#include "api/api.h"
#include "api/routes.h"
#include "api/submit.h"
#include "common/json/json_write.h"
#include "common/pack/pack.h"

enum { JOB_TEXT = 192 }; /* what a job has besides what came in, mostly */

/* The bad items so far. */
struct faults {
    size_t n;
    struct buf list;
};

static void add_fault(struct faults *f, size_t index, const struct job_input_error *error)
{
    if (f->n++ >= SUBMIT_LISTED_MAX)
        return;
    buf_addf(&f->list, "%s{\"index\":%zu,", f->n > 1 ? "," : "", index);
    if (*error->field) {
        buf_add_str(&f->list, "\"field\":");
        json_write_cstr(&f->list, error->field);
        buf_add_char(&f->list, ',');
    }
    buf_add_str(&f->list, "\"error\":");
    json_write_cstr(&f->list, error->why.text);
    buf_add_char(&f->list, '}');
}

static void reply_faults(struct http_request *r, struct faults *f, size_t total)
{
    struct buf out = BUF_INIT(0);

    buf_addf(&out, "{\"error\":\"%zu of %zu jobs %s wrong, nothing was stored\",\"errors\":[", f->n,
             total, f->n == 1 ? "is" : "are");
    buf_add(&out, f->list.data, f->list.len);
    buf_add_char(&out, ']');
    if (f->n > SUBMIT_LISTED_MAX)
        buf_addf(&out, ",\"more_errors\":%zu", f->n - SUBMIT_LISTED_MAX);
    buf_add_char(&out, '}');
    out.failed = out.failed || f->list.failed;
    http_reply(r, 400, HTTP_JSON, &out);
}

/* {"jobs":[...]} and nothing else; replies and returns false when it is not that. */
static bool find_jobs(struct http_request *r, struct json_slice *jobs)
{
    struct err_text why;
    struct json_slice root, key, value;
    struct json_iter it;
    size_t len;
    const char *body = http_body(r, &len);
    enum json_type type;

    if (json_check(body, len, &root, &why) != 0) {
        http_reply_error(r, 400, "%s", why.text);
        return false;
    }
    type = json_type(root);
    *jobs = (struct json_slice){NULL, 0};
    if (type == JSON_OBJECT) {
        for (it = json_iter(root); json_next_member(&it, &key, &value);)
            if (json_string_is(key, "jobs"))
                *jobs = value;
            else {
                http_reply_error(r, 400, "%.*s is not known here; the only field is: jobs",
                                 (int)(key.len < 80 ? key.len : 80), key.at);
                return false;
            }
        type = json_type(*jobs);
    }
    if (type != JSON_ARRAY || jobs->len == 0) {
        http_reply_error(r, 400, "expected {\"jobs\":[...]}, got %s%s", json_type_name(type),
                         jobs->len > 0 ? " for jobs" : "");
        return false;
    }
    return true;
}

/* Checks every item and adds the good ones while all are good. 0 or ERR_NOMEM. */
static int add_items(struct api *api, struct submission *s, struct json_slice jobs,
                     struct faults *faults)
{
    struct json_iter it = json_iter(jobs);
    struct json_slice item;

    for (size_t index = 0; json_next_item(&it, &item); index++) {
        struct job_input_error error = {.field = ""};
        int code = job_input_read(&api->input, api->queues, JOB_INPUT_ITEM, NULL, item, &error);

        if (code == 0 && faults->n == 0)
            code = submission_add(s, &api->input, &error);
        if (code == ERR_NOMEM)
            return code;
        if (code != 0)
            add_fault(faults, index, &error);
    }
    return 0;
}

/* ?pack=N. False (and replied) when it is none. */
static bool read_pack(struct http_request *r, const struct api *api, unsigned *pack)
{
    const char *text = http_query(r, "pack");
    int64_t n = api->config->pack_size;
    struct json_slice number;

    if (text && (json_check(text, strlen(text), &number, NULL) != 0 ||
                 json_read_int64(number, &n) != 0 || n < 1 || n > PACK_ITEMS_MAX)) {
        http_reply_error(r, 400, "pack: expected a whole number from 1 to %d", PACK_ITEMS_MAX);
        return false;
    }
    *pack = (unsigned)n;
    return true;
}

void handle_batch(struct http_request *r, void *ctx)
{
    struct api *api = ctx;
    struct faults faults = {.list = BUF_INIT(0)};
    struct json_slice jobs;
    struct submission *s;
    unsigned pack;
    size_t n;
    int code;

    if (!read_pack(r, api, &pack) || !find_jobs(r, &jobs))
        return;
    n = json_count(jobs);
    if (n == 0) {
        http_reply_error(r, 400, "a batch needs at least one job");
        return;
    }
    if (n > (size_t)api->config->queue_max) {
        http_reply_error(r, 413, "%zu jobs are too many for one batch, at most %" PRId64, n,
                         api->config->queue_max);
        return;
    }
    s = submission_new(api, r, SUBMIT_BATCH, n, jobs.len + n * JOB_TEXT);
    if (s)
        submission_pack(s, pack);
    code = s ? add_items(api, s, jobs, &faults) : ERR_NOMEM;
    if (code == 0 && faults.n == 0) {
        counter_add(api->metrics.batch_requests, 1);
        submission_go(s);
    } else {
        submission_free(s);
        if (code != 0)
            http_reply_error(r, 503, "out of memory");
        else
            reply_faults(r, &faults, n);
    }
    buf_fini(&faults.list);
}
