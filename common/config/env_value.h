// SPDX-License-Identifier: MIT
/*
 * env_value - one value of the configuration: from text, to text, and in words what is expected.
 * For this room, and for command lines whose options take such values.
 */
#ifndef COMMON_CONFIG_ENV_VALUE_H
#define COMMON_CONFIG_ENV_VALUE_H

#include "common/base/buf.h"
#include "common/config/env.h"

/* Reads `text` into the field of the variable's kind. 0, or ERR_INVALID: the field is unchanged and
 * `expected` (may be NULL) has the words that follow "expected" in a message. */
int env_value_parse(const struct env_var *var, const char *text, void *field, struct buf *expected);

/* Appends the field's value so that env_value_parse() reads it back. */
void env_value_format(const struct env_var *var, const void *field, struct buf *out);

/* Appends what the kind takes ("a whole number from 1 to 500"); nothing for a free string. */
void env_value_expected(const struct env_var *var, struct buf *out);

#endif
