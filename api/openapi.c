// SPDX-License-Identifier: MIT
#include "api/openapi.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/openapi_calls.h"
#include "api/openapi_schemas.h"
#include "api/openapi_text.h"
#include "api/routes.h"
#include "common/base/err.h"
#include "common/base/version.h"
#include "common/http/http_answers.h"
#include "common/http/http_routes.h"
#include "common/json/json_write.h"

#define INFO                                                                                       \
    "Takes jobs over HTTP and stores them in Faktory, the job server, from where workers fetch "   \
    "them. A job is answered with 202 only when Faktory has stored it, and the id in the answer "  \
    "is the id in the queue. Every other answer says what is known: nothing is stored unless "     \
    "stored says otherwise. Jobs run at least once.\n\nBodies are JSON in UTF-8, at most "         \
    "@body_bytes_max@ bytes, without a Content-Type or with one that says JSON. A path that is "   \
    "not here is answered with 404 (NotFound), another method with 405 (MethodNotAllowed). What "  \
    "is no HTTP that can be parsed is answered with a page in HTML that has no Content-Type. "     \
    "There is no password: keep the service on networks that you trust.\n\nThe limits are "        \
    "those of the service that gave this document; x-limits has them as numbers."

/* Headers that answers may have, by name; those of one call only are in its row. */
#define RETRY_AFTER                                                                                \
    "'Retry-After':{'required':true,'description':'Seconds until another attempt makes sense.',"   \
    "'schema':{'type':'integer','minimum':1,'maximum':@retry_after_seconds_max@}}"
#define ALLOW                                                                                      \
    "'Allow':{'required':true,'description':'The methods that the path has.',"                     \
    "'schema':{'type':'string'},'example':'POST'}"

static void add_string(struct buf *out, const char *name, const char *text)
{
    openapi_add_key(out, name);
    json_write_cstr(out, text);
}

static void add_sentence(struct buf *out, const struct openapi_facts *f, const char *name,
                         const char *text)
{
    openapi_add_key(out, name);
    openapi_add_sentence(out, f, text);
}

/* ---- one answer ---- */

static void add_headers(struct buf *out, const struct openapi_facts *f, unsigned status,
                        const char *more)
{
    if (status == 503)
        more = RETRY_AFTER;
    else if (status == 405)
        more = ALLOW;
    if (!more)
        return;
    openapi_add_key(out, "headers");
    buf_add_char(out, '{');
    openapi_add_json(out, f, more);
    buf_add_char(out, '}');
}

/* The request that is answered so is x-request. */
static void add_example(struct buf *out, const struct openapi_facts *f,
                        const struct openapi_example *e)
{
    openapi_add_key(out, e->name);
    buf_add_char(out, '{');
    add_sentence(out, f, "summary", e->summary);
    openapi_add_key(out, "value");
    openapi_add_json(out, f, e->answer);
    if (!e->unasked) {
        openapi_add_key(out, "x-request");
        buf_add_char(out, '{');
        if (e->query)
            add_string(out, "query", e->query);
        if (e->body) {
            openapi_add_key(out, "body");
            openapi_add_json(out, f, e->body);
        }
        buf_add_char(out, '}');
    }
    buf_add_char(out, '}');
}

static bool fits(const struct openapi_facts *f, const struct openapi_example *e)
{
    return (int64_t)e->jobs <= f->config->queue_max;
}

static void add_examples(struct buf *out, const struct openapi_facts *f,
                         const struct openapi_call *call, unsigned status)
{
    bool any = false;

    for (size_t i = 0; i < call->n_examples; i++) {
        const struct openapi_example *e = &call->examples[i];

        if (e->status != status || !fits(f, e))
            continue;
        if (!any) {
            openapi_add_key(out, "examples");
            buf_add_char(out, '{');
        }
        any = true;
        add_example(out, f, e);
    }
    if (any)
        buf_add_char(out, '}');
}

static void add_page(struct buf *out, const struct openapi_facts *f)
{
    openapi_add_comma(out);
    openapi_add_json(out, f, "'text/html':{'schema':{'type':'string'}}");
}

static void add_content(struct buf *out, const struct openapi_facts *f,
                        const struct openapi_call *call, const struct openapi_answer *a)
{
    const struct http_own_answer *own = http_own_answer(a->status);

    if (!a->schemas && !call->type)
        return;
    openapi_add_key(out, "content");
    buf_add_char(out, '{');
    openapi_add_key(out, a->schemas ? HTTP_JSON : call->type);
    buf_add_str(out, "{\"schema\":");
    if (a->schemas)
        openapi_add_schema_of(out, a->schemas);
    else
        openapi_add_json(out, f, "{'type':'string'}");
    add_examples(out, f, call, a->status);
    buf_add_char(out, '}');
    if (own && own->page)
        add_page(out, f);
    buf_add_char(out, '}');
}

