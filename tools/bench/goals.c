// SPDX-License-Identifier: MIT
#include "tools/bench/goals.h"

#include <math.h>
#include <string.h>

enum { AT_LEAST, AT_MOST };

/* What is done with the figure of `a`, and of `b` where there is one. */
enum how {
    VALUE,
    BY,     /* a / b */
    MINUS,  /* a - b */
    BY_RTT, /* milliseconds by the round trip */
    OF_RTT, /* the rate by what `size` clients can do that wait one round trip for each answer */
};

struct pick {
    const char *what, *who, *link;
    unsigned size; /* 0: any */
};

#define PEERS "peers" /* the one with the highest rate */
#define LOOP "loopback"

static const struct goal {
    const char *text;
    enum figure figure;
    enum how how;
    struct pick a, b;
    int sense;
    double limit;
} goals[] = {
    {"1 drain on loopback, by the best peer",
     FIG_RATE,
     BY,
     {"drain", "ours", LOOP, 50},
     {"drain", PEERS, LOOP, 20},
     AT_LEAST,
     1.1},
    {"1 CPU a job, by the Rust peer's",
     FIG_CPU_US,
     BY,
     {"drain", "ours", LOOP, 50},
     {"drain", "rust", LOOP, 20},
     AT_MOST,
     0.334},
    {"1 peak memory with 50 threads, by the Rust peer's",
     FIG_PEAK_MIB,
     BY,
     {"drain", "ours", LOOP, 50},
     {"drain", "rust", LOOP, 20},
     AT_MOST,
     1},
    {"2 drain at 50 ms, by our loopback",
     FIG_RATE,
     BY,
     {"drain", "ours", "50ms", 50},
     {"drain", "ours", LOOP, 50},
     AT_LEAST,
     0.85},
    {"2 connections for that",
     FIG_CONNECTIONS,
     VALUE,
     {"drain", "ours", "50ms", 50},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     8},
    {"2 drain at 50 ms, by the best peer with 50 slots",
     FIG_RATE,
     BY,
     {"drain", "ours", "50ms", 50},
     {"drain", PEERS, "50ms", 50},
     AT_LEAST,
     15},
    {"2 drain at 50 ms, by the best peer with 500 slots",
     FIG_RATE,
     BY,
     {"drain", "ours", "50ms", 50},
     {"drain", PEERS, "50ms", 500},
     AT_LEAST,
     2},
    {"2 drain at 100 ms, by our loopback",
     FIG_RATE,
     BY,
     {"drain", "ours", "100ms", 50},
     {"drain", "ours", LOOP, 50},
     AT_LEAST,
     0.75},
    {"- drain at 50 ms, by our loopback on 8 connections",
     FIG_RATE,
     BY,
     {"drain", "ours", "50ms", 50},
     {"drain-8", "ours", LOOP, 50},
     AT_LEAST,
     0.85},
    {"- drain at 100 ms, by our loopback on 8 connections",
     FIG_RATE,
     BY,
     {"drain", "ours", "100ms", 50},
     {"drain-8", "ours", LOOP, 50},
     AT_LEAST,
     0.75},
    {"3 last tenth of 200,000 by the second",
     FIG_FLATNESS,
     VALUE,
     {"backlog", "ours", LOOP, 50},
     {NULL, NULL, NULL, 0},
     AT_LEAST,
     0.9},
    {"4 MiB with 2,000 threads",
     FIG_PEAK_MIB,
     VALUE,
     {"drain", "ours", LOOP, 2000},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     48},
    {"4 drain with 5,000 threads, by 50 (0.95: noise)",
     FIG_RATE,
     BY,
     {"drain", "ours", LOOP, 5000},
     {"drain", "ours", LOOP, 50},
     AT_LEAST,
     0.95},
    {"4 idle, % of a core",
     FIG_CPU_PERCENT,
     VALUE,
     {"idle", "ours", LOOP, 50},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     0.5},
    {"4 idle, FETCHes held by a lane",
     FIG_FETCHES,
     VALUE,
     {"idle", "ours", LOOP, 50},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     1.05},
    {"5 first job after idle, p99 ms",
     FIG_P99_MS,
     VALUE,
     {"first-job", "ours", LOOP, 50},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     2},
    {"5 first job after idle at 50 ms, p99 in round trips",
     FIG_P99_MS,
     BY_RTT,
     {"first-job", "ours", "50ms", 50},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     1.5},
    {"6 /jobs/add from 64, by the PUSHB ceiling",
     FIG_RATE,
     BY,
     {"api", "ours", LOOP, 64},
     {"pushb-500", "busy", LOOP, 4},
     AT_LEAST,
     0.6},
    {"6 CPU us a job of api-service",
     FIG_CPU_US,
     VALUE,
     {"api", "ours", LOOP, 64},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     15},
    {"7 /jobs/batch of 1,000, by the PUSHB ceiling",
     FIG_RATE,
     BY,
     {"api-batch", "ours", LOOP, 4},
     {"pushb-500", "busy", LOOP, 4},
     AT_LEAST,
     0.85},
    {"8 one client, p50 beyond a bare PUSHB, ms",
     FIG_P50_MS,
     MINUS,
     {"one-client", "ours", LOOP, 1},
     {"one-client", "pushb", LOOP, 1},
     AT_MOST,
     0.3},
    {"9 /jobs/add from 64 at 50 ms, by 64 a round trip",
     FIG_RATE,
     OF_RTT,
     {"api", "ours", "50ms", 64},
     {NULL, NULL, NULL, 0},
     AT_LEAST,
     0.9},
    {"9 /jobs/add from 1,000 at 50 ms, jobs/s",
     FIG_RATE,
     VALUE,
     {"api", "ours", "50ms", 1000},
     {NULL, NULL, NULL, 0},
     AT_LEAST,
     10000},
    {"9 connections for that",
     FIG_CONNECTIONS,
     VALUE,
     {"api", "ours", "50ms", 1000},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     4},
    {"9 at half that rate, p99 ms",
     FIG_P99_MS,
     VALUE,
     {"api-half", "ours", "50ms", 1000},
     {NULL, NULL, NULL, 0},
     AT_MOST,
     120},
    {"9 /jobs/batch of 1,000 from 4 at 50 ms, jobs/s",
     FIG_RATE,
     VALUE,
     {"api-batch", "ours", "50ms", 4},
     {NULL, NULL, NULL, 0},
     AT_LEAST,
     20000},
    {"10 packs of 500 at 50 ms, end to end, jobs/s",
     FIG_RATE,
     VALUE,
     {"pack", "ours", "50ms", 4},
     {NULL, NULL, NULL, 0},
     AT_LEAST,
     100000},
};

