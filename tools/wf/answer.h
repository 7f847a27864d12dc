// SPDX-License-Identifier: MIT
/*
 * answer - what an answer of the API to a POST of jobs means for them: stored, refused, to be sent
 * again later, or nobody knows. One place, so that `wf push` and `wf batch` judge alike.
 */
#ifndef TOOLS_WF_ANSWER_H
#define TOOLS_WF_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/json/json.h"
#include "tools/wf/http.h"

enum answer_fate {
    ANSWER_STORED,  /* all jobs */
    ANSWER_REFUSED, /* something is wrong with the jobs, or with one of them: not stored */
    ANSWER_LATER,   /* not stored, and nothing wrong with them: try again */
    ANSWER_UNKNOWN, /* they may be stored: trying again may store them twice */
    ANSWER_STRANGE, /* not stored; whoever answers there is no api-service, or wants to be asked
                       otherwise: trying again is useless */
};

struct answer {
    enum answer_fate fate;
    bool reached;           /* something answered; false: no connection, or it broke */
    int status;             /* of HTTP; 0: no answer */
    struct json_slice root; /* the answer's JSON, or empty; good until the next request */
    struct err_text why;    /* for all but stored: what the API, or the network, says */
    int64_t retry_after_ms; /* what the service asks for; 0: nothing */
};

/* Sends jobs and judges. Always fills *a. */
void answer_ask(struct http *h, const struct http_ask *ask, struct answer *a);

/* "yes", "no", "unknown": what became of the jobs, as the API words it. */
const char *answer_stored(enum answer_fate fate);

#endif