/* ---- all answers of a call ---- */

static void add_status(struct buf *out, unsigned status)
{
    char text[16];

    snprintf(text, sizeof text, "%u", status);
    openapi_add_key(out, text);
    buf_add_char(out, '{');
}

static const struct openapi_answer *answer_of(const struct openapi_call *call, unsigned status)
{
    for (size_t i = 0; call && i < call->n_answers; i++)
        if (call->answers[i].status == status)
            return &call->answers[i];
    return NULL;
}

static bool reaches(const struct http_own_answer *own, const char *method)
{
    return own->reach == HTTP_AT_ANY_ROUTE ||
           (own->reach == HTTP_AT_POST && strcmp(method, "POST") == 0);
}

/* An answer to HEAD has no body, so it is not described. */
static void add_call_answer(struct buf *out, const struct openapi_facts *f,
                            const struct openapi_call *call, const struct openapi_answer *a,
                            bool head)
{
    add_status(out, a->status);
    add_sentence(out, f, "description", a->when);
    add_headers(out, f, a->status, a->headers);
    if (!head)
        add_content(out, f, call, a);
    buf_add_char(out, '}');
}

static void add_own_answer(struct buf *out, const struct openapi_facts *f,
                           const struct http_own_answer *own, bool head)
{
    add_status(out, own->status);
    if (head) {
        add_sentence(out, f, "description", own->when);
        add_headers(out, f, own->status, NULL);
        buf_add_char(out, '}');
    } else
        buf_addf(out, "\"$ref\":\"#/components/responses/%s\"}", own->name);
}

static void add_answers(struct buf *out, const struct openapi_facts *f, const char *method,
                        const struct openapi_call *call)
{
    bool head = strcmp(method, "HEAD") == 0;

    openapi_add_key(out, "responses");
    buf_add_char(out, '{');
    for (size_t i = 0; call && i < call->n_answers; i++)
        add_call_answer(out, f, call, &call->answers[i], head);
    for (size_t i = 0; i < http_own_answers_n; i++) {
        const struct http_own_answer *own = &http_own_answers[i];

        if (reaches(own, method) && !answer_of(call, own->status))
            add_own_answer(out, f, own, head);
    }
    buf_add_char(out, '}');
}

/* ---- calls ---- */

/* Those that are answered with 2xx; the others stand with their answers. */
static void add_good_examples(struct buf *out, const struct openapi_facts *f,
                              const struct openapi_call *call)
{
    openapi_add_key(out, "examples");
    buf_add_char(out, '{');
    for (size_t i = 0; i < call->n_examples; i++) {
        const struct openapi_example *e = &call->examples[i];

        if (e->status / 100 != 2 || !fits(f, e))
            continue;
        openapi_add_key(out, e->name);
        buf_add_char(out, '{');
        add_sentence(out, f, "summary", e->summary);
        openapi_add_key(out, "value");
        openapi_add_json(out, f, e->body);
        buf_add_char(out, '}');
    }
    buf_add_char(out, '}');
}

static void add_body(struct buf *out, const struct openapi_facts *f,
                     const struct openapi_call *call)
{
    openapi_add_key(out, "requestBody");
    openapi_add_json(out, f, "{'required':true,'content':{'" HTTP_JSON "':{'schema':");
    openapi_add_schema_of(out, call->body);
    add_good_examples(out, f, call);
    buf_add_str(out, "}}}");
}

static void add_operation(struct buf *out, const struct openapi_facts *facts, const char *method,
                          const struct http_route *route)
{
    const struct openapi_call *call = openapi_call(route->method, route->path);
    struct openapi_facts f = *facts;

    f.op = math_op_by_path(route->path);
    openapi_add_comma(out);
    buf_add_char(out, '"');
    for (const char *c = method; *c; c++)
        buf_add_char(out, (char)(*c | 0x20)); /* lower case */
    buf_add_str(out, "\":{");
    add_string(out, "summary", route->summary);
    if (call) {
        openapi_add_key(out, "operationId");
        buf_addf(out, "\"%s%s\"", call->id, strcmp(method, "HEAD") == 0 ? "Head" : "");
        openapi_add_key(out, "tags");
        buf_addf(out, "[\"%s\"]", call->tag);
        add_sentence(out, &f, "description", call->help);
        if (call->parameters) {
            openapi_add_key(out, "parameters");
            openapi_add_json(out, &f, call->parameters);
        }
        if (call->body)
            add_body(out, &f, call);
    }
    add_answers(out, &f, method, call);
    buf_add_char(out, '}');
}

