// SPDX-License-Identifier: MIT
/*
 * push_line - what one PUSHB holds: which of the waiting jobs, which of them share a pack, and its
 * text. No I/O, no locks.
 */
#ifndef COMMON_PUSH_PUSH_LINE_H
#define COMMON_PUSH_PUSH_LINE_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/faktory/jid.h"
#include "common/push/pusher.h"

/* What fits into one command. */
struct push_cut {
    struct push_job *last; /* the last job of it */
    unsigned jobs;
    size_t job_bytes; /* of them, each with its comma */
    size_t bytes;     /* of the command, at most */
};

/*
 * Goes through the jobs from `first` (not NULL) and sets their `group`: at most max_size jobs or
 * packs, and what one command may hold; at least one. `one_request`: not beyond the end of the
 * request that it begins with.
 */
struct push_cut push_line_cut(struct push_job *first, unsigned max_size, bool one_request);

/* The ids of packs, in their order. */
struct push_pack_jid {
    char text[JID_CHARS + 1];
};

/* Appends the command. `jids` gets one id a pack; there may be half as many as jobs. */
void push_line_write(struct buf *line, const struct push_job *jobs, struct push_pack_jid *jids,
                     const struct push_metrics *metrics);

#endif