/* NAN when this run has no such row, or it failed. */
static double take(const struct figures *f, const struct pick *p, const char *who,
                   enum figure figure, struct row *row)
{
    if (!figures_median(f, p->what, who, p->link, p->size, row, NULL))
        return NAN;
    return row->figure[figure];
}

static double take_best(const struct figures *f, const struct pick *p, enum figure figure,
                        struct row *row)
{
    double go, rust;

    if (strcmp(p->who, PEERS) != 0)
        return take(f, p, p->who, figure, row);
    go = take(f, p, "go", figure, row);
    rust = take(f, p, "rust", figure, row);
    return fmax(go, rust); /* which is the other one when one is NAN */
}

static double value_of(const struct figures *f, const struct goal *g)
{
    struct row a, b;
    double x = take_best(f, &g->a, g->figure, &a);
    double y = g->b.what ? take_best(f, &g->b, g->figure, &b) : 0;

    if (isnan(x))
        return NAN;
    switch (g->how) {
    case BY:
        return x / y;
    case MINUS:
        return x - y;
    case BY_RTT:
        return x / a.rtt_ms;
    case OF_RTT:
        return x * a.rtt_ms * 1e-3 / a.size;
    default:
        return x;
    }
}

unsigned goals_print(FILE *to, const struct figures *f)
{
    unsigned missed = 0;

    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        const struct goal *g = &goals[i];
        double v = value_of(f, g);
        bool met = g->sense == AT_LEAST ? v >= g->limit : v <= g->limit;

        if (isnan(v))
            continue;
        missed += !met;
        fprintf(to, "%-8s %-52s %10.3g  (%s %g)\n", met ? "reached" : "MISSED", g->text, v,
                g->sense == AT_LEAST ? "at least" : "at most", g->limit);
    }
    return missed;
}
