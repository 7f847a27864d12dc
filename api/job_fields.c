// SPDX-License-Identifier: MIT
#include "api/job_fields.h"

#include "common/faktory/faktory.h"
#include "common/faktory/job.h"

#define OPERANDS                                                                                   \
    {.name = "a",                                                                                  \
     .slot = JOB_SLOT_A,                                                                           \
     .kind = JOB_KIND_NUMBER,                                                                      \
     .required = true,                                                                             \
     .example = "2",                                                                               \
     .help = "The first operand. It reaches the job as it was written: 1.10 stays 1.10."},         \
        {.name = "b",                                                                              \
         .slot = JOB_SLOT_B,                                                                       \
         .kind = JOB_KIND_NUMBER,                                                                  \
         .required = true,                                                                         \
         .example = "3",                                                                           \
         .help = "The second operand."},                                                           \
    {                                                                                              \
        .name = "request_id", .slot = JOB_SLOT_REQUEST_ID, .kind = JOB_KIND_ID,                    \
        .example = "\"order-7\"", .help = "An id of your own, which the worker is given, too."     \
    }

static const struct job_field math_fields[] = {OPERANDS};

static const struct job_field operation_fields[] = {
    {.name = "operation",
     .slot = JOB_SLOT_OPERATION,
     .kind = JOB_KIND_OPERATION,
     .required = true,
     .example = "\"add\"",
     .help = "What to do with a and b, by any of its names."},
    OPERANDS,
};

static const struct job_field named_fields[] = {
    {.name = "type",
     .slot = JOB_SLOT_OPERATION,
     .kind = JOB_KIND_OPERATION,
     .required = true,
     .example = "\"Add\"",
     .help = "What to do with a and b, by any of its names."},
    {.name = "args",
     .slot = JOB_SLOT_OPERANDS,
     .kind = JOB_KIND_OPERANDS,
     .required = true,
     .help = "The operands: an object here, and not an array as in the form of POST /jobs."},
};

static const struct job_field job_fields[] = {
    {.name = "type",
     .slot = JOB_SLOT_TYPE,
     .kind = JOB_KIND_WORD,
     .required = true,
     .min = 1,
     .max = JOB_TYPE_MAX,
     .example = "\"math_divide\"",
     .help = "The type of the job, which decides what a worker does with it. No control "
             "characters."},
    {.name = "args",
     .slot = JOB_SLOT_ARGS,
     .kind = JOB_KIND_LIST,
     .required = true,
     .example = "[{\"a\":1,\"b\":8}]",
     .help = "What the job is given, as it was written."},
    {.name = "queue",
     .slot = JOB_SLOT_QUEUE,
     .kind = JOB_KIND_QUEUE,
     .help = "The queue that it goes to: one of those that this service is set up for."},
    {.name = "at",
     .slot = JOB_SLOT_AT,
     .kind = JOB_KIND_TIME,
     .min = 1,
     .max = JOB_AT_MAX,
     .example = "\"2030-01-31T12:00:00Z\"",
     .help =
         "Not before this time (RFC 3339, with a capital T and Z or an offset). Left out, or in "
         "the past: at once. Faktory looks for jobs that are due every five seconds."},
    {.name = "retry",
     .slot = JOB_SLOT_RETRY,
     .kind = JOB_KIND_WHOLE,
     .min = -1,
     .max = JOB_RETRY_MAX,
     .unset = JOB_RETRY_DEFAULT,
     .example = "3",
     .help = "How often it is tried again after a failure. 0 discards it at its first failure, -1 "
             "puts it among the dead jobs at once."},
    {.name = "reserve_for",
     .slot = JOB_SLOT_RESERVE_FOR,
     .kind = JOB_KIND_WHOLE,
     .min = FAKTORY_RESERVE_MIN_S,
     .max = FAKTORY_RESERVE_MAX_S,
     .unset = JOB_RESERVE_DEFAULT_S,
     .example = "120",
     .help = "Seconds that a worker may take; then another may be given the job."},
    {.name = "custom",
     .slot = JOB_SLOT_CUSTOM,
     .kind = JOB_KIND_MEMBERS,
     .example = "{\"who\":\"me\"}",
     .help = "What you want to find beside the job again, as it was written."},
};

#define ROWS(table) table, sizeof(table) / sizeof(table)[0]

const struct job_form job_form_math = {"Operands", "Two numbers, and an id of your own.",
                                       ROWS(math_fields)};
const struct job_form job_form_job = {"Job", "A job of any type.", ROWS(job_fields)};
const struct job_form job_form_operation = {
    "OperationItem", "One of the four operations, with its operands beside it.",
    ROWS(operation_fields)};
const struct job_form job_form_named = {"NamedItem",
                                        "One of the four operations, with its operands as an "
                                        "object.",
                                        ROWS(named_fields)};
