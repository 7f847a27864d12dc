// SPDX-License-Identifier: MIT
/*
 * job_text - a job as words of a command line, written as the JSON that POST /jobs takes. Pure
 * text; what the API checks (type, queue, numbers) is left to it, so that there is one judge.
 */
#ifndef TOOLS_WF_JOB_TEXT_H
#define TOOLS_WF_JOB_TEXT_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "tools/wf/args.h"

/*
 * Writes the job of `wf push TYPE [ARG...]`. 0, or ERR_INVALID with a sentence that names the
 * option.
 *
 * An ARG that is JSON is taken as that, any other is a string. --id is the caller's own id: the API
 * takes none, because the id of a job is that under which Faktory stored it, so it travels as
 * custom.request_id; for math_add and its siblings also as request_id in their argument, where the
 * API's own calls put it.
 */
int job_text_write(const struct args *a, struct buf *out, struct err_text *why);

#endif
