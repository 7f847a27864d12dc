// SPDX-License-Identifier: MIT
/*
 * json_oracle - a second opinion on JSON text: what json-c's own parser makes of it, as a dump that
 * json_dump.h writes in the same form from our slices. Any thread.
 */
#ifndef TESTS_SUPPORT_JSON_ORACLE_H
#define TESTS_SUPPORT_JSON_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"

/* False when json-c, strict and with its UTF-8 check, refuses the text. */
bool json_oracle_dump(const char *text, size_t len, struct buf *out);

#endif
