// SPDX-License-Identifier: MIT
/* Each job of a push hears once what became of it, and is counted; it may be freed then. */
#include "common/push/push_settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

enum { JOBS = 5 };

struct noted {
    struct push_job job; /* first */
    int n;
    char jid[16];
};

static struct metrics *metrics;
static struct push_metrics counts;
static char told[JOBS + 1]; /* a letter a job; '-': not yet */

static void setup(void)
{
    metrics = metrics_new();
    counts = (struct push_metrics){
        .store_us = metrics_histogram(metrics, "store_us", "Us.", NULL, metrics_batch_jobs,
                                      metrics_batch_jobs_n, 1),
        .stored = metrics_counter(metrics, "stored", "Stored.", NULL),
        .refused = metrics_counter(metrics, "refused", "Refused.", NULL),
        .unknown = metrics_counter(metrics, "unknown", "Unknown.", NULL),
    };
    memset(told, '-', JOBS);
}

static void teardown(void)
{
    metrics_free(metrics);
}

static void settled(struct push_job *job, enum push_outcome outcome, const char *why)
{
    struct noted *j = (struct noted *)job;

    CU_ASSERT_EQUAL(told[j->n], '-');
    CU_ASSERT_EQUAL(outcome == PUSH_STORED, why[0] == '\0');
    told[j->n] = "SRALU"[outcome];
    free(j);
}

/* A chain of jobs job-0, job-1 ...; groups[i] is how many share a pack from there on, or 0. */
static struct push_job *chain(const unsigned *groups)
{
    struct push_job *first = NULL, **end = &first;

    for (int i = 0; i < JOBS; i++) {
        struct noted *j = calloc(1, sizeof *j);

        CU_ASSERT_PTR_NOT_NULL_FATAL(j);
        j->n = i;
        snprintf(j->jid, sizeof j->jid, "job-%d", i);
        j->job = (struct push_job){.jid = j->jid, .settled = settled, .group = groups[i]};
        *end = &j->job;
        end = &j->job.next;
    }
    return first;
}

static void test_all(void)
{
    static const unsigned alone[JOBS] = {1, 1, 1, 1, 1};

    push_settle_all(&counts, chain(alone), PUSH_UNKNOWN, "the connection was lost");
    CU_ASSERT_STRING_EQUAL(told, "UUUUU");
    CU_ASSERT_EQUAL(counter_value(counts.unknown), JOBS);
    CU_ASSERT_EQUAL(counter_value(counts.stored), 0);
    CU_ASSERT_EQUAL(histogram_count(counts.store_us), JOBS);
}

static void test_answered(void)
{
    static const unsigned groups[JOBS] = {1, 2, 0, 2, 0};
    static const struct push_pack_jid packs[] = {{"pack-a"}, {"pack-b"}};
    static const char text[] = "{\"job-0\":\"jobs must have an args parameter\",\"job-3\":\"no\","
                               "\"pack-b\":\"dial unix: no\"}";
    struct resp_reply reply = {RESP_BULK, text, strlen(text)};

    push_settle_answered(&counts, chain(groups), packs, &reply);
    CU_ASSERT_STRING_EQUAL(told, "RSSUU");
    CU_ASSERT_EQUAL(counter_value(counts.refused), 1);
    CU_ASSERT_EQUAL(counter_value(counts.stored), 2);
    CU_ASSERT_EQUAL(counter_value(counts.unknown), 2);
}

static const struct suite_test tests[] = {
    {"one outcome for all", test_all},
    {"jobs and packs that Faktory names have its reason, and no others", test_answered},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "push_settle", tests, SUITE_COUNT(tests), setup, teardown);
}
