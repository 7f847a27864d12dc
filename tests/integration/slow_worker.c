// SPDX-License-Identifier: MIT
/*
 * slow_worker - the worker with job types that a test needs and nobody else: jobs that last, that
 * give up when they are asked to, that do not, and that fail. test_worker.c starts it.
 */
#include <stdatomic.h>
#include <time.h>

#include "common/base/log.h"
#include "worker/worker.h"

enum { STEP_MS = 10 };

static void sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* Faktory counts a job as running when it was fetched; a test that stops the worker waits for this.
 */
static void say_inside(void)
{
    static atomic_uint count;

    log_info("inside jobs=%u", atomic_fetch_add(&count, 1) + 1);
}

/* args: [milliseconds]. Deaf to everything. */
static void slow(struct wf_job *job)
{
    int64_t ms;

    if (!wf_integer(wf_arg(job, 1), &ms))
        return;
    say_inside();
    sleep_ms(ms);
    wf_succeed(job, NULL);
}

/* The same, but gives up when it is asked to. */
static void polite(struct wf_job *job)
{
    int64_t ms;

    if (!wf_integer(wf_arg(job, 1), &ms))
        return;
    say_inside();
    for (; ms > 0 && !wf_should_stop(job); ms -= STEP_MS)
        sleep_ms(ms < STEP_MS ? ms : STEP_MS);
    if (ms > 0)
        wf_fail(job, "GaveUp", "was asked to stop");
    else
        wf_succeed(job, NULL);
}

static void noop(struct wf_job *job)
{
    wf_succeed(job, NULL);
}

static void fail(struct wf_job *job)
{
    wf_fail(job, "TryAgain", "on purpose");
}

int main(int argc, char **argv)
{
    static const struct registry_row rows[] = {
        {"slow", slow}, {"polite", polite}, {"noop", noop}, {"fail", fail}};

    return worker_main(argc, argv, rows, sizeof rows / sizeof rows[0]);
}
