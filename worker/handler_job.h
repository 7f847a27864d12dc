// SPDX-License-Identifier: MIT
/*
 * handler_job - the worker's side of the handler contract: the job that a handler is given, and
 * what it said about it. One thread, the one that runs the handler.
 */
#ifndef WORKER_HANDLER_JOB_H
#define WORKER_HANDLER_JOB_H

#include <stdatomic.h>

#include "common/base/buf.h"
#include "common/faktory/job.h"
#include "worker/handler.h"

enum {
    HANDLER_ERRTYPE_MAX = 100, /* Faktory cuts both there */
    HANDLER_MESSAGE_MAX = 1000,
    HANDLER_STACK_BYTES = 64 << 10, /* what the contract promises */
};

/* The worker's stopping, as handlers see it; written by main, CLOCK_NEVER until it stops. */
struct handler_stop {
    _Atomic int64_t ask_ms; /* from then on wf_should_stop() says so */
    _Atomic int64_t cut_ms; /* then jobs that did not end are failed */
};

enum handler_word {
    HANDLER_SILENT,
    HANDLER_DONE,   /* no result */
    HANDLER_JSON,   /* the result is in `text` */
    HANDLER_NUMBER, /* the result is in `number` */
    HANDLER_RETRY,
    HANDLER_BURY,
};

struct wf_job {
    const struct job *job;
    const struct handler_stop *stop;
    int64_t deadline_ms;

    enum handler_word word;
    double number;
    struct buf text; /* the result or the message */
    char errtype[HANDLER_ERRTYPE_MAX + 1];

    char **strings; /* what readers decoded, freed at the end */
    size_t n_strings;
};

/* Makes `call` ready for the handler. `job` is borrowed until handler_job_end(). */
void handler_job_begin(struct wf_job *call, const struct job *job, const struct handler_stop *stop);
void handler_job_end(struct wf_job *call);

/* Appends the result as JSON text; nothing when there is none. */
void handler_job_result(const struct wf_job *call, struct buf *out);

/* Keeps the string until the end and returns it; NULL (freed) without memory. */
const char *handler_job_keep(struct wf_job *call, char *string);

#endif
