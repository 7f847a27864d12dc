// SPDX-License-Identifier: MIT
/*
 * json_decode - the part of decoding that is json-c's work: strings with escapes, and doubles.
 * json_decode.c is the one file that includes json-c (whose names also clash with those of json.h).
 * Inside this room only; takes checked text. Any thread.
 */
#ifndef COMMON_JSON_JSON_DECODE_H
#define COMMON_JSON_JSON_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"

/* Appends what the quoted string means. 0 or ERR_NOMEM. */
int json_decode_string(const char *at, size_t len, struct buf *out);

/* The nearest double; `is_integer` says that the text has neither fraction nor exponent. It is
 * infinite when the number is too large. 0 or ERR_NOMEM. */
int json_decode_double(const char *at, size_t len, bool is_integer, double *out);

#endif
