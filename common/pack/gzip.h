// SPDX-License-Identifier: MIT
/* gzip - the quick gzip that packs are made with; the one includer of zlib. No state: any thread.
 */
#ifndef COMMON_PACK_GZIP_H
#define COMMON_PACK_GZIP_H

#include <stddef.h>

#include "common/base/buf.h"

/* Appends the bytes, compressed at level 1. 0 or ERR_NOMEM. */
int gzip_write(struct buf *out, const void *bytes, size_t len);

/* Appends what was compressed. 0; ERR_INVALID when it is damaged, cut off, or followed by more;
 * ERR_FULL when it grows beyond the cap of `out`, which must have one; ERR_NOMEM. */
int gzip_read(struct buf *out, const void *bytes, size_t len);

#endif
