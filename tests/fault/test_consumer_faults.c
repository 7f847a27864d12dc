// SPDX-License-Identifier: MIT
/* The fetching side against a peer that misbehaves: lanes and heartbeat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/fetch/consumer_shape.h"
#include "tests/fault/peer.h"
#include "tests/fault/rig.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 10000, LONG_MS = 60000 };

#define JOB(jid)                                                                                   \
    "{\"jid\":\"" jid "\",\"jobtype\":\"noop\",\"queue\":\"default\",\"args\":[1],"                \
    "\"retry\":25,\"reserve_for\":60,\"custom\":{\"k\":\"v w\"}}"
#define WRONGTYPE "-ERR WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

struct fixture {
    struct peer *peer;
    struct faktory_settings settings;
    struct rig_receiver *receiver;
};

/* A consumer with one lane, unless the options say more, that waits so long for an answer. */
static void start_with(struct fixture *f, const struct peer_rule *rules, int count,
                       struct consumer_options o, int64_t read_ms)
{
    f->peer = peer_start(rules, count, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->peer);
    f->settings = rig_settings(peer_url(f->peer));
    f->settings.net.read_ms = read_ms;
    o.settings = &f->settings;
    o.lanes = o.lanes ? o.lanes : 1;
    o.capacity = o.capacity ? o.capacity : 10;
    f->receiver = rig_receiver_start(&o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->receiver);
}

static void start(struct fixture *f, const struct peer_rule *rules, int count,
                  struct consumer_options o)
{
    start_with(f, rules, count, o, 1000);
}

static struct consumer *consumer(struct fixture *f)
{
    return rig_consumer(f->receiver);
}

/* The orderly end: no FETCH stays unanswered, and Faktory knows all outcomes. */
static void stop(struct fixture *f)
{
    int64_t deadline = clock_ms() + SHORT_MS;

    consumer_quiet(consumer(f), CONSUMER_TERMINATE);
    CU_ASSERT_TRUE(consumer_wait_fetched(consumer(f), deadline));
    CU_ASSERT_TRUE(consumer_wait_settled(consumer(f), deadline));
    rig_receiver_stop(f->receiver, deadline);
    peer_free(f->peer);
}

static void ack_next(struct fixture *f)
{
    struct job *job = rig_take(f->receiver, SHORT_MS);

    CU_ASSERT_PTR_NOT_NULL(job);
    if (job)
        consumer_ack(consumer(f), job);
}

static void test_fetch_error(void)
{
    const struct peer_rule rules[] = {
        {.verb = "FETCH", .nth = 1, .bytes = "-ERR dial unix: temporarily unavailable\r\n"},
        {.verb = "FETCH", .nth = 2, .bytes = "-ERR context deadline exceeded\r\n"},
        {.verb = "FETCH", .nth = 3, .bulk = JOB("job-00001")},
    };
    struct event first, second, third;
    struct fixture f;

    start(&f, rules, SUITE_COUNT(rules), (struct consumer_options){0});
    ack_next(&f);
    CU_ASSERT_FATAL(peer_event(f.peer, "FETCH", 1, &first) &&
                    peer_event(f.peer, "FETCH", 2, &second) &&
                    peer_event(f.peer, "FETCH", 3, &third));
    CU_ASSERT(second.at_ms - first.at_ms >= 50); /* pauses, the second longer */
    CU_ASSERT(third.at_ms - second.at_ms >= 100);
    CU_ASSERT_EQUAL(first.source, third.source); /* on the same connection */
    stop(&f);
}

/* The first FETCH waits; after a job come tries, which name the set "queues" behind the queues. */
static void test_tries(void)
{
    const struct peer_rule rules[] = {
        {.verb = "FETCH", .nth = 1, .bulk = JOB("job-00001")},
        {.verb = "FETCH", .nth = 2, .bulk = JOB("job-00002")},
        {.verb = "FETCH", .nth = 3, .bytes = WRONGTYPE},
        {.verb = "FETCH", .nth = 4, .bytes = WRONGTYPE},
        {.verb = "FETCH", .nth = 5, .bytes = WRONGTYPE},
    };
    static const char *const queues[] = {"critical", "default"};
    struct fixture f;
    struct event e;
    bool waits = false;

    start(&f, rules, SUITE_COUNT(rules),
          (struct consumer_options){.queues = queues, .n_queues = 2});
    ack_next(&f);
    ack_next(&f);
    CU_ASSERT(peer_event(f.peer, "FETCH", 1, &e));
    CU_ASSERT_STRING_EQUAL(e.text, "FETCH critical default");
    CU_ASSERT(peer_event(f.peer, "FETCH", 2, &e));
    CU_ASSERT_STRING_EQUAL(e.text, "FETCH critical default queues");
    /* once empty, one waiting FETCH follows the other again */
    for (int i = 3; i < 20 && !waits && peer_wait(f.peer, "FETCH", i, SHORT_MS); i++)
        waits = peer_event(f.peer, "FETCH", i, &e) && strcmp(e.text, "FETCH critical default") == 0;
    CU_ASSERT_TRUE(waits);
    CU_ASSERT_EQUAL(consumer_window(consumer(&f), 0), 1);
    stop(&f);
}

