// SPDX-License-Identifier: MIT
/*
 * verdict - how a job that failed inside a pack comes before Faktory.
 *
 * Faktory knows the pack only, and nothing of its items. So an item that failed is stored again as
 * a job of its own, under its jid, with custom.wf_failed = {"errtype","message","permanent"}; the
 * worker that fetches it does not run it but FAILs it with these words. From then on it is a job
 * like any other: Faktory counts its retries, and it runs when they are due. No state: any thread.
 */
#ifndef COMMON_PACK_VERDICT_H
#define COMMON_PACK_VERDICT_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/faktory/job.h"

/* The buffers are the receiver's to free with verdict_fini(). */
struct verdict {
    struct buf errtype, message;
    bool permanent;
};
void verdict_fini(struct verdict *v);

/* Appends the job's text with the verdict in its custom. Texts are cut where Faktory cuts. */
void verdict_write(struct buf *out, const struct job *job, const char *errtype, const char *message,
                   bool permanent);

/* True: this job carries a verdict that Faktory does not know yet (*v is filled). */
bool verdict_read(const struct job *job, struct verdict *v);

#endif
