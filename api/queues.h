// SPDX-License-Identifier: MIT
/*
 * queues - the queues that jobs may be put into (API_QUEUES), and the care that their making needs.
 *
 * Faktory 1.9.4 can crash when a queue is made while somebody asks for INFO: it walks its map of
 * queues without a lock. So queues should be made once, early, and not while INFO is under way. But
 * Faktory has no command that makes a queue: PAUSE, RESUME, REMOVE and LATENCY pass over a name
 * that they do not know, a job with a future `at` does not touch its queue, and requeueing or
 * pushing leaves a job, which waiting workers of anybody would take. A made-up job for strangers'
 * workers is worse than none. So a queue is made by the first job that is stored in it, and this
 * module keeps the two apart: while a job goes to a queue that is not known to exist, the API sends
 * no INFO, and while an INFO is unanswered such a job is held back (a millisecond, seldom twice in
 * the life of a process). Whether a queue exists is learned from each INFO and from each stored
 * job, and forgotten when Faktory was away, since it may have come back empty.
 *
 * Safety: one lock, never held while anything is called.
 */
#ifndef API_QUEUES_H
#define API_QUEUES_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/json/json.h"

struct queues;

/* Checks a list for the table of settings: names by job_check_queue_name(), none twice. 0, or
 * ERR_INVALID with what is expected appended. */
int queues_check(const char *list, struct buf *expected);

/* From a checked list, which is borrowed for messages. NULL: no memory. */
struct queues *queues_new(const char *list);
void queues_free(struct queues *q);

/* How many there are; their indexes go from 0. */
int queues_count(const struct queues *q);
/* The index of a name; -1: not on the list. */
int queues_find(const struct queues *q, const char *name);
const char *queues_name(const struct queues *q, int index);
/* "default" when it is on the list, else the first. */
int queues_default(const struct queues *q);
/* The list as it was configured, for messages. */
const char *queues_list(const struct queues *q);

/* ---- keeping INFO and the making of queues apart; any thread ---- */

bool queues_exists(const struct queues *q, int index);
void queues_note_exists(struct queues *q, int index);
/* Takes the `queues` object of an INFO: what is not in it does not exist. */
void queues_learn(struct queues *q, struct json_slice info_queues);
void queues_forget(struct queues *q);

/* A push that may make a queue. Embedded in the submission; `go` is called when it may start. */
struct queues_creation {
    void (*go)(struct queues_creation *c);
    struct queues_creation *next; /* the module's */
};

/* Calls go(c) now, or, while an INFO is under way, when that has ended, on the thread that ended
 * it. Afterwards queues_end_create() must come once. */
void queues_begin_create(struct queues *q, struct queues_creation *c);
void queues_end_create(struct queues *q);

/* False: not now, a queue may be in the making. True: queues_end_poll() must come once. */
bool queues_begin_poll(struct queues *q);
void queues_end_poll(struct queues *q);

#endif
