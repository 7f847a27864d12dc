// SPDX-License-Identifier: MIT
/*
 * job_fields - THE table of what a client may write about a job: each form with its fields, and of
 * each field the name, the kind, the limits, what it is for and an example. job_input.c reads by it
 * and openapi.c describes by it, so the two cannot differ. Immutable; any thread.
 *
 *   job_form_math       body of POST /jobs/add and its siblings
 *   job_form_job        body of POST /jobs, and an item of a batch
 *   job_form_operation  an item of a batch that names its operation
 *   job_form_named      an item of a batch whose args are the body of POST /jobs/add
 */
#ifndef API_JOB_FIELDS_H
#define API_JOB_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOB_RETRY_MAX = 1000, JOB_AT_MAX = 64 };

/* What a field takes, which decides its JSON type and how it is described. */
enum job_kind {
    JOB_KIND_NUMBER,    /* a double; whole ones up to 2^53 */
    JOB_KIND_WHOLE,     /* a whole number, min to max */
    JOB_KIND_ID,        /* any string */
    JOB_KIND_WORD,      /* a string of min to max characters, none of them a control character */
    JOB_KIND_TIME,      /* RFC 3339, at most max characters */
    JOB_KIND_QUEUE,     /* one of API_QUEUES */
    JOB_KIND_OPERATION, /* any name of one of the four operations */
    JOB_KIND_LIST,      /* an array of anything that Faktory keeps as it is */
    JOB_KIND_MEMBERS,   /* an object of the same */
    JOB_KIND_OPERANDS,  /* an object of the form job_form_math */
    JOB_KINDS
};

/* Where the value goes: each has its reader in job_input.c. */
enum job_slot {
    JOB_SLOT_A,
    JOB_SLOT_B,
    JOB_SLOT_REQUEST_ID,
    JOB_SLOT_OPERATION,
    JOB_SLOT_OPERANDS,
    JOB_SLOT_TYPE,
    JOB_SLOT_ARGS,
    JOB_SLOT_QUEUE,
    JOB_SLOT_AT,
    JOB_SLOT_RETRY,
    JOB_SLOT_RESERVE_FOR,
    JOB_SLOT_CUSTOM,
    JOB_SLOTS
};

struct job_field {
    const char *name;
    enum job_slot slot;
    enum job_kind kind;
    bool required; /* the others may be left out, or null */
    int64_t min, max;
    int64_t unset;       /* what holds when it is left out; of JOB_KIND_WHOLE only */
    const char *example; /* as JSON; NULL: the kind's own */
    const char *help;    /* sentences */
};

struct job_form {
    const char *name; /* in the document */
    const char *help;
    const struct job_field *fields;
    size_t n;
};

extern const struct job_form job_form_math, job_form_job, job_form_operation, job_form_named;

#endif
