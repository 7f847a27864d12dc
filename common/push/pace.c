// SPDX-License-Identifier: MIT
#include "common/push/pace.h"

enum {
    COMPANY_LEAST = 8,   /* fewer requests at once are not worth waiting for */
    COMPANY_US = 200000, /* how long a number of requests at once is remembered, once or twice */
    WORTH_A_PUSH = 24,   /* jobs for which a push beside others is opened */
    PATIENCE_LEAST_US = 5000,
    PATIENCE_SHARE = 16, /* of the round trip: waiting a small part of it costs little */
};

void pace_note_request(struct pace *p, unsigned requests, int64_t now_us)
{
    if (now_us - p->company_since_us >= COMPANY_US) {
        p->company_before = now_us - p->company_since_us < 2L * COMPANY_US ? p->company : 0;
        p->company = 0;
        p->company_since_us = now_us;
    }
    if (p->company < requests)
        p->company = requests;
}

void pace_note_push(struct pace *p, int64_t us)
{
    p->push_us = p->push_us == 0 ? us : p->push_us + (us - p->push_us) / 8;
}

static int64_t patience_us(const struct pace *p)
{
    int64_t us = p->push_us / PATIENCE_SHARE;

    if (us < PATIENCE_LEAST_US)
        us = PATIENCE_LEAST_US;
    return us < p->max_delay_us ? us : p->max_delay_us;
}

/* Among many, a push that takes WORTH_A_PUSH of them sees as many again: the number holds itself
 * up. Among few it takes most of them, and does not wait for the last. */
static unsigned enough_alone(const struct pace *p)
{
    unsigned company = p->company > p->company_before ? p->company : p->company_before;

    if (company < COMPANY_LEAST)
        return 1;
    return company < WORTH_A_PUSH ? company * 3 / 4 : WORTH_A_PUSH;
}

unsigned pace_enough(const struct pace *p, unsigned in_flight)
{
    unsigned enough = in_flight > WORTH_A_PUSH ? in_flight : WORTH_A_PUSH;

    if (in_flight == 0)
        enough = enough_alone(p);
    return enough < p->max_size ? enough : p->max_size;
}

const char *pace_reason(const struct pace *p, unsigned waiting, unsigned in_flight,
                        int64_t oldest_us, int64_t now_us, int64_t *again_us)
{
    int64_t due_us = oldest_us + patience_us(p);

    if (!p->auto_batch)
        return "batching is off";
    if (waiting >= p->max_size)
        return "batch full";
    if (waiting >= pace_enough(p, in_flight))
        return "idle connection";
    if (now_us >= due_us)
        return "timeout";
    *again_us = due_us;
    return NULL;
}
