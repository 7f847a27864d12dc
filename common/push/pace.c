// SPDX-License-Identifier: MIT
#include "common/push/pace.h"

enum {
    SMOOTH = 64,
    FORGET = 32,
    COMPANY_LEAST = 8, /* fewer requests at once are not worth waiting for */
    COMPANY_MOST = 128,
    WORTH_A_PUSH = 24, /* jobs for which a push beside others is opened */
    PATIENCE_LEAST_US = 5000,
    PATIENCE_SHARE = 16, /* of the round trip: waiting a small part of it costs little */
};

/* Rises at once and falls slowly: clients come in bursts, and a lull is no farewell. */
void pace_note_request(struct pace *p, unsigned requests)
{
    unsigned now = (requests < COMPANY_MOST ? requests : COMPANY_MOST) * SMOOTH;

    p->company -= p->company / FORGET;
    if (p->company < now)
        p->company = now;
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

unsigned pace_enough(const struct pace *p, unsigned in_flight)
{
    unsigned company = p->company / SMOOTH, enough;

    if (in_flight == 0) {
        enough = company < COMPANY_LEAST ? 1 : company * 3 / 4;
        if (enough > WORTH_A_PUSH)
            enough = WORTH_A_PUSH;
    } else
        enough = in_flight > WORTH_A_PUSH ? in_flight : WORTH_A_PUSH;
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
