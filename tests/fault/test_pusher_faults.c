// SPDX-License-Identifier: MIT
/* The pusher against a peer that misbehaves: every job is settled once, and rightly. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/link.h"
#include "tests/fault/peer.h"
#include "tests/fault/rig.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 10000, LONG_MS = 60000 };

struct fixture {
    struct peer *peer;
    struct faktory_settings settings;
    struct pusher *pusher;
};

static bool is_up(void *arg)
{
    struct fixture *f = arg;
    struct pusher_state state;

    pusher_look(f->pusher, &state);
    return state.connections_up > 0;
}

static bool is_away(void *arg)
{
    struct fixture *f = arg;
    struct pusher_state state;

    pusher_look(f->pusher, &state);
    return state.away;
}

/* A pusher that is connected and waits so long for an answer; zero in the options: 1 connection,
 * batches of 100, 20 waiting. */
static void start_with(struct fixture *f, const struct peer_rule *rules, int count,
                       struct pusher_options o, int64_t read_ms)
{
    f->peer = peer_start(rules, count, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->peer);
    f->settings = rig_settings(peer_url(f->peer));
    f->settings.net.read_ms = read_ms;
    o.settings = &f->settings;
    o.connections = o.connections ? o.connections : 1;
    o.max_size = o.max_size ? o.max_size : 100;
    o.max_delay_ms = 50;
    o.auto_batch = true;
    o.queue_max = o.queue_max ? o.queue_max : 20;
    f->pusher = pusher_start(&o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->pusher);
    CU_ASSERT_TRUE_FATAL(wait_until(is_up, f, SHORT_MS));
}

static void start(struct fixture *f, const struct peer_rule *rules, int count,
                  struct pusher_options o)
{
    start_with(f, rules, count, o, 1000);
}

static void stop(struct fixture *f)
{
    pusher_stop(f->pusher, clock_ms() + SHORT_MS);
    peer_free(f->peer);
}

/* One job through a peer with this one rule for the first PUSHB. */
static void push_one(struct peer_rule rule, enum push_outcome wanted)
{
    struct rig_jobs *jobs = rig_jobs_new(1, "default", 0, SHORT_MS);
    struct fixture f;

    rule.verb = "PUSHB";
    rule.nth = 1;
    start(&f, &rule, 1, (struct pusher_options){0});
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, 0, 1), 0);
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, 1, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_outcome(jobs, 0), (int)wanted);
    stop(&f);
    CU_ASSERT_EQUAL(rig_jobs_twice(jobs), 0);
    rig_jobs_free(jobs);
}

static void test_answers(void)
{
    push_one((struct peer_rule){.bulk = "{}"}, PUSH_STORED);
    push_one((struct peer_rule){.bulk = "{}", .action = PEER_TRICKLE}, PUSH_STORED);
    push_one((struct peer_rule){.bytes = "-ERR context deadline exceeded\r\n"}, PUSH_UNKNOWN);
    push_one((struct peer_rule){.bytes = "-ERR invalid JSON: x\r\n"}, PUSH_REFUSED);
    push_one((struct peer_rule){.bytes = "-ERR shutdown in progress\r\n", .action = PEER_CLOSE},
             PUSH_AWAY);
    push_one((struct peer_rule){.bytes = "+OK\r\n"}, PUSH_UNKNOWN);
    push_one((struct peer_rule){.bytes = "HTTP/1.1 400 Bad Request\r\n"}, PUSH_UNKNOWN);
    push_one((struct peer_rule){.bulk = "{\"bad"}, PUSH_UNKNOWN);
    push_one((struct peer_rule){.action = PEER_CLOSE}, PUSH_UNKNOWN);
    push_one((struct peer_rule){.action = PEER_RESET, .bytes = "$2\r\n{"}, PUSH_UNKNOWN);
    push_one((struct peer_rule){.action = PEER_SWALLOW},
             PUSH_UNKNOWN); /* after the read time-out */
}

struct map {
    const char *jids[2];
};

static void error_map(struct buf *out, const char *line, int nth, void *arg)
{
    const struct map *m = arg;
    struct buf text = BUF_INIT(0);

    (void)line;
    (void)nth;
    buf_addf(&text, "{\"%s\":\"jobs must have an args parameter\",\"%s\":\"dial unix: no\"}",
             m->jids[0], m->jids[1]);
    buf_addf(out, "$%zu\r\n%s\r\n", text.len, buf_str(&text));
    buf_fini(&text);
}

