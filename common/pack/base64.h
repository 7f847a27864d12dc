// SPDX-License-Identifier: MIT
/* base64 - bytes as text and back (RFC 4648, with padding). No state: any thread. */
#ifndef COMMON_PACK_BASE64_H
#define COMMON_PACK_BASE64_H

#include <stddef.h>

#include "common/base/buf.h"

/* Appends the text of `len` bytes. */
void base64_write(struct buf *out, const void *bytes, size_t len);

/* Appends the bytes of a text. 0; ERR_INVALID for anything that base64_write() would not have
 * written (`out` may then hold a part); ERR_NOMEM. */
int base64_read(struct buf *out, const char *text, size_t len);

#endif
