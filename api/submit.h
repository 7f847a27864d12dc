// SPDX-License-Identifier: MIT
/*
 * submit - the one path of all requests that store jobs: gather the jobs, add them to the pusher,
 * put the request aside, collect what became of each job, answer once.
 *
 * The answers. All stored: 202 with the ids. Otherwise the status of the worst outcome, and always
 * what is known of each job:
 *
 *   Faktory refused the job            502  "stored":"no"
 *   Faktory away, queue full, stopping 503  "stored":"no"       with Retry-After
 *   not sent by the deadline           504  "stored":"no"
 *   sent, and no clear answer          504  "stored":"unknown"
 *
 * A single job's error is {"error","job_id","stored"}. Of a batch it is {"error","stored":
 * "no"|"partly"|"unknown","job_ids":[...the stored ones...],"count","total_enqueued","failed":
 * [{"index","job_id","stored","error"}]}; when none could even be taken, "failed" is left out.
 *
 * Loop thread, except for the settling of jobs, which comes on the pusher's threads.
 */
#ifndef API_SUBMIT_H
#define API_SUBMIT_H

#include <stddef.h>

#include "api/api.h"
#include "common/http/http.h"

struct submission;

enum {
    SUBMIT_JOB_BYTES_MAX = FAKTORY_COMMAND_BYTES_MAX - 16, /* what struct push_job allows */
    SUBMIT_RETRY_AFTER_MAX_S = 60,
    SUBMIT_LISTED_MAX = 100, /* bad items of a batch that are listed; the others are counted */
};

/* What is answered for a job, by its outcome; a later row is a worse outcome. */
struct submit_fate {
    unsigned status;
    const char *stored, *text;
};
extern const struct submit_fate submit_fates[];
extern const size_t submit_fates_n;

enum submit_kind { SUBMIT_SINGLE, SUBMIT_BATCH };

/* Room for at most `n` jobs, about `text_bytes` of JSON together. NULL: no memory. */
struct submission *submission_new(struct api *api, struct http_request *r, enum submit_kind kind,
                                  size_t n, size_t text_bytes);

/* Up to so many of its jobs may share a pack (1: none), instead of BATCH_PACK_SIZE. Before the
 * first is added. */
void submission_pack(struct submission *s, unsigned pack_max);

/*
 * Adds what job_input_read() gave, under a jid of its own. 0; ERR_FULL when the job is too large
 * for one command to Faktory, with the field to blame; ERR_NOMEM.
 */
int submission_add(struct submission *s, const struct job_input *in, struct job_input_error *error);

/* Sends the jobs on their way; the request is answered, and the submission freed, from there. */
void submission_go(struct submission *s);

/* Instead of submission_go(). NULL is fine. */
void submission_free(struct submission *s);

#endif
