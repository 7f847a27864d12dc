// SPDX-License-Identifier: MIT
/*
 * job_input - one job as a client wrote it, in any of the accepted forms, checked and turned into
 * what goes to Faktory. Every error names the field.
 *
 *   body of POST /jobs/add      {"a":1,"b":2,"request_id":"x"?}
 *   body of POST /jobs          {"type","args":[...],"queue"?,"at"?,"retry"?,"reserve_for"?,
 *                                "custom"?}
 *   item of POST /jobs/batch    {"type":"Add","args":{"a":1,"b":2,"request_id":"x"?}},
 *                               {"operation":"add","a":1,"b":2,"request_id":"x"?},
 *                               or the form of POST /jobs
 *
 * The fields and their limits are the table of job_fields.h. An optional field may also be null. An
 * unknown field is an error: a misspelt one must not vanish silently. One thread at a time.
 */
#ifndef API_JOB_INPUT_H
#define API_JOB_INPUT_H

#include "api/job_fields.h"
#include "api/math_op.h"
#include "api/queues.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/faktory/job.h"
#include "common/json/json.h"

enum job_input_form { JOB_INPUT_MATH, JOB_INPUT_JOB, JOB_INPUT_ITEM };

/* What is wrong. `field` is a path ("a", "args.a"), empty when it is the whole item. */
struct job_input_error {
    char field[80];
    struct err_text why;
};

/* Embedded by value and used again and again, for its buffers. */
struct job_input {
    struct job_spec spec;     /* all but the jid; borrows from below and from the text read */
    const struct math_op *op; /* one of the four operations, or NULL */
    double a, b;              /* of the operation */
    int queue;                /* index of spec.queue */
    struct buf args, type, at, name;
};

void job_input_init(struct job_input *in);
void job_input_fini(struct job_input *in);

/*
 * Reads one value of checked JSON. `op` is the operation that the path named (JOB_INPUT_MATH only).
 * 0; ERR_INVALID with *error set; ERR_NOMEM. The result is good until the next read.
 */
int job_input_read(struct job_input *in, const struct queues *queues, enum job_input_form form,
                   const struct math_op *op, struct json_slice value,
                   struct job_input_error *error);

#endif
