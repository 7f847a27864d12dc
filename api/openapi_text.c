// SPDX-License-Identifier: MIT
#include "api/openapi_text.h"

#include <assert.h>
#include <string.h>

#include "api/submit.h"
#include "common/json/json_write.h"
#include "common/pack/pack.h"

/* ---- numbers ---- */

static int64_t body_max(const struct api_config *c)
{
    return c->body_max_bytes;
}

static int64_t batch_max(const struct api_config *c)
{
    return c->queue_max;
}

static int64_t pack_default(const struct api_config *c)
{
    return c->pack_size;
}

static int64_t request_ms(const struct api_config *c)
{
    return c->request_ms;
}

static int64_t arrival_ms(const struct api_config *c)
{
    return c->header_ms;
}

#define CONSTANT(function, number)                                                                 \
    static int64_t function(const struct api_config *c)                                            \
    {                                                                                              \
        (void)c;                                                                                   \
        return (number);                                                                           \
    }

CONSTANT(pack_max, PACK_ITEMS_MAX)
CONSTANT(job_max, SUBMIT_JOB_BYTES_MAX)
CONSTANT(depth_max, JSON_DEPTH_MAX)
CONSTANT(exact_max, INT64_C(1) << 53)
CONSTANT(listed_max, SUBMIT_LISTED_MAX)
CONSTANT(retry_after_max, SUBMIT_RETRY_AFTER_MAX_S)

const struct openapi_limit openapi_limits[] = {
    {"body_bytes_max", body_max, "Largest body of a request (API_BODY_MAX)."},
    {"batch_jobs_max", batch_max, "Most jobs in one request (BATCH_QUEUE_MAX)."},
    {"pack_jobs_default", pack_default, "Jobs in a pack that names no number (BATCH_PACK_SIZE)."},
    {"pack_jobs_max", pack_max, "Most jobs in a pack."},
    {"job_bytes_max", job_max, "Largest job, as the JSON that Faktory is sent."},
    {"json_depth_max", depth_max, "Most arrays and objects inside each other in a body."},
    {"exact_number_max", exact_max, "Largest whole number that Faktory would not round."},
    {"errors_listed_max", listed_max, "Most errors that the answer to a batch lists."},
    {"retry_after_seconds_max", retry_after_max, "Longest Retry-After."},
    {"request_timeout_ms", request_ms, "Longest wait for Faktory (API_REQUEST_TIMEOUT)."},
    {"arrival_timeout_ms", arrival_ms, "Longest arrival of a request (API_HEADER_TIMEOUT)."},
};

const size_t openapi_limits_n = sizeof openapi_limits / sizeof openapi_limits[0];

/* ---- names ---- */

static const char *queue_name(const struct openapi_facts *f)
{
    return queues_name(f->queues, queues_default(f->queues));
}

static const char *queue_list(const struct openapi_facts *f)
{
    return queues_list(f->queues);
}

static const char *op_name(const struct openapi_facts *f)
{
    return f->op ? f->op->name : "";
}

static const char *op_sign(const struct openapi_facts *f)
{
    return f->op ? f->op->sign : "";
}

static const struct {
    const char *name;
    const char *(*value)(const struct openapi_facts *f);
} names[] = {
    {"queue", queue_name},
    {"queues", queue_list},
    {"op", op_name},
    {"sign", op_sign},
};

/* ---- filling in ---- */

static bool is(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

static void add_fact(struct buf *out, const struct openapi_facts *f, const char *name, size_t len)
{
    for (size_t i = 0; i < openapi_limits_n; i++)
        if (is(name, len, openapi_limits[i].name)) {
            json_write_int(out, openapi_limits[i].value(f->config));
            return;
        }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is(name, len, names[i].name)) {
            buf_add_str(out, names[i].value(f));
            return;
        }
    assert(!"a name of a fact that there is not");
}

/* `quote` is what ' becomes. */
static void fill_in(struct buf *out, const struct openapi_facts *f, const char *text, char quote)
{
    while (*text) {
        size_t plain = strcspn(text, "'@");

        buf_add(out, text, plain);
        text += plain;
        if (*text == '\'') {
            buf_add_char(out, quote);
            text++;
        } else if (*text == '@') {
            size_t len = strcspn(++text, "@");

            add_fact(out, f, text, len);
            text += len + (text[len] == '@');
        }
    }
}

void openapi_add_json(struct buf *out, const struct openapi_facts *f, const char *text)
{
    fill_in(out, f, text, '"');
}

void openapi_add_sentence(struct buf *out, const struct openapi_facts *f, const char *text)
{
    struct buf sentence = BUF_INIT(0);

    fill_in(&sentence, f, text, '\'');
    out->failed = out->failed || sentence.failed;
    json_write_string(out, buf_str(&sentence), sentence.len);
    buf_fini(&sentence);
}

void openapi_add_comma(struct buf *out)
{
    if (out->len > 0 && !strchr("{[:,", out->data[out->len - 1]))
        buf_add_char(out, ',');
}

void openapi_add_key(struct buf *out, const char *name)
{
    openapi_add_comma(out);
    json_write_cstr(out, name);
    buf_add_char(out, ':');
}
