// SPDX-License-Identifier: MIT
#include "tools/bench/plan.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum {
    LOOP = PLAN_LOOPBACK,
    LINK = PLAN_LINK,
    AT_50 = PLAN_50MS,
    ONCE = PLAN_ONCE,
    SMOKE = PLAN_SMOKE
};

/* A peer on a link: watched for a while, so that a slow one does not take minutes. */
#define WHILE(slots, trips)                                                                        \
    {                                                                                              \
        .size = (slots), .jobs = 120000, .warm_s = 4, .warm_trips = (trips), .seconds = 4          \
    }

/* Two lanes, and with them five settlers and the heartbeat. */
#define EIGHT_CONNECTIONS                                                                          \
    {                                                                                              \
        .size = 50, .jobs = 50000, .setting = "WORKER_CONNECTIONS=2"                               \
    }

/* A few clients that keep the API busy over any link: 20,000 jobs on their way. */
#define PACKED(n)                                                                                  \
    {                                                                                              \
        .size = 4, .jobs = (n), .batch = 5000, .pack = 500                                         \
    }

const struct scenario plan_scenarios[] = {
    {"smoke", "drain", "ours", SMOKE, measure_drain, {.size = 8, .jobs = 4000}},
    {"smoke", "api", "ours", SMOKE, measure_api, {.size = 8, .jobs = 2000}},
    {"smoke", "api-batch", "ours", SMOKE, measure_api, {.size = 2, .jobs = 4000, .batch = 100}},
    {"smoke", "api-fixed", "ours", SMOKE, measure_api, {.size = 8, .jobs = 300, .rate = 600}},
    {"smoke", "first-job", "ours", SMOKE, measure_first_job, {.size = 8, .jobs = 3}},
    {"smoke",
     "sustained",
     "ours",
     SMOKE,
     measure_sustained,
     {.size = 4, .rate = 300, .seconds = 1}},

    {"smoke",
     "pack",
     "ours",
     SMOKE,
     measure_pack,
     {.size = 2, .jobs = 4000, .batch = 1000, .pack = 100}},

    /* 20 slots are best for the peers on loopback, 50 is what ours starts with */
    {"drain", "drain", "ours", LOOP | LINK, measure_drain, {.size = 50, .jobs = 50000}},
    /* on as many connections as over a link, for what the link itself costs */
    {"drain", "drain-8", "ours", LOOP, measure_drain, EIGHT_CONNECTIONS},
    {"drain", "drain", "go", LOOP, measure_drain, {.size = 20, .jobs = 50000}},
    {"drain", "drain", "rust", LOOP, measure_drain, {.size = 20, .jobs = 50000}},
    /* the Rust worker connects its slots one after the other, three round trips each */
    {"drain", "drain", "go", LINK, measure_drain, WHILE(50, 0)},
    {"drain", "drain", "rust", LINK, measure_drain, WHILE(50, 170)},
    {"drain", "drain", "go", AT_50, measure_drain, WHILE(500, 40)},
    {"drain", "drain", "rust", AT_50 | ONCE, measure_drain, WHILE(500, 850)},

    {"backlog", "backlog", "ours", LOOP, measure_drain, {.size = 50, .jobs = 200000}},
    {"threads", "drain", "ours", LOOP, measure_drain, {.size = 2000, .jobs = 50000}},
    {"threads", "drain", "ours", LOOP, measure_drain, {.size = 5000, .jobs = 50000}},
    {"idle", "idle", "ours", LOOP, measure_idle, {.size = 50, .seconds = 10}},
    {"first", "first-job", "ours", LOOP, measure_first_job, {.size = 50, .jobs = 100}},
    {"first", "first-job", "go", LOOP, measure_first_job, {.size = 20, .jobs = 100}},
    {"first", "first-job", "rust", LOOP, measure_first_job, {.size = 20, .jobs = 100}},
    {"first", "first-job", "ours", AT_50, measure_first_job, {.size = 50, .jobs = 50}},
    {"first", "first-job", "go", AT_50, measure_first_job, {.size = 50, .jobs = 10}},
    {"workers", "workers", "ours", LOOP, measure_drain, {.size = 50, .jobs = 40000, .workers = 1}},
    {"workers", "workers", "ours", LOOP, measure_drain, {.size = 50, .jobs = 40000, .workers = 2}},
    {"workers", "workers", "ours", LOOP, measure_drain, {.size = 50, .jobs = 40000, .workers = 4}},

    /* the ceiling comes behind the load that it imitates */
    {"api", "api", "ours", LOOP, measure_api, {.size = 64, .jobs = 100000}},
    {"api", "pushb-500", "busy", LOOP, measure_ceiling, {.size = 4, .jobs = 100000, .batch = 500}},
    {"api", "pushb-500", "alone", LOOP, measure_ceiling, {.size = 4, .jobs = 100000, .batch = 500}},
    {"api", "api-batch", "ours", LOOP, measure_api, {.size = 4, .jobs = 200000, .batch = 1000}},
    {"clients", "api", "ours", LOOP, measure_api, {.size = 1, .jobs = 4000}},
    {"clients", "api", "ours", LOOP, measure_api, {.size = 10, .jobs = 20000}},
    {"clients", "api", "ours", LOOP, measure_api, {.size = 50, .jobs = 50000}},
    {"clients", "api", "ours", LOOP, measure_api, {.size = 100, .jobs = 50000}},
    {"single", "one-client", "ours", LOOP, measure_one_client, {.size = 1, .jobs = 3000}},
    {"single", "one-client", "ours", AT_50, measure_one_client, {.size = 1, .jobs = 60}},
    {"single", "one-client", "pushb", LOOP, measure_one_client, {.size = 1, .jobs = 3000}},
    {"single", "one-client", "pushb", AT_50, measure_one_client, {.size = 1, .jobs = 60}},
    {"fixed", "api-fixed", "ours", LOOP, measure_api, {.size = 64, .jobs = 25000, .rate = 5000}},
    {"sustained",
     "sustained",
     "ours",
     LOOP,
     measure_sustained,
     {.size = 16, .rate = 3000, .seconds = 10}},

    {"pack", "pack", "ours", LOOP | AT_50, measure_pack, PACKED(1000000)},

    {"api", "api", "ours", AT_50, measure_api, {.size = 64, .jobs = 8000}},
    {"api", "api", "ours", AT_50, measure_api, {.size = 1000, .jobs = 80000}},
    {"api", "api-half", "ours", AT_50, measure_api, {.size = 1000, .jobs = 50000, .rate = -0.5}},
    {"api", "api-batch", "ours", AT_50, measure_api, {.size = 4, .jobs = 200000, .batch = 1000}},
};
const size_t plan_scenarios_n = COUNT(plan_scenarios);

const struct plan_link plan_links[] = {
    {"loopback", 0, 0, 0}, {"1ms", 1, 0, 0},         {"10ms", 10, 0, 0},        {"50ms", 50, 0, 0},
    {"100ms", 100, 0, 0},  {"50ms+20ms", 50, 20, 0}, {"50ms,1%lost", 50, 0, 1},
};
const size_t plan_links_n = COUNT(plan_links);
