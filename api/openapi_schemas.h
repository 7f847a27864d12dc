// SPDX-License-Identifier: MIT
/* openapi_schemas - what bodies and answers look like: the schemas of the document. For
 * api/openapi*.c only. */
#ifndef API_OPENAPI_SCHEMAS_H
#define API_OPENAPI_SCHEMAS_H

#include "api/openapi_text.h"

/* Appends the object of all named schemas. */
void openapi_add_schemas(struct buf *out, const struct openapi_facts *f);

/* Appends those of the forms in which jobs come in, as members of that object (openapi_forms.c). */
void openapi_add_forms(struct buf *out, const struct openapi_facts *f);

/* Appends a reference to a schema, or to any of several: "Error|NotStored". */
void openapi_add_schema_of(struct buf *out, const char *names);

#endif