static void next_job(struct buf *out, const char *line, int nth, void *arg)
{
    struct buf job = BUF_INIT(0);

    (void)line;
    if (nth > *(const int *)arg)
        buf_add_str(out, "$-1\r\n");
    else {
        buf_addf(&job,
                 "{\"jid\":\"job-%05d\",\"jobtype\":\"t\",\"queue\":\"default\",\"args\":[],"
                 "\"retry\":25,\"reserve_for\":60}",
                 nth);
        buf_addf(out, "$%zu\r\n%s\r\n", job.len, buf_str(&job));
    }
    buf_fini(&job);
}

/* A server on which tries wait like any FETCH: no wide window, no long silence. */
static void test_no_tries(void)
{
    static const int jobs = 60;
    const struct peer_rule rules[] = {{.verb = "FETCH", .make = next_job, .arg = (void *)&jobs}};
    struct fixture f;
    int64_t before = clock_ms();
    struct consumer_state state;

    start_with(&f, rules, SUITE_COUNT(rules), (struct consumer_options){.capacity = 100}, LONG_MS);
    for (int i = 0; i < jobs; i++)
        ack_next(&f);
    CU_ASSERT(peer_wait(f.peer, "FETCH", jobs + 40, SHORT_MS));
    /* the short answers did not wait for the read time-out */
    CU_ASSERT(clock_ms() - before < SHORT_MS);
    consumer_look(consumer(&f), &state);
    CU_ASSERT(state.window <= 4);
    CU_ASSERT_EQUAL(state.reconnects, 0);
    stop(&f);
}

/* Answers to tries that are shorter than any job do not lie in the socket. */
static void test_short_errors(void)
{
    const struct peer_rule rules[] = {
        {.verb = "FETCH", .nth = 1, .bulk = JOB("job-00001")},
        {.verb = "FETCH", .nth = 2, .bytes = "-ERR oops\r\n"},
        {.verb = "FETCH", .nth = 3, .bulk = JOB("job-00002")},
    };
    struct fixture f;
    int64_t before = clock_ms();

    start_with(&f, rules, SUITE_COUNT(rules), (struct consumer_options){0}, LONG_MS);
    ack_next(&f);
    ack_next(&f);
    CU_ASSERT(clock_ms() - before < SHORT_MS); /* not the read time-out */
    stop(&f);
}

static void test_lane_lost(void)
{
    const struct peer_rule rules[] = {
        {.verb = "FETCH", .nth = 1, .bulk = JOB("job-00001")},
        {.verb = "FETCH", .nth = 2, .action = PEER_RESET},
        {.verb = "FETCH", .nth = 3, .action = PEER_RESET, .bytes = "$100\r\n{\"jid\":"},
        {.verb = "FETCH", .nth = 6, .bulk = JOB("job-00002")},
    };
    struct fixture f;

    start(&f, rules, SUITE_COUNT(rules), (struct consumer_options){0});
    ack_next(&f);
    ack_next(&f);
    CU_ASSERT_EQUAL(rig_delivered(f.receiver), 2);
    stop(&f);
}

/* With fewer jobs allowed than there are lanes, one lane's end must not leave the others idle. */
static void test_hungry_lane(void)
{
    const struct peer_rule rules[] = {
        {.verb = "FETCH", .nth = 1, .action = PEER_RESET, .delay_ms = 100},
        {.verb = "FETCH", .nth = 2, .bulk = JOB("job-00001")},
    };
    struct event lost, other;
    struct fixture f;

    start(&f, rules, SUITE_COUNT(rules), (struct consumer_options){.lanes = 2, .capacity = 1});
    CU_ASSERT_FATAL(peer_wait(f.peer, "FETCH", 1, SHORT_MS));
    ack_next(&f);
    CU_ASSERT_FATAL(peer_event(f.peer, "FETCH", 1, &lost) &&
                    peer_event(f.peer, "FETCH", 2, &other));
    CU_ASSERT_NOT_EQUAL(lost.source, other.source);
    stop(&f);
}

