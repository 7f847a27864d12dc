// SPDX-License-Identifier: MIT
/*
 * openapi - the description of the API that GET /openapi.json gives: OpenAPI 3.1, made once at the
 * start, with the limits that are in force.
 *
 * It is made of the tables that the service works by: the routes (routes.h), what the server
 * answers itself (http_answers.h), the fields of jobs (job_fields.h), the operations, the queues,
 * what becomes of jobs (submit.h), what is kept of INFO (status.h). What no table of these says is
 * in openapi_calls.c (what each call takes and answers, with examples) and openapi_schemas.c (the
 * answers); the tests send every example and hold the answers against the schemas.
 */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include "api/config.h"
#include "api/queues.h"
#include "common/base/buf.h"

/* Embedded by value; immutable once it is made. */
struct openapi {
    struct buf text;
    char etag[24]; /* names the text, with its quotes */
};

/* 0 or ERR_NOMEM; both are only read. openapi_fini() also after a failure. */
int openapi_make(struct openapi *doc, const struct api_config *config, const struct queues *queues);
void openapi_fini(struct openapi *doc);

#endif
