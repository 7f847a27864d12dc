// SPDX-License-Identifier: MIT
#include "common/push/pace.h"

enum {
    COMPANY_LEAST = 8,   /* fewer requests at once are not worth waiting for */
    COMPANY_US = 200000, /* how long a number of requests at once is remembered, once or twice */
    WORTH_A_PUSH = 21,   /* fewer jobs are not worth a push beside others */
    CROWD_PARTS = 3,     /* pushes that a crowd fills side by side */
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

int64_t pace_patience_us(const struct pace *p)
{
    int64_t us = p->push_us / PATIENCE_SHARE;

    if (us < PATIENCE_LEAST_US)
        us = PATIENCE_LEAST_US;
    return us < p->max_delay_us ? us : p->max_delay_us;
}

static unsigned company_now(const struct pace *p)
{
    return p->company > p->company_before ? p->company : p->company_before;
}

/* A part of the crowd, which sees as many again: the number holds itself up. */
static unsigned worth_a_push(const struct pace *p)
{
    unsigned part = company_now(p) / CROWD_PARTS;

    return part > WORTH_A_PUSH ? part : WORTH_A_PUSH;
}

/* Among few, a push takes most of them, and does not wait for the last. */
static unsigned enough_alone(const struct pace *p)
{
    unsigned company = company_now(p);

    if (company < COMPANY_LEAST)
        return 1;
    return company < WORTH_A_PUSH ? company * 3 / 4 : worth_a_push(p);
}

unsigned pace_enough(const struct pace *p, struct pace_load load)
{
    unsigned enough = worth_a_push(p);

    if (load.jobs == 0)
        enough = enough_alone(p);
    else if (!load.idle_connection && load.jobs > enough)
        enough = load.jobs;
    return enough < p->max_size ? enough : p->max_size;
}

const char *pace_reason(const struct pace *p, unsigned waiting, struct pace_load load,
                        int64_t oldest_us, int64_t now_us, int64_t *again_us)
{
    int64_t due_us = oldest_us + pace_patience_us(p);

    if (!p->auto_batch)
        return "batching is off";
    if (waiting >= p->max_size)
        return "batch full";
    if (waiting >= pace_enough(p, load))
        return "idle connection";
    if (now_us >= due_us)
        return "timeout";
    *again_us = due_us;
    return NULL;
}