static void test_bad_job(void)
{
    const struct peer_rule rules[] = {
        {.verb = "FETCH", .nth = 1, .bulk = "{\"jid\":7}"},
        {.verb = "FETCH", .nth = 2, .bulk = JOB("job-00001")},
    };
    struct fixture f;

    start(&f, rules, SUITE_COUNT(rules), (struct consumer_options){.capacity = 1});
    ack_next(&f);
    CU_ASSERT_EQUAL(rig_delivered(f.receiver), 1);
    stop(&f);
}

/* ---- the heartbeat ---- */

static bool wished_once(void *arg)
{
    return rig_wishes(arg, NULL) >= 1;
}

static bool wished_twice(void *arg)
{
    return rig_wishes(arg, NULL) >= 2;
}

static void test_wishes(void)
{
    const struct peer_rule rules[] = {
        {.verb = "BEAT", .nth = 1, .bulk = "{\"state\":\"quiet\"}"},
        {.verb = "BEAT", .nth = 2, .bulk = "{\"state\":\"quiet\"}"},
        {.verb = "BEAT", .bulk = "{\"state\":\"terminate\"}"},
    };
    enum consumer_wish last = CONSUMER_RUN;
    struct fixture f;
    struct event e;

    start(&f, rules, SUITE_COUNT(rules), (struct consumer_options){0});
    CU_ASSERT(wait_until(wished_once, f.receiver, SHORT_MS));
    CU_ASSERT_EQUAL(rig_wishes(f.receiver, &last), 1);
    CU_ASSERT_EQUAL(last, CONSUMER_QUIET);
    consumer_quiet(consumer(&f), CONSUMER_QUIET); /* says so with a BEAT at once */
    CU_ASSERT(peer_wait(f.peer, "BEAT", 2, SHORT_MS));
    consumer_quiet(consumer(&f), CONSUMER_QUIET);
    CU_ASSERT(wait_until(wished_twice, f.receiver, SHORT_MS));
    CU_ASSERT_EQUAL(rig_wishes(f.receiver, &last), 2); /* the second "quiet" was no news */
    CU_ASSERT_EQUAL(last, CONSUMER_TERMINATE);
    CU_ASSERT(peer_event(f.peer, "BEAT", 2, &e) &&
              strstr(e.text, "\"current_state\":\"quiet\"") != NULL);
    stop(&f);
}

/* The wid in a HELLO or a BEAT, with its quotes, or "". */
static void wid_of(const char *line, char out[128])
{
    const char *at = strstr(line, "\"wid\":");

    out[0] = '\0';
    if (at)
        snprintf(out, 128, "%.*s", (int)strcspn(at, ",}"), at);
}

static void test_unknown_worker(void)
{
    const struct peer_rule rules[] = {
        {.verb = "BEAT", .nth = 1, .bytes = "-ERR Unknown Worker rig-0\r\n"}};
    char beat[128], hello[128], every[128];
    struct fixture f;
    struct event e;
    int n, workers = 0;

    start(&f, rules, SUITE_COUNT(rules), (struct consumer_options){.lanes = 1});
    /* a lane, the heartbeat and its renewal are the worker's; settlers are producers */
    CU_ASSERT_TRUE(
        peer_wait(f.peer, "HELLO", 1 + 2 + (int)consumer_shape(1, 0).settlers, SHORT_MS));
    CU_ASSERT(peer_event(f.peer, "BEAT", 1, &e));
    wid_of(e.text, beat);
    n = peer_count(f.peer, "HELLO");
    for (int i = 1; i <= n; i++) {
        CU_ASSERT(peer_event(f.peer, "HELLO", i, &e));
        wid_of(e.text, every);
        if (every[0] == '\0')
            continue;
        workers++;
        snprintf(hello, sizeof hello, "%s", every);
        CU_ASSERT_STRING_EQUAL(hello, beat);
        CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "\"labels\":[\"c\"]"));
        CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "\"hostname\":\"rig\""));
    }
    CU_ASSERT_EQUAL(workers, 3);
    stop(&f);
}

/* ---- stopping ---- */

