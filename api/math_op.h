// SPDX-License-Identifier: MIT
/* math_op - the four operations: one row each, with every name that they go by. Immutable. */
#ifndef API_MATH_OP_H
#define API_MATH_OP_H

#include <stddef.h>

#include "common/json/json.h"

struct math_op {
    const char *name;      /* "add": in {"operation":"add"} */
    const char *item_type; /* "Add": in {"type":"Add","args":{...}} */
    const char *job_type;  /* "math_add": in Faktory */
    const char *path;      /* "/jobs/add" */
    const char *sign;      /* for messages */
};

/* The operations one after the other; NULL behind the last. */
const struct math_op *math_op_at(size_t index);

/* The operation of a path, or NULL. */
const struct math_op *math_op_by_path(const char *path);

/* The operation that a JSON string names in any of its three ways, or NULL. */
const struct math_op *math_op_by_name(struct json_slice name);

#endif
