// SPDX-License-Identifier: MIT
#include "worker/runner.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/pack/verdict.h"

struct runner {
    struct attempts *attempts; /* fixed, as all here */
    struct packs *packs;
    struct consumer *consumer;
};

struct runner *runner_new(const struct registry *registry, const struct packs_metrics *metrics)
{
    struct runner *r = calloc(1, sizeof *r);

    if (r && (r->attempts = attempts_new(registry)) && (r->packs = packs_new(r->attempts, metrics)))
        return r;
    runner_free(r);
    return NULL;
}

void runner_free(struct runner *r)
{
    if (!r)
        return;
    packs_free(r->packs);
    attempts_free(r->attempts);
    free(r);
}

void runner_connect(struct runner *r, struct consumer *consumer, struct crew *crew)
{
    r->consumer = consumer;
    packs_connect(r->packs, consumer, crew);
}

/* ---- running ---- */

/* True: the job comes from a pack, where it failed, and Faktory was told now. */
static bool tell_verdict(struct runner *r, struct crew_seat *seat, struct job *job)
{
    struct verdict v;

    if (!verdict_read(job, &v))
        return false;
    if (crew_claim(seat)) {
        log_debug("Faktory is told that a job failed in its pack jid=%s errtype=%s", job->jid,
                  buf_str(&v.errtype));
        consumer_fail(r->consumer, job, buf_str(&v.errtype), buf_str(&v.message), v.permanent);
    }
    verdict_fini(&v);
    return true;
}

static void run_single(struct runner *r, struct crew_seat *seat, struct job *job)
{
    struct attempt it;
    int64_t ended_us;

    attempt_run(r->attempts, job, &it);
    ended_us = clock_us();
    if (crew_claim(seat)) {
        if (attempt_note(r->attempts, &it, crew_started_us(seat), ended_us))
            consumer_fail(r->consumer, job, it.call.errtype, buf_str(&it.call.text),
                          attempt_is_permanent(&it));
        else
            consumer_ack(r->consumer, job);
    }
    attempt_end(&it);
}

void runner_run(void *runner, struct crew_seat *seat, void *item)
{
    struct runner *r = runner;
    struct job *job = item;

    if (packs_is_ticket(job) || packs_is_pack(job))
        packs_run(r->packs, seat, job);
    else if (!tell_verdict(r, seat, job))
        run_single(r, seat, job);
}

/* ---- stopping ---- */

void runner_stop_at(struct runner *r, int64_t ask_ms, int64_t cut_ms)
{
    attempts_stop_at(r->attempts, ask_ms, cut_ms);
}

bool runner_hand_back(struct runner *r, void *item)
{
    bool is_job = !packs_is_ticket(item);

    if (is_job)
        consumer_hand_back(r->consumer, item);
    else
        packs_drop_ticket(item);
    return is_job;
}

void runner_hand_back_packed(struct runner *r)
{
    packs_stop(r->packs);
}

void runner_give_up(void *runner, void *item, int64_t started_us)
{
    struct runner *r = runner;
    const struct job *job = item;
    struct err_text why = {""};
    struct buf message = BUF_INIT(0);
    struct job *copy;

    if (packs_is_ticket(job))
        return; /* its items are runner_give_up_packed()'s */
    copy = job_parse(job->text.at, job->text.len, &why);
    attempt_give_up(r->attempts, job, started_us, &message);
    if (copy)
        consumer_fail(r->consumer, copy, attempt_stopped, buf_str(&message), false);
    else
        log_error("job could not be given back jid=%s: %s", job->jid, why.text);
    buf_fini(&message);
}

void runner_give_up_packed(struct runner *r)
{
    packs_cut(r->packs);
}

void runner_look(const struct runner *r, struct attempts_totals *totals)
{
    attempts_look(r->attempts, totals);
}
