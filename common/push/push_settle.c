// SPDX-License-Identifier: MIT
#include "common/push/push_settle.h"

#include "common/base/clock.h"
#include "common/push/push_reply.h"

static struct counter *outcome_counter(const struct push_metrics *m, enum push_outcome outcome)
{
    struct counter *const by_outcome[] = {
        [PUSH_STORED] = m->stored, [PUSH_REFUSED] = m->refused, [PUSH_AWAY] = m->away,
        [PUSH_LATE] = m->late,     [PUSH_UNKNOWN] = m->unknown,
    };

    return by_outcome[outcome];
}

static void settle(const struct push_metrics *m, struct push_job *job, enum push_outcome outcome,
                   const char *why)
{
    histogram_observe(m->store_us, clock_us() - job->queued_us);
    counter_add(outcome_counter(m, outcome), 1);
    job->settled(job, outcome, why);
}

void push_settle_all(const struct push_metrics *m, struct push_job *jobs, enum push_outcome outcome,
                     const char *why)
{
    for (struct push_job *job = jobs, *next; job; job = next) {
        next = job->next; /* settled() may free the job */
        settle(m, job, outcome, why);
    }
}

void push_settle_answered(const struct push_metrics *m, struct push_job *jobs,
                          const struct push_pack_jid *packs, const struct resp_reply *reply)
{
    struct push_reply parsed;
    enum push_outcome outcome = PUSH_STORED;
    struct err_text why = {""};

    push_reply_read(&parsed, reply);
    for (struct push_job *job = jobs, *next; job; job = next) {
        if (job->group > 0) {
            const char *jid = job->group > 1 ? (packs++)->text : job->jid;

            why.text[0] = '\0';
            outcome = push_reply_outcome(&parsed, jid, &why);
        }
        next = job->next;
        settle(m, job, outcome, why.text);
    }
}
