// SPDX-License-Identifier: MIT
/*
 * job - the job as Faktory knows it: as text to be pushed, and as text that was fetched.
 * Pure data, no locks; a struct job belongs to one thread at a time.
 */
#ifndef COMMON_FAKTORY_JOB_H
#define COMMON_FAKTORY_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/json/json.h"

enum {
    JOB_RETRY_DEFAULT = 25,      /* Faktory's own, but always said: see job_write() */
    JOB_RESERVE_DEFAULT_S = 600, /* what the predecessor's producers send */
    JOB_QUEUE_NAME_MAX = 64,
    JOB_TYPE_MAX = 200, /* characters */
};

/* What a producer says. Strings and slices are borrowed. */
struct job_spec {
    const char *jid;
    const char *type;
    const char *queue;
    struct json_slice args;   /* a JSON array, sent as it is */
    struct json_slice custom; /* a JSON object, or empty */
    const char *at;           /* RFC 3339 for a scheduled job, or NULL */
    int64_t retry;            /* 0 discards at the first failure, negative buries at once */
    int64_t reserve_for_s;    /* FAKTORY_RESERVE_MIN_S .. FAKTORY_RESERVE_MAX_S */
};

/*
 * Appends the job as one JSON object. retry, queue and reserve_for are always in it: Faktory's
 * default for retry changes with what other producers push, and some workers die of a job without
 * reserve_for.
 */
void job_write(struct buf *out, const struct job_spec *spec);

/* 0, or ERR_INVALID with what is expected: [a-zA-Z0-9._-]+, at most JOB_QUEUE_NAME_MAX, and none of
 * the names that are Redis keys of Faktory's own (a job in "working" breaks every FETCH). */
int job_check_queue_name(const char *name, struct err_text *why);

/* A fetched job: one allocation, everything points into it. */
struct job {
    const char *jid;
    const char *type;
    const char *queue;
    struct json_slice text;   /* the whole payload */
    struct json_slice args;   /* an array */
    struct json_slice custom; /* an object, or empty */
    int64_t reserve_for_s;
    int64_t retry;
    int64_t attempt;    /* 1 for the first execution */
    int64_t fetched_ms; /* monotonic; when the reply was read */
};

/* Copies and checks the payload of a FETCH. NULL with `why` set; the caller frees with job_free. */
struct job *job_parse(const char *text, size_t len, struct err_text *why);
void job_free(struct job *job); /* NULL is fine */

/*
 * What can be saved of a payload that job_parse() refuses (nested too deep, a NUL in a string): a
 * job with its jid and nothing else, so that it can be FAILed instead of coming back for ever. NULL
 * when there is no jid either.
 */
struct job *job_salvage(const char *text, size_t len);

/*
 * The jid that the producer was given. A job that a stopping worker handed back lives on under a
 * new jid and carries its first one in custom.wf_jid. Appends it to `out`.
 */
void job_first_jid(const struct job *job, struct buf *out);

/*
 * Appends a copy of a fetched job under `new_jid`, for handing it back: type, queue, args, custom,
 * retry, reserve_for, created_at and the failure so far are kept, custom.wf_jid is added.
 */
void job_write_copy(struct buf *out, const struct job *job, const char *new_jid);

#endif
