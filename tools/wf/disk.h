// SPDX-License-Identifier: MIT
/* disk - bytes that must be there after a power cut. */
#ifndef TOOLS_WF_DISK_H
#define TOOLS_WF_DISK_H

#include "common/base/buf.h"
#include "common/base/err.h"

/* Writes all of it and waits until it is on disk. 0; ERR_IO or ERR_NOMEM with a sentence that names
 * the path. */
int disk_append(int fd, const char *path, const struct buf *bytes, struct err_text *why);

#endif