static void test_error_map(void)
{
    struct rig_jobs *jobs = rig_jobs_new(10, "default", 0, SHORT_MS);
    struct map map = {{rig_jobs_jid(jobs, 2), rig_jobs_jid(jobs, 7)}};
    const struct peer_rule rules[] = {{.verb = "PUSHB", .make = error_map, .arg = &map}};
    struct fixture f;

    start(&f, rules, SUITE_COUNT(rules), (struct pusher_options){0});
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, 0, 10), 0);
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, 10, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "PUSHB"), 1);
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_STORED), 8);
    CU_ASSERT_EQUAL(rig_jobs_outcome(jobs, 2), PUSH_REFUSED);
    CU_ASSERT_EQUAL(rig_jobs_outcome(jobs, 7), PUSH_UNKNOWN);
    stop(&f);
    rig_jobs_free(jobs);
}

/* Refuses the second job of the command, by its jid. */
static void refuse_second(struct buf *out, const char *line, int nth, void *arg)
{
    const char *second = strstr(line, "},{\"jid\":\"");
    struct buf text = BUF_INIT(0);

    (void)nth;
    (void)arg;
    buf_addf(&text, "{\"%.24s\":\"jobs must have an args parameter\"}",
             second ? second + strlen("},{\"jid\":\"") : "no second job, but a fault");
    buf_addf(out, "$%zu\r\n%s\r\n", text.len, buf_str(&text));
    buf_fini(&text);
}

static void test_pack_refused(void)
{
    struct rig_jobs *jobs = rig_jobs_new(60, "default", 25, SHORT_MS);
    const struct peer_rule rules[] = {{.verb = "PUSHB", .make = refuse_second}};
    struct fixture f;

    rig_jobs_pack(jobs, 20);
    start(&f, rules, SUITE_COUNT(rules), (struct pusher_options){.queue_max = 60});
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, 0, 60), 0);
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, 60, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "PUSHB"), 1);
    for (unsigned i = 0; i < 60; i++)
        CU_ASSERT_EQUAL(rig_jobs_outcome(jobs, i), i >= 20 && i < 40 ? PUSH_REFUSED : PUSH_STORED);
    CU_ASSERT_EQUAL(rig_jobs_twice(jobs), 0);
    stop(&f);
    rig_jobs_free(jobs);
}

/* D8: the answer to a push that was given up must not be taken for that of the next. */
static void test_late_answer(void)
{
    const struct peer_rule rules[] = {
        {.verb = "PUSHB", .nth = 1, .delay_ms = 3000, .bulk = "{}"},
        {.verb = "PUSHB", .nth = 2, .bytes = "-ERR invalid JSON: x\r\n"},
    };
    struct rig_jobs *late, *next = rig_jobs_new(1, "default", 0, SHORT_MS);
    struct fixture f;

    start_with(&f, rules, SUITE_COUNT(rules), (struct pusher_options){0}, LONG_MS);
    late = rig_jobs_new(1, "default", 0, 1000);
    CU_ASSERT_EQUAL(rig_jobs_add(late, f.pusher, 0, 1), 0);
    CU_ASSERT_TRUE(rig_jobs_wait(late, 1, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_outcome(late, 0), PUSH_UNKNOWN);
    CU_ASSERT_TRUE(peer_wait(f.peer, "HELLO", 2, SHORT_MS));
    CU_ASSERT_TRUE(wait_until(is_up, &f, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_add(next, f.pusher, 0, 1), 0);
    CU_ASSERT_TRUE(rig_jobs_wait(next, 1, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_outcome(next, 0), PUSH_REFUSED);
    stop(&f);
    rig_jobs_free(late);
    rig_jobs_free(next);
}

static void test_full(void)
{
    const struct peer_rule rules[] = {{.verb = "PUSHB", .action = PEER_SWALLOW}};
    struct rig_jobs *jobs;
    struct fixture f;
    unsigned taken = 0;
    int code = 0;

    start_with(&f, rules, SUITE_COUNT(rules),
               (struct pusher_options){.max_size = 1, .queue_max = 10}, LONG_MS);
    jobs = rig_jobs_new(100, "default", 0, 2000);
    while (taken < 100 && (code = rig_jobs_add(jobs, f.pusher, taken, 1)) == 0)
        taken++;
    CU_ASSERT_EQUAL(code, ERR_FULL);
    CU_ASSERT(taken >= 10 && taken < 100);
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, taken, 11), ERR_FULL); /* all or none */
    /* what was taken is settled by its deadline, sent or not */
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, taken, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_settled(jobs), taken);
    for (unsigned i = 0; i < taken; i++)
        CU_ASSERT(rig_jobs_outcome(jobs, i) != PUSH_STORED);
    CU_ASSERT_EQUAL(rig_jobs_outcome(jobs, taken), RIG_UNSETTLED);
    stop(&f);
    rig_jobs_free(jobs);
}

