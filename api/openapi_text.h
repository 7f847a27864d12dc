// SPDX-License-Identifier: MIT
/*
 * openapi_text - how the tables behind the document write JSON and sentences: JSON with ' in place
 * of ", so that it can be read in C, and both with names of facts, @body_max@, in place of numbers
 * and names that are settings or constants. For api/openapi*.c only.
 */
#ifndef API_OPENAPI_TEXT_H
#define API_OPENAPI_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "api/config.h"
#include "api/math_op.h"
#include "api/queues.h"
#include "common/base/buf.h"

/* What the document is made for. */
struct openapi_facts {
    const struct api_config *config;
    const struct queues *queues;
    const struct math_op *op; /* of the call that is written, or NULL */
};

/* A number that a client may want to know; all of them are the document's x-limits. */
struct openapi_limit {
    const char *name;
    int64_t (*value)(const struct api_config *c);
    const char *help;
};
extern const struct openapi_limit openapi_limits[];
extern const size_t openapi_limits_n;

/* Appends JSON that is written with ' for ". */
void openapi_add_json(struct buf *out, const struct openapi_facts *f, const char *text);

/* Appends a sentence as a JSON string. */
void openapi_add_sentence(struct buf *out, const struct openapi_facts *f, const char *text);

/* Appends ,"name": (without the comma where a container has just begun). */
void openapi_add_key(struct buf *out, const char *name);

/* The comma between two values, unless a container has just begun. */
void openapi_add_comma(struct buf *out);

#endif
