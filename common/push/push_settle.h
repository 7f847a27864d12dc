// SPDX-License-Identifier: MIT
/*
 * push_settle - tells each job of a chain what became of it, once, and counts that. A job may be
 * freed by its `settled`, so nobody looks at the chain afterwards. Call it without a lock.
 */
#ifndef COMMON_PUSH_PUSH_SETTLE_H
#define COMMON_PUSH_PUSH_SETTLE_H

#include "common/faktory/resp.h"
#include "common/push/push_line.h"
#include "common/push/pusher.h"

/* The same for all of them; `why` is a sentence. */
void push_settle_all(const struct push_metrics *m, struct push_job *jobs, enum push_outcome outcome,
                     const char *why);

/* Each its own, or that of its pack: Faktory names what it did not store. The jobs and the ids of
 * their packs are those of push_line_write(). */
void push_settle_answered(const struct push_metrics *m, struct push_job *jobs,
                          const struct push_pack_jid *packs, const struct resp_reply *reply);

#endif
