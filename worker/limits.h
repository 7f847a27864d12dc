// SPDX-License-Identifier: MIT
/* limits - what this machine says about how many threads a program may have; for error messages. */
#ifndef WORKER_LIMITS_H
#define WORKER_LIMITS_H

#include "common/base/buf.h"

/* Appends "ulimit -u 4096, pids.max 5000, ..."; what cannot be read is left out. Any thread. */
void limits_describe(struct buf *out);

#endif
