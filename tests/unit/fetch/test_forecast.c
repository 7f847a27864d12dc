// SPDX-License-Identifier: MIT
/* How many jobs a round trip will finish: leaping while the rate grows, never beyond the threads.
 */
#include "common/fetch/forecast.h"
#include "tests/support/suite.h"

enum { THREADS = 50, RTT_US = 100000, MS = 1000 };

struct worker {
    struct forecast f;
    int64_t now_us;
};

static struct worker new_worker(int64_t rtt_us)
{
    struct worker w;

    forecast_init(&w.f, THREADS, 0);
    w.f.rtt_us = rtt_us;
    w.now_us = 0;
    return w;
}

/* `n` jobs come at once, and each is finished `each_us` after the one before. */
static void one_by_one(struct worker *w, unsigned n, int64_t each_us)
{
    for (unsigned i = 0; i < n; i++)
        forecast_begun(&w->f, w->now_us);
    for (unsigned i = 0; i < n; i++)
        forecast_finished(&w->f, w->now_us += each_us);
}

/* `n` jobs come at once, and all are finished after `took_us`. */
static void all_at_once(struct worker *w, unsigned n, int64_t took_us)
{
    for (unsigned i = 0; i < n; i++)
        forecast_begun(&w->f, w->now_us);
    w->now_us += took_us;
    for (unsigned i = 0; i < n; i++)
        forecast_finished(&w->f, w->now_us);
}

static void test_nothing(void)
{
    struct worker w = new_worker(RTT_US);

    CU_ASSERT_EQUAL(forecast_jobs(&w.f), 0);
    for (int i = 0; i < THREADS; i++)
        forecast_begun(&w.f, w.now_us);
    CU_ASSERT_EQUAL(forecast_jobs(&w.f), 0);
}

/* Rounds until as many are forecast as come in a round trip of a worker that is busy. */
static void test_burst(void)
{
    struct worker w = new_worker(RTT_US);
    unsigned n = 48, rounds = 0;

    while (n < 1000 && rounds < 20) {
        int64_t next_us = w.now_us + RTT_US;

        one_by_one(&w, n, 20);
        n = THREADS + (unsigned)forecast_jobs(&w.f);
        w.now_us = next_us;
        rounds++;
    }
    CU_ASSERT(rounds >= 2); /* it does not ask for the world after one job */
    CU_ASSERT(rounds <= 3);
}

/* Single jobs, seconds apart, do not make the worker slow to see a burst. */
static void test_burst_after_lull(void)
{
    struct worker w = new_worker(RTT_US);

    for (int i = 0; i < 10; i++) {
        one_by_one(&w, 1, 20);
        w.now_us += 5000 * MS;
    }
    CU_ASSERT(forecast_jobs(&w.f) < 2);
    one_by_one(&w, 1, 20);
    one_by_one(&w, 48, 20);
    CU_ASSERT(forecast_jobs(&w.f) > 300);
}

/* 50 threads with jobs of 100 ms: as many in a round trip, however fast the first ones came. */
static void test_slow_jobs(void)
{
    struct worker w = new_worker(RTT_US);

    for (int i = 0; i < 10; i++) {
        all_at_once(&w, THREADS, 100 * MS);
        CU_ASSERT(forecast_jobs(&w.f) <= 2 * THREADS);
    }
    CU_ASSERT(forecast_jobs(&w.f) >= 0.9 * THREADS);
}

/* A steady rate is forecast as it is. */
static void test_steady(void)
{
    struct worker w = new_worker(RTT_US);
    double jobs;

    for (int i = 0; i < 10; i++)
        one_by_one(&w, 1000, 100);
    jobs = forecast_jobs(&w.f);
    CU_ASSERT(jobs > 900 && jobs < 1300);
}

/* When quick jobs become slow ones, the forecast falls with the rate. */
static void test_fall(void)
{
    struct worker w = new_worker(RTT_US);
    double before;

    for (int i = 0; i < 10; i++)
        one_by_one(&w, 1000, 100);
    before = forecast_jobs(&w.f);
    for (int i = 0; i < 10; i++)
        all_at_once(&w, THREADS, 200 * MS);
    CU_ASSERT(forecast_jobs(&w.f) < before / 10);
    CU_ASSERT(forecast_jobs(&w.f) <= 2 * THREADS);
}

/* A near server counts as 5 ms away, and an unknown round trip as that. */
static void test_near(void)
{
    struct worker near = new_worker(200), unknown = new_worker(0);

    for (int i = 0; i < 10; i++) {
        one_by_one(&near, 100, 100);
        one_by_one(&unknown, 100, 100);
    }
    CU_ASSERT(forecast_jobs(&near.f) > 45 && forecast_jobs(&near.f) < 65);
    CU_ASSERT_EQUAL(forecast_jobs(&near.f), forecast_jobs(&unknown.f));
}

static const struct suite_test tests[] = {
    {"without a finished job there is no forecast", test_nothing},
    {"a burst of quick jobs is full speed after three round trips", test_burst},
    {"a burst after a lull leaps as the first one does", test_burst_after_lull},
    {"slow jobs are never more than the threads can do", test_slow_jobs},
    {"a steady rate is forecast as it is", test_steady},
    {"when the jobs become slow the forecast falls", test_fall},
    {"a near server counts as five milliseconds away", test_near},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "forecast", tests, SUITE_COUNT(tests), NULL, NULL);
}