static void test_late(void)
{
    const struct peer_rule rules[] = {{.verb = "PUSHB", .action = PEER_STALL}};
    struct rig_jobs *sent, *waits;
    struct fixture f;

    start_with(&f, rules, SUITE_COUNT(rules), (struct pusher_options){.max_size = 1}, LONG_MS);
    sent = rig_jobs_new(16, "default", 0, 3000);
    /* as many as the connection takes: what comes now has to wait */
    CU_ASSERT_EQUAL(rig_jobs_add(sent, f.pusher, 0, 16), 0);
    CU_ASSERT_TRUE(peer_wait(f.peer, "PUSHB", 16, SHORT_MS));
    waits = rig_jobs_new(3, "default", 0, 300);
    CU_ASSERT_EQUAL(rig_jobs_add(waits, f.pusher, 0, 3), 0);
    CU_ASSERT_TRUE(rig_jobs_wait(waits, 3, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_count(waits, PUSH_LATE), 3);
    CU_ASSERT_EQUAL(rig_jobs_settled(sent), 0); /* it is their own deadline */
    CU_ASSERT_TRUE(rig_jobs_wait(sent, 16, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_count(sent, PUSH_UNKNOWN), 16);
    stop(&f);
    rig_jobs_free(sent);
    rig_jobs_free(waits);
}

static void test_away(void)
{
    struct rig_jobs *jobs = rig_jobs_new(2, "default", 0, 60000);
    struct fixture f;
    struct err_text why = {""};
    struct push_job none = {.text = "{}", .len = 2, .deadline_ms = CLOCK_NEVER};

    start(&f, NULL, 0, (struct pusher_options){0});
    CU_ASSERT_EQUAL(peer_listen(f.peer, false), 0);
    peer_drop_all(f.peer);
    CU_ASSERT_TRUE(wait_until(is_away, &f, SHORT_MS));
    CU_ASSERT_EQUAL(pusher_add(f.pusher, &none, 1, &why), ERR_CLOSED);
    CU_ASSERT(why.text[0] != '\0');
    CU_ASSERT_EQUAL(peer_listen(f.peer, true), 0);
    CU_ASSERT_TRUE(wait_until(is_up, &f, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, 0, 2), 0);
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, 2, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_STORED), 2);
    stop(&f);
    rig_jobs_free(jobs);
}

/* Jobs that wait when the last connection goes are settled at once, not at their deadline. */
static void test_away_while_waiting(void)
{
    const struct peer_rule rules[] = {{.verb = "PUSHB", .action = PEER_STALL}};
    struct rig_jobs *jobs = rig_jobs_new(20, "default", 0, 60000);
    struct fixture f;

    start_with(&f, rules, SUITE_COUNT(rules), (struct pusher_options){.max_size = 1}, LONG_MS);
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, 0, 20), 0);
    CU_ASSERT_TRUE(peer_wait(f.peer, "PUSHB", 16, SHORT_MS));
    CU_ASSERT_EQUAL(peer_listen(f.peer, false), 0);
    peer_drop_all(f.peer);
    CU_ASSERT_TRUE(rig_jobs_wait(jobs, 20, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_UNKNOWN), 16);
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_AWAY), 4);
    stop(&f);
    rig_jobs_free(jobs);
}

static bool back(void *pusher)
{
    struct pusher_state state;

    pusher_look(pusher, &state);
    return !state.away;
}

/* Pushes job `i` alone, when the pusher takes it, and returns what became of it. */
static int push_when_back(struct fixture *f, struct rig_jobs *jobs, unsigned i)
{
    CU_ASSERT_TRUE_FATAL(wait_until(back, f->pusher, SHORT_MS));
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f->pusher, i, 1), 0);
    CU_ASSERT_TRUE_FATAL(rig_jobs_wait(jobs, i + 1, SHORT_MS));
    return rig_jobs_outcome(jobs, i);
}

