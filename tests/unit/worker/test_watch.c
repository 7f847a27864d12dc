// SPDX-License-Identifier: MIT
/* What main sees of the connection, what /health says about it, and the times of a shutdown. */
#include <string.h>

#include "common/json/json.h"
#include "tests/support/suite.h"
#include "worker/shutdown.h"
#include "worker/status.h"
#include "worker/watch.h"

enum { START = 1000000 };

static void test_connects(void)
{
    struct watch w = {.started_ms = START};
    struct consumer_state s = {.lanes = 4};

    CU_ASSERT_EQUAL(watch_step(&w, &s, START + 50), WATCH_NOTHING);
    s.lanes_up = 1;
    s.heard_ms = START + 60;
    CU_ASSERT_EQUAL(watch_step(&w, &s, START + 100), WATCH_CONNECTED);
    CU_ASSERT_EQUAL(watch_step(&w, &s, START + 150), WATCH_NOTHING);
    s.lanes_up = 0;
    CU_ASSERT_EQUAL(watch_step(&w, &s, START + 200), WATCH_NOTHING);
    s.lanes_up = 4;
    CU_ASSERT_EQUAL(watch_step(&w, &s, START + 250), WATCH_NOTHING); /* said once */
}

static void test_silence(void)
{
    struct watch w = {.started_ms = START, .connected = true};
    struct consumer_state s = {.lanes = 4, .lanes_up = 4, .heard_ms = START};
    int64_t now = START + WATCH_SILENCE_MS;

    CU_ASSERT_EQUAL(watch_step(&w, &s, now - 1), WATCH_NOTHING);
    CU_ASSERT_EQUAL(watch_step(&w, &s, now), WATCH_SILENT);
    CU_ASSERT_EQUAL(watch_step(&w, &s, now + 250), WATCH_NOTHING);
    CU_ASSERT_EQUAL(watch_step(&w, &s, now + WATCH_REPEAT_MS - 1), WATCH_NOTHING);
    CU_ASSERT_EQUAL(watch_step(&w, &s, now + WATCH_REPEAT_MS), WATCH_SILENT);
    s.heard_ms = now + WATCH_REPEAT_MS + 10;
    CU_ASSERT_EQUAL(watch_step(&w, &s, now + WATCH_REPEAT_MS + 20), WATCH_BACK);
    CU_ASSERT_EQUAL(watch_step(&w, &s, now + WATCH_REPEAT_MS + 30), WATCH_NOTHING);
}

static void test_never_connected(void)
{
    struct watch w = {.started_ms = START};
    struct consumer_state s = {.lanes = 4};

    CU_ASSERT_EQUAL(watch_step(&w, &s, START + WATCH_SILENCE_MS), WATCH_SILENT);
    CU_ASSERT_EQUAL(watch_step(&w, &s, START + WATCH_SILENCE_MS + 1), WATCH_NOTHING);
    s.lanes_up = 1;
    s.heard_ms = START + WATCH_SILENCE_MS + 2;
    CU_ASSERT_EQUAL(watch_step(&w, &s, s.heard_ms), WATCH_CONNECTED);
    CU_ASSERT_EQUAL(watch_step(&w, &s, s.heard_ms), WATCH_NOTHING);
}

static unsigned health(int64_t heard_ms, int64_t now_ms, int phase, struct buf *body)
{
    struct status status = {.started_ms = START};
    struct consumer_state faktory = {
        .connections = 8, .connections_up = heard_ms ? 8 : 0, .heard_ms = heard_ms};
    struct crew_state crew = {.threads = 50, .running = 3, .waiting = 2};

    atomic_store(&status.phase, phase);
    return status_write_health(&status, &faktory, &crew, now_ms, body);
}

static void test_health(void)
{
    static const struct {
        int64_t heard_ms, now_ms;
        unsigned code;
        const char *word;
    } cases[] = {
        {0, START + 10, 503, "unhealthy"},
        {START, START + 10, 200, "healthy"},
        {START, START + WATCH_SILENCE_MS - 1, 200, "healthy"},
        {START, START + WATCH_SILENCE_MS, 503, "unhealthy"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf body = BUF_INIT(0);
        struct json_slice root = {NULL, 0};

        CU_ASSERT_EQUAL(health(cases[i].heard_ms, cases[i].now_ms, STATUS_QUIET, &body),
                        cases[i].code);
        CU_ASSERT_EQUAL_FATAL(json_check(buf_str(&body), body.len, &root, NULL), 0);
        CU_ASSERT(json_string_is(json_member(root, "status"), cases[i].word));
        CU_ASSERT(json_string_is(json_member(root, "state"), "quiet"));
        CU_ASSERT(json_string_is(json_member(root, "service"), "worker-service"));
        buf_fini(&body);
    }
}

static void test_plan(void)
{
    static const int64_t timeouts[] = {5000, 10000, 25000, 600000};

    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        struct shutdown_plan plan = shutdown_plan(START, timeouts[i]);

        CU_ASSERT(plan.ask_ms > START);
        CU_ASSERT(plan.cut_ms > plan.ask_ms);
        CU_ASSERT(plan.end_ms - plan.cut_ms >= 1000);
        CU_ASSERT(plan.end_ms - plan.cut_ms <= 3000);
        CU_ASSERT_EQUAL(plan.end_ms, START + timeouts[i]);
    }
}

static const struct suite_test tests[] = {
    {"the first connection is noticed once", test_connects},
    {"D18: silence is noticed, again every minute, and its end", test_silence},
    {"D18: a worker that never connects says so", test_never_connected},
    {"D18: /health says 503 while Faktory is silent", test_health},
    {"a shutdown asks, cuts and ends in this order within its time", test_plan},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "watch", tests, SUITE_COUNT(tests), NULL, NULL);
}