static void test_stop_waits(void)
{
    const struct peer_rule rules[] = {
        {.verb = "FETCH", .nth = 1, .delay_ms = 2000, .bulk = JOB("job-00001")}};
    struct fixture f;
    struct event fetch;
    int64_t before;
    int fetches;

    start_with(&f, rules, SUITE_COUNT(rules), (struct consumer_options){0}, LONG_MS);
    CU_ASSERT_TRUE(peer_wait(f.peer, "FETCH", 1, SHORT_MS));
    before = clock_ms();
    consumer_quiet(consumer(&f), CONSUMER_TERMINATE);
    CU_ASSERT_FALSE(consumer_wait_fetched(consumer(&f), before + 100));
    CU_ASSERT_TRUE(consumer_wait_fetched(consumer(&f), before + SHORT_MS));
    CU_ASSERT(peer_event(f.peer, "FETCH", 1, &fetch) && clock_ms() - fetch.at_ms >= 2000);
    CU_ASSERT_EQUAL(rig_delivered(f.receiver), 1); /* it is there when the wait ends */
    fetches = peer_count(f.peer, "FETCH");
    consumer_hand_back(consumer(&f), rig_take(f.receiver, 0));
    CU_ASSERT_TRUE(consumer_wait_settled(consumer(&f), before + SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "FETCH"), fetches);
    stop(&f);
}

static void test_stop_deadline(void)
{
    const struct peer_rule rules[] = {
        {.verb = "FETCH", .nth = 1, .bulk = JOB("job-00001")},
        {.verb = "FETCH", .action = PEER_STALL},
        {.verb = "ACK", .action = PEER_STALL},
        {.verb = "BEAT", .action = PEER_STALL},
    };
    struct fixture f;
    int64_t before;

    start_with(&f, rules, SUITE_COUNT(rules), (struct consumer_options){.capacity = 1, .lanes = 3},
               LONG_MS);
    ack_next(&f); /* the other lanes are hungry, and the ACK never gets through */
    CU_ASSERT_TRUE(peer_wait(f.peer, "ACK", 1, SHORT_MS));
    before = clock_ms();
    CU_ASSERT_FALSE(consumer_wait_settled(consumer(&f), before + 100));
    rig_receiver_stop(f.receiver, before + 300);
    CU_ASSERT(clock_ms() - before < SHORT_MS); /* the read time-out is a minute */
    peer_free(f.peer);
}

/* Stopping while Faktory is away, or accepts and says nothing. */
static void test_stop_unconnected(void)
{
    const struct peer_rule silent[] = {{.verb = "HI", .action = PEER_STALL}};
    struct fixture f;
    int64_t before;

    start(&f, silent, 1, (struct consumer_options){.lanes = 2});
    CU_ASSERT_TRUE(peer_wait(f.peer, "HI", 4, SHORT_MS));
    before = clock_ms();
    rig_receiver_stop(f.receiver, before);
    CU_ASSERT(clock_ms() - before < 4000); /* not the handshake's own limit of 5 s */
    peer_free(f.peer);

    start(&f, NULL, 0, (struct consumer_options){.lanes = 2});
    CU_ASSERT_TRUE(peer_wait(f.peer, "FETCH", 2, SHORT_MS));
    CU_ASSERT_EQUAL(peer_listen(f.peer, false), 0);
    peer_drop_all(f.peer);
    before = clock_ms();
    rig_receiver_stop(f.receiver, before + 100);
    CU_ASSERT(clock_ms() - before < 5000);
    peer_free(f.peer);
}

static const struct suite_test tests[] = {
    {"a FETCH answered with an error is followed by a growing pause", test_fetch_error},
    {"after a job come tries, and when they find nothing one waits again", test_tries},
    {"where tries wait, the window stays small", test_no_tries},
    {"an answer shorter than a job does not lie in the socket", test_short_errors},
    {"a lane that lost its connection fetches on", test_lane_lost},
    {"a lane that went hungry takes over when the other one is lost", test_hungry_lane},
    {"what is no job is passed over, and its place is free", test_bad_job},
    {"what Faktory wishes is passed on once", test_wishes},
    {"a forgotten worker introduces itself again under its wid", test_unknown_worker},
    {"stopping waits for the FETCH under way, and hands its job back", test_stop_waits},
    {"stopping ends at its deadline against a silent Faktory", test_stop_deadline},
    {"stopping ends without a connection, too", test_stop_unconnected},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "consumer_faults", tests, SUITE_COUNT(tests), NULL, NULL);
}
