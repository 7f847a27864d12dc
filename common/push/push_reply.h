// SPDX-License-Identifier: MIT
/* push_reply - what Faktory's answer to a PUSHB says about each of its jobs. No I/O, no locks. */
#ifndef COMMON_PUSH_PUSH_REPLY_H
#define COMMON_PUSH_PUSH_REPLY_H

#include "common/base/err.h"
#include "common/faktory/resp.h"
#include "common/json/json.h"
#include "common/push/pusher.h"

/* Points into the reply. */
struct push_reply {
    bool all_stored;
    struct json_slice errors;  /* an object jid -> text, when some were not stored */
    enum push_outcome outcome; /* of every job, when there is no such object */
    struct err_text why;
};

void push_reply_read(struct push_reply *out, const struct resp_reply *reply);

/* The outcome of the job with this jid; `why` is set unless it was stored. */
enum push_outcome push_reply_outcome(const struct push_reply *r, const char *jid,
                                     struct err_text *why);

#endif
