// SPDX-License-Identifier: MIT
/*
 * json_write - JSON text straight into a buf: no tree, no allocation per value. The caller writes
 * the punctuation; these write the values that need care. Failures stick in the buf.
 */
#ifndef COMMON_JSON_JSON_WRITE_H
#define COMMON_JSON_JSON_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/* A quoted string; NUL and bytes that are no UTF-8 become U+FFFD, so what is written always passes
 * json_check(). */
void json_write_string(struct buf *out, const char *text, size_t len);

/* The same for a C string; NULL is written as null. */
void json_write_cstr(struct buf *out, const char *text);

/* json_write_string() with every blank as \u0020: for a line that its reader splits at blanks. */
void json_write_unblank(struct buf *out, const char *text, size_t len);

void json_write_int(struct buf *out, int64_t value);

/* 15, 16 or 17 digits, as few as read back to the same double, alike in every locale; null if not
 * finite. Whole numbers below 2^53 print without fraction or exponent (6, not 6.0). */
void json_write_double(struct buf *out, double value);

#endif