/*
 * An idle connection that ended is no reason to refuse: the next attempt decides. (A job that was
 * sent before the end was noticed is unknown; then the test waits for one that is stored.)
 */
static void test_reconnect(void)
{
    enum { ROUNDS = 40, JOBS = 10 * ROUNDS };
    struct rig_jobs *jobs = rig_jobs_new(JOBS, "default", 0, SHORT_MS);
    struct fixture f;
    unsigned next = 0;

    start(&f, NULL, 0, (struct pusher_options){0});
    for (int round = 0; round < ROUNDS && next < JOBS; round++) {
        while (next < JOBS && push_when_back(&f, jobs, next++) != PUSH_STORED)
            ;
        peer_drop_all(f.peer);
        CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, next, 1), 0);
        CU_ASSERT_TRUE_FATAL(rig_jobs_wait(jobs, ++next, SHORT_MS));
    }
    CU_ASSERT(next < JOBS);
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_AWAY), 0);
    stop(&f);
    rig_jobs_free(jobs);
}

static void test_stop(void)
{
    const struct peer_rule rules[] = {{.verb = "PUSHB", .action = PEER_STALL}};
    struct rig_jobs *jobs = rig_jobs_new(20, "default", 0, 60000);
    struct fixture f;
    int64_t before;

    start_with(&f, rules, SUITE_COUNT(rules), (struct pusher_options){.max_size = 1}, LONG_MS);
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, 0, 20), 0);
    CU_ASSERT_TRUE(peer_wait(f.peer, "PUSHB", 16, SHORT_MS));
    before = clock_ms();
    pusher_stop(f.pusher, before + 300);
    CU_ASSERT(clock_ms() - before >= 300 && clock_ms() - before < SHORT_MS);
    CU_ASSERT_EQUAL(rig_jobs_settled(jobs), 20);
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_UNKNOWN), 16);
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_LATE), 4);
    peer_free(f.peer);
    rig_jobs_free(jobs);
}

static void test_stop_flushes(void)
{
    const struct peer_rule rules[] = {{.verb = "PUSHB", .delay_ms = 20, .bulk = "{}"}};
    struct rig_jobs *jobs = rig_jobs_new(300, "default", 0, 60000);
    struct fixture f;

    start(&f, rules, SUITE_COUNT(rules), (struct pusher_options){.max_size = 10, .queue_max = 300});
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, 0, 300), 0);
    stop(&f);
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_STORED), 300);
    rig_jobs_free(jobs);
}

struct answer {
    struct link_command command;
    atomic_int fate;
};

static void on_answer(struct link_command *command, enum link_fate fate,
                      const struct resp_reply *reply, const char *why)
{
    struct answer *a = (struct answer *)command;

    (void)reply;
    (void)why;
    atomic_store(&a->fate, (int)fate);
}

static bool has_fate(void *arg)
{
    return atomic_load(&((struct answer *)arg)->fate) >= 0;
}

/* A question with a short deadline is not held up by pushes that may take long. */
static void test_ask(void)
{
    const struct peer_rule rules[] = {{.verb = "PUSHB", .action = PEER_SWALLOW}};
    struct rig_jobs *jobs = rig_jobs_new(1, "default", 0, 60000);
    struct answer a = {.fate = -1};
    struct fixture f;

    start(&f, rules, SUITE_COUNT(rules), (struct pusher_options){0});
    a.command = (struct link_command){
        .text = "INFO\r\n", .len = 6, .deadline_ms = clock_ms() + SHORT_MS, .done = on_answer};
    CU_ASSERT_TRUE(pusher_ask(f.pusher, &a.command));
    CU_ASSERT_TRUE(wait_until(has_fate, &a, SHORT_MS));
    CU_ASSERT_EQUAL(atomic_load(&a.fate), LINK_ANSWERED);
    CU_ASSERT_EQUAL(rig_jobs_add(jobs, f.pusher, 0, 1), 0);
    CU_ASSERT_TRUE(peer_wait(f.peer, "PUSHB", 1, SHORT_MS));
    stop(&f);
    CU_ASSERT_EQUAL(rig_jobs_outcome(jobs, 0), PUSH_UNKNOWN);
    rig_jobs_free(jobs);
}

/* ---- all at once ---- */

enum { STORM_THREADS = 4, STORM_JOBS = 3000, STORM_CHAIN = 5 };

