// SPDX-License-Identifier: MIT
/*
 * status - what Faktory itself says: whether it answers, and the numbers of its INFO.
 *
 * A question is sent over one of the pusher's connections and its answer is shared by all who ask
 * meanwhile and for a while after, so hammering /ready or /stats costs Faktory nothing. A question
 * that is not answered within STATUS_PATIENCE_MS counts as unanswered for those who wait, but it
 * stays under way: giving it up would give up the connection with all its pushes.
 *
 * Safety: one lock, never held while anything is called.
 */
#ifndef API_STATUS_H
#define API_STATUS_H

#include <stdbool.h>

#include "api/outlet.h"
#include "api/queues.h"
#include "common/base/buf.h"
#include "common/faktory/faktory.h"
#include "common/http/http.h"

enum {
    STATUS_PATIENCE_MS = 3000,
    STATUS_READY_AGE_MS = 250,
    STATUS_INFO_AGE_MS = 5000,
};

enum status_question { STATUS_READY, STATUS_INFO };

struct status;

/* All borrowed. NULL: no memory. */
struct status *status_new(const struct faktory_settings *settings, struct outlet *outlet,
                          struct queues *queues);
void status_free(struct status *s); /* after the pusher has stopped */

/* Loop thread: runs fn(r, state) when there is an answer, at once or later. */
void status_ask(struct status *s, enum status_question question, struct http_request *r,
                http_resume_fn *fn, void *state);

/* Ends the waiting of those who have waited long enough. Any thread, now and then (twice a second
 * will do). */
void status_tick(struct status *s);

/* The latest answer: true when it was a good one; otherwise `why` says what is wrong. */
bool status_ready(struct status *s, struct err_text *why);

/* Appends the latest good INFO as a JSON object, or null. */
void status_write_info(struct status *s, struct buf *out);

#endif
