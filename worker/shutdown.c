// SPDX-License-Identifier: MIT
#include "worker/shutdown.h"

#include <inttypes.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum {
    RESERVE_MIN_MS = 1000, /* kept at the end for telling Faktory */
    RESERVE_MAX_MS = 3000,
};

struct shutdown_plan shutdown_plan(int64_t begin_ms, int64_t timeout_ms)
{
    int64_t reserve_ms = timeout_ms / 10;
    struct shutdown_plan plan;

    if (reserve_ms < RESERVE_MIN_MS)
        reserve_ms = RESERVE_MIN_MS;
    if (reserve_ms > RESERVE_MAX_MS)
        reserve_ms = RESERVE_MAX_MS;
    plan.end_ms = begin_ms + timeout_ms;
    plan.cut_ms = plan.end_ms - reserve_ms;
    plan.ask_ms = plan.cut_ms - reserve_ms;
    return plan;
}

static void hand_back_waiting(const struct shutdown *s)
{
    void *item;

    while ((item = crew_take_waiting(s->crew)) != NULL)
        if (runner_hand_back(s->runner, item))
            counter_add(s->handed_back, 1);
    runner_hand_back_packed(s->runner);
}

/* Waits for the last replies and the last +OKs; false with a line for each that did not come. */
static bool wait_for_faktory(const struct shutdown *s, int64_t deadline_ms)
{
    bool fetched = consumer_wait_fetched(s->consumer, deadline_ms);
    bool settled = consumer_wait_settled(s->consumer, deadline_ms);
    struct consumer_state state;

    consumer_look(s->consumer, &state);
    if (!fetched)
        log_error("FETCHes unanswered at the end: their jobs may wait for their reservation to "
                  "end fetches=%u",
                  state.fetches);
    if (!settled)
        log_error("Faktory does not know every outcome: these jobs will run again when their "
                  "reservation ends outcomes=%u",
                  state.settling);
    return fetched && settled;
}

bool shutdown_run(const struct shutdown *s, const struct shutdown_plan *plan)
{
    struct attempts_totals totals;
    struct crew_state crew;
    bool good;

    consumer_quiet(s->consumer, CONSUMER_TERMINATE);
    runner_stop_at(s->runner, plan->ask_ms, plan->cut_ms);
    crew_close(s->crew);
    hand_back_waiting(s);
    crew_look(s->crew, &crew);
    log_info("stopping: waiting for %u running jobs, up to %" PRId64 " ms", crew.running,
             plan->cut_ms - clock_ms());
    if (!crew_wait_done(s->crew, plan->cut_ms)) {
        crew_take_running(s->crew, runner_give_up, s->runner);
        runner_give_up_packed(s->runner);
    }
    good = wait_for_faktory(s, plan->end_ms);
    runner_look(s->runner, &totals);
    log_info("stopped: %lu done, %lu failed, %" PRIu64 " handed back, %lu did not end", totals.done,
             totals.failed, counter_value(s->handed_back), totals.given_up);
    return good;
}
