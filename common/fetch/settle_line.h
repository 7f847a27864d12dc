// SPDX-License-Identifier: MIT
/*
 * settle_line - the command lines that say what became of a job, each with its CRLF. Text only; a
 * failure sticks in the buf. What is too long is cut where Faktory cuts it.
 */
#ifndef COMMON_FETCH_SETTLE_LINE_H
#define COMMON_FETCH_SETTLE_LINE_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/faktory/job.h"

void settle_line_ack(struct buf *line, const char *jid);
void settle_line_fail(struct buf *line, const char *jid, const char *errtype, const char *message);

/* MUTATE that moves jobs from the retries to the dead set: begun, a jid each, ended. */
void settle_line_kill_begin(struct buf *line);
void settle_line_kill_add(struct buf *line, const char *jid);
void settle_line_kill_end(struct buf *line);

/* PUSHB of a copy of the job, under a new jid. */
void settle_line_copy(struct buf *line, const struct job *job);

/* PUSHB of jobs, whose texts end with a newline each: from byte `from` on as many as one command
 * may hold, at least one. Returns where the next command begins. */
size_t settle_line_store(struct buf *line, const struct buf *texts, size_t from);

#endif