static bool is_first_of_path(size_t route)
{
    for (size_t i = 0; i < route; i++)
        if (strcmp(api_routes[i].path, api_routes[route].path) == 0)
            return false;
    return true;
}

static void add_path(struct buf *out, const struct openapi_facts *f, const char *path)
{
    openapi_add_key(out, path);
    buf_add_char(out, '{');
    for (size_t i = 0; i < api_routes_n; i++) {
        if (strcmp(api_routes[i].path, path) != 0)
            continue;
        add_operation(out, f, api_routes[i].method, &api_routes[i]);
        if (strcmp(api_routes[i].method, "GET") == 0)
            add_operation(out, f, "HEAD", &api_routes[i]);
    }
    buf_add_char(out, '}');
}

/* ---- the document ---- */

static void add_head(struct buf *out, const struct openapi_facts *f)
{
    openapi_add_json(out, f, "{'openapi':'3.1.0','info':{'title':'Work Factory API','version':");
    json_write_cstr(out, version);
    add_string(out, "summary", "Store jobs in Faktory over HTTP");
    add_sentence(out, f, "description", INFO);
    openapi_add_json(
        out, f,
        ",'license':{'name':'MIT','identifier':'MIT'}},'servers':[{'url':'/',"
        "'description':'The service that gave this document.'}],'tags':[{'name':'jobs',"
        "'description':'Storing jobs.'},{'name':'service','description':'How it "
        "does.'}],'x-limits':{");
    for (size_t i = 0; i < openapi_limits_n; i++) {
        openapi_add_key(out, openapi_limits[i].name);
        openapi_add_json(out, f, "{'value':");
        json_write_int(out, openapi_limits[i].value(f->config));
        add_string(out, "description", openapi_limits[i].help);
        buf_add_char(out, '}');
    }
    buf_add_char(out, '}');
}

static void add_own_component(struct buf *out, const struct openapi_facts *f,
                              const struct http_own_answer *own)
{
    openapi_add_key(out, own->name);
    buf_add_char(out, '{');
    add_sentence(out, f, "description", own->when);
    add_headers(out, f, own->status, NULL);
    openapi_add_json(out, f, ",'content':{");
    if (own->sentence) {
        openapi_add_json(out, f, "'" HTTP_JSON "':{'schema':");
        openapi_add_schema_of(out, "Error");
        openapi_add_json(out, f, ",'example':{'error':");
        json_write_cstr(out, own->sentence);
        buf_add_str(out, "}}");
    }
    if (own->page)
        add_page(out, f);
    buf_add_str(out, "}}");
}

static void write_document(struct buf *out, const struct openapi_facts *f)
{
    add_head(out, f);
    openapi_add_json(out, f, ",'paths':{");
    for (size_t i = 0; i < api_routes_n; i++)
        if (is_first_of_path(i))
            add_path(out, f, api_routes[i].path);
    openapi_add_json(out, f, "},'components':{'responses':{");
    for (size_t i = 0; i < http_own_answers_n; i++)
        add_own_component(out, f, &http_own_answers[i]);
    openapi_add_json(out, f, "},'schemas':");
    openapi_add_schemas(out, f);
    buf_add_str(out, "}}");
}

/* FNV-1a of 64 bits: it tells texts apart, and nobody gains by making two alike. */
static void make_etag(struct openapi *doc)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < doc->text.len; i++)
        hash = (hash ^ (unsigned char)doc->text.data[i]) * UINT64_C(0x100000001b3);
    snprintf(doc->etag, sizeof doc->etag, "\"%016" PRIx64 "\"", hash);
}

int openapi_make(struct openapi *doc, const struct api_config *config, const struct queues *queues)
{
    const struct openapi_facts facts = {.config = config, .queues = queues};

    doc->text = (struct buf)BUF_INIT(0);
    write_document(&doc->text, &facts);
    if (doc->text.failed)
        return ERR_NOMEM;
    make_etag(doc);
    return 0;
}

void openapi_fini(struct openapi *doc)
{
    buf_fini(&doc->text);
}