struct storm {
    struct fixture *fixture;
    struct rig_jobs *jobs;
    unsigned from;
    unsigned taken;
};

static void *storm_push(void *arg)
{
    struct storm *s = arg;
    int64_t deadline = clock_ms() + 60000;

    for (unsigned i = 0; i < STORM_JOBS; i += STORM_CHAIN) {
        int code;

        while ((code = rig_jobs_add(s->jobs, s->fixture->pusher, s->from + i, STORM_CHAIN)) != 0 &&
               clock_ms() < deadline)
            (void)rig_jobs_wait(s->jobs, rig_jobs_settled(s->jobs) + 1, 5);
        if (code != 0)
            return NULL;
        s->taken += STORM_CHAIN;
    }
    return NULL;
}

/* What the peer does with each command, drawn from a seeded sequence: WF_SEED repeats one. */
static void storm_rules(struct peer_rule *rules, int n, unsigned seed)
{
    static const struct peer_rule moods[] = {
        {.action = PEER_RESET},
        {.action = PEER_CLOSE, .bytes = "$2\r\n"},
        {.action = PEER_SWALLOW},
        {.action = PEER_SPLIT, .split = 3, .bulk = "{}"},
        {.bytes = "-ERR context deadline exceeded\r\n"},
        {.delay_ms = 30, .bulk = "{}"},
    };

    for (int i = 0; i < n; i++) {
        rules[i] = moods[(unsigned)rand_r(&seed) % (sizeof moods / sizeof moods[0])];
        rules[i].verb = "PUSHB";
        rules[i].nth = 2 + i * 10 + (int)((unsigned)rand_r(&seed) % 10);
    }
}

static void test_storm(void)
{
    const char *given = getenv("WF_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)clock_us();
    struct rig_jobs *jobs = rig_jobs_new(STORM_THREADS * STORM_JOBS, "default", 0, 60000);
    struct peer_rule rules[30];
    struct storm storms[STORM_THREADS];
    pthread_t threads[STORM_THREADS];
    struct fixture f;
    unsigned taken = 0;

    printf("       WF_SEED=%u\n", seed);
    storm_rules(rules, SUITE_COUNT(rules), seed);
    start(&f, rules, SUITE_COUNT(rules),
          (struct pusher_options){.connections = 3, .max_size = 20, .queue_max = 500});
    for (int i = 0; i < STORM_THREADS; i++) {
        storms[i] = (struct storm){&f, jobs, (unsigned)i * STORM_JOBS, 0};
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[i], "storm", 0, storm_push, &storms[i]), 0);
    }
    for (int i = 0; i < STORM_THREADS; i++) {
        thread_join(threads[i]);
        taken += storms[i].taken;
    }
    stop(&f);
    CU_ASSERT_EQUAL(taken, STORM_THREADS * STORM_JOBS);
    CU_ASSERT_EQUAL(rig_jobs_settled(jobs), taken);
    CU_ASSERT_EQUAL(rig_jobs_twice(jobs), 0);
    CU_ASSERT_EQUAL(rig_jobs_count(jobs, PUSH_REFUSED) + rig_jobs_count(jobs, PUSH_LATE), 0);
    CU_ASSERT(rig_jobs_count(jobs, PUSH_STORED) > 0);
    CU_ASSERT(rig_jobs_count(jobs, PUSH_UNKNOWN) > 0);
    rig_jobs_free(jobs);
}

static const struct suite_test tests[] = {
    {"each answer to a push means what it says", test_answers},
    {"an object of errors settles each job by itself", test_error_map},
    {"what becomes of a pack becomes of each job in it, and of no other", test_pack_refused},
    {"a late answer is not taken for the next push's", test_late_answer},
    {"a full queue takes nothing more, and settles what it took", test_full},
    {"a job that waits beyond its deadline is late", test_late},
    {"while Faktory is away nothing is taken, and when it is back all is well", test_away},
    {"what waits when Faktory goes is settled at once", test_away_while_waiting},
    {"a connection that ended between jobs costs no job", test_reconnect},
    {"stopping settles everything by the deadline", test_stop},
    {"stopping flushes what waits", test_stop_flushes},
    {"a question gets its answer beside the pushes", test_ask},
    {"in a storm of lost connections every job is settled once", test_storm},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "pusher_faults", tests, SUITE_COUNT(tests), NULL, NULL);
}
