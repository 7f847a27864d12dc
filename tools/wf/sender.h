// SPDX-License-Identifier: MIT
/*
 * sender - sends a chunk of lines to POST /jobs/batch until each of them is decided: stored,
 * refused, or unknown. The rule of it: a line that may be stored is never sent again.
 *
 *   202                            stored
 *   400 that names lines           those are refused, the others are sent again
 *   400, 413 about all of it       sent again in halves, down to the line that is at fault
 *   502, 503, 504 with a list      line by line, as the API says
 *   503, no connection             nothing was stored: again after a while, up to give_up_ms
 *   504 "unknown", lost connection unknown
 *
 * Before each request and after each answer the journal knows what is about to happen and what did.
 * One thread.
 */
#ifndef TOOLS_WF_SENDER_H
#define TOOLS_WF_SENDER_H

#include "common/faktory/backoff.h"
#include "tools/wf/answer.h"
#include "tools/wf/chunk.h"
#include "tools/wf/http.h"
#include "tools/wf/journal.h"
#include "tools/wf/leftover.h"
#include "tools/wf/report.h"

enum sender_end {
    SENDER_DONE,    /* every line is decided */
    SENDER_STOPPED, /* a signal came; lines may be open */
    SENDER_GAVE_UP, /* nothing could be stored for give_up_ms */
    SENDER_STRANGE, /* there is no api-service */
    SENDER_BROKEN,  /* the journal or a leftover cannot be written: going on would be blind */
};

/* Embedded by value. The first group is set by its owner. */
struct sender {
    struct http *http;
    struct journal *journal; /* NULL: none is kept */
    struct leftover rejected, unknown;
    struct report *report;
    int64_t timeout_ms, give_up_ms;
    int64_t pack; /* 0: as the service does by default */

    struct tally tally;
    struct err_text why; /* of any end but SENDER_DONE */

    struct backoff backoff;
    int64_t trouble_ms; /* since when nothing was stored; 0: all is well */
    int64_t said_ms;    /* when that was last said */
    struct buf body;
    size_t *sent; /* indexes of the lines in the request, as the API counts them */
    size_t n_sent, room;
};

/* Sends what is open in the chunk. */
enum sender_end sender_send(struct sender *s, struct chunk *c);

/* Decides lines that an earlier run left in flight: they are unknown. */
enum sender_end sender_bury(struct sender *s, struct chunk *c);

void sender_fini(struct sender *s); /* what it made itself, and the leftovers */

#endif
