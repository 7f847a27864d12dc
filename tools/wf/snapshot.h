// SPDX-License-Identifier: MIT
/*
 * snapshot - how the API and Faktory are right now: for `wf status` and `wf watch`.
 *
 * Faktory's numbers come from the API, which asks for INFO in a way that cannot hurt it and shares
 * the answer; only when the API does not have them is Faktory asked itself, every 5 s at most. One
 * thread.
 */
#ifndef TOOLS_WF_SNAPSHOT_H
#define TOOLS_WF_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/json/json.h"
#include "tools/wf/wf.h"

/* Embedded by value, zeroed. */
struct snapshot {
    int64_t wall_ms;                      /* when it was taken */
    bool api;                             /* the API answers */
    bool ready;                           /* and says that it can store jobs */
    bool faktory;                         /* there are numbers of Faktory, */
    bool direct;                          /* which it gave itself */
    struct err_text api_why, faktory_why; /* of what is not so */

    struct buf stats_text, faktory_text;
    struct json_slice stats;   /* of GET /stats, or empty */
    struct json_slice numbers; /* of Faktory, as info_write() names them, or empty */
};

/* Takes a new one. Failures are in it. */
void snapshot_take(struct snapshot *s, struct wf *wf);

/* Appends it as one JSON object. */
void snapshot_json(const struct snapshot *s, const struct wf *wf, struct buf *out);

/* WF_DONE when all is well, else WF_AWAY. */
int snapshot_code(const struct snapshot *s);

void snapshot_fini(struct snapshot *s);

#endif
