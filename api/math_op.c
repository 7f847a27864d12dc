// SPDX-License-Identifier: MIT
#include "api/math_op.h"

#include <string.h>

static const struct math_op ops[] = {
    {"add", "Add", "math_add", "/jobs/add", "+"},
    {"subtract", "Subtract", "math_subtract", "/jobs/subtract", "-"},
    {"multiply", "Multiply", "math_multiply", "/jobs/multiply", "\xc3\x97"}, /* U+00D7 */
    {"divide", "Divide", "math_divide", "/jobs/divide", "\xc3\xb7"},         /* U+00F7 */
};

const struct math_op *math_op_at(size_t index)
{
    return index < sizeof ops / sizeof ops[0] ? &ops[index] : NULL;
}

const struct math_op *math_op_by_path(const char *path)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(path, ops[i].path) == 0)
            return &ops[i];
    return NULL;
}

const struct math_op *math_op_by_name(struct json_slice name)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (json_string_is(name, ops[i].name) || json_string_is(name, ops[i].item_type) ||
            json_string_is(name, ops[i].job_type))
            return &ops[i];
    return NULL;
}
