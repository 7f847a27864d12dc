// SPDX-License-Identifier: MIT
/* Outcomes of jobs against a peer that misbehaves: Faktory hears of each, over every fault. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/json/json.h"
#include "tests/fault/peer.h"
#include "tests/fault/rig.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 10000, CAPACITY = 60 };

struct fixture {
    struct peer *peer;
    struct faktory_settings settings;
    struct rig_receiver *receiver;
    struct job *jobs[CAPACITY];
};

/* The first CAPACITY FETCHes of the peer bring a job each, with a blank in its jid. */
static void next_job(struct buf *out, const char *line, int nth, void *arg)
{
    struct buf job = BUF_INIT(0);

    (void)line;
    (void)arg;
    buf_addf(&job,
             "{\"jid\":\"the job %03d\",\"jobtype\":\"t\",\"queue\":\"default\",\"args\":[1],"
             "\"retry\":%d,\"reserve_for\":60}",
             nth, nth % 10 == 0 ? 0 : 25);
    if (nth <= CAPACITY)
        buf_addf(out, "$%zu\r\n%s\r\n", job.len, buf_str(&job));
    else
        buf_add_str(out, "-ERR WRONGTYPE Operation against a key holding the wrong kind of value "
                         "(a set)\r\n");
    buf_fini(&job);
}

static const struct peer_rule fetch_rule = {.verb = "FETCH", .make = next_job};

/* Starts with these rules besides and takes the first `n` jobs. Quiet from then on. */
static void start(struct fixture *f, const struct peer_rule *rules, int n)
{
    struct consumer_options o = {.settings = &f->settings, .lanes = 1, .capacity = CAPACITY};

    f->peer = peer_start(&fetch_rule, 1, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->peer);
    f->settings = rig_settings(peer_url(f->peer));
    f->receiver = rig_receiver_start(&o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->receiver);
    for (int i = 0; i < n; i++)
        CU_ASSERT_PTR_NOT_NULL_FATAL(f->jobs[i] = rig_take(f->receiver, SHORT_MS));
    consumer_quiet(rig_consumer(f->receiver), CONSUMER_QUIET);
    CU_ASSERT_TRUE(consumer_wait_fetched(rig_consumer(f->receiver), clock_ms() + SHORT_MS));
    peer_set_rules(f->peer, rules, rules ? 1 : 0);
}

static bool settled(struct fixture *f, int64_t within_ms)
{
    return consumer_wait_settled(rig_consumer(f->receiver), clock_ms() + within_ms);
}

static void stop(struct fixture *f)
{
    CU_ASSERT_TRUE(settled(f, SHORT_MS));
    rig_receiver_stop(f->receiver, clock_ms() + SHORT_MS);
    peer_free(f->peer);
}

static void test_ack_lost(void)
{
    const struct peer_rule rule = {.verb = "ACK", .nth = 2, .action = PEER_RESET};
    struct fixture f;
    struct event e;
    unsigned acked = 0;

    start(&f, &rule, 30);
    for (int i = 0; i < 30; i++)
        consumer_ack(rig_consumer(f.receiver), f.jobs[i]);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT(peer_count(f.peer, "ACK") >= 30);
    for (int i = 1; i <= 30; i++) {
        char wanted[64];
        bool seen = false;

        snprintf(wanted, sizeof wanted, "ACK {\"jid\":\"the job %03d\"}", i);
        for (int k = 1; !seen && peer_event(f.peer, "ACK", k, &e); k++)
            seen = strcmp(e.text, wanted) == 0;
        acked += seen;
    }
    CU_ASSERT_EQUAL(acked, 30);
    stop(&f);
}

static void test_ack_swallowed(void)
{
    const struct peer_rule rule = {.verb = "ACK", .nth = 1, .action = PEER_SWALLOW};
    struct fixture f;

    start(&f, &rule, 1);
    consumer_ack(rig_consumer(f.receiver), f.jobs[0]);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS)); /* after the read time-out, on a new connection */
    CU_ASSERT_EQUAL(peer_count(f.peer, "ACK"), 2);
    stop(&f);
}

static void test_ack_refused(void)
{
    const struct peer_rule rule = {
        .verb = "ACK", .nth = 1, .bytes = "-ERR context deadline exceeded\r\n"};
    struct fixture f;
    struct event first, second;

    start(&f, &rule, 1);
    consumer_ack(rig_consumer(f.receiver), f.jobs[0]);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "ACK"), 2);
    CU_ASSERT(peer_event(f.peer, "ACK", 1, &first) && peer_event(f.peer, "ACK", 2, &second));
    CU_ASSERT(second.at_ms - first.at_ms >= 90);
    stop(&f);
}

static void test_ack_invalid(void)
{
    const struct peer_rule rule = {.verb = "ACK", .bytes = "-ERR invalid ACK {}\r\n"};
    struct fixture f;

    start(&f, &rule, 1);
    consumer_ack(rig_consumer(f.receiver), f.jobs[0]);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS)); /* given up: trying again would not mend it */
    CU_ASSERT_EQUAL(peer_count(f.peer, "ACK"), 1);
    stop(&f);
}

static void test_fail(void)
{
    static char message[3000];
    struct json_slice root, member;
    struct buf text = BUF_INIT(0);
    struct fixture f;
    struct event e;

    start(&f, NULL, 1);
    memset(message, 'm', sizeof message - 1);
    memcpy(message, "line one\nline \"two\" ", 20);
    consumer_fail(rig_consumer(f.receiver), f.jobs[0], "Odd\tType", message, false);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT_FATAL(peer_event(f.peer, "FAIL", 1, &e));
    CU_ASSERT_EQUAL_FATAL(json_check(e.text + 5, strlen(e.text + 5), &root, NULL), 0);
    CU_ASSERT(json_string_is(json_member(root, "jid"), "the job 001"));
    CU_ASSERT(json_string_is(json_member(root, "errtype"), "Odd\tType"));
    member = json_member(root, "message");
    CU_ASSERT(json_read_string(member, &text) == 0 && text.len == 1000);
    CU_ASSERT_EQUAL(json_type(json_member(root, "backtrace")), JSON_ARRAY);
    CU_ASSERT_EQUAL(peer_count(f.peer, "MUTATE"), 0);
    buf_fini(&text);
    stop(&f);
}

static void test_fail_not_found(void)
{
    const struct peer_rule rule = {.verb = "FAIL", .bytes = "-ERR Job not found the job 001\r\n"};
    struct fixture f;

    start(&f, &rule, 2);
    consumer_fail(rig_consumer(f.receiver), f.jobs[0], "E", "m", false);
    consumer_fail(rig_consumer(f.receiver), f.jobs[1], "E", "m", true);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "FAIL"), 2);
    CU_ASSERT_EQUAL(peer_count(f.peer, "MUTATE"), 0);
    stop(&f);
}

/* How often jids with this beginning are in the MUTATEs, and that these have no blank too many. */
static int in_mutates(struct fixture *f, const char *jid)
{
    struct event e;
    int n = 0;

    for (int k = 1; peer_event(f->peer, "MUTATE", k, &e); k++) {
        CU_ASSERT_PTR_NULL(strchr(e.text + strlen("MUTATE "), ' '));
        CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "\"cmd\":\"kill\",\"target\":\"retries\""));
        for (const char *at = e.text; (at = strstr(at, jid)) != NULL; at++)
            n++;
    }
    return n;
}

static void test_permanent(void)
{
    const struct peer_rule rule = {.verb = "MUTATE", .delay_ms = 100, .bytes = "+OK\r\n"};
    struct fixture f;

    start(&f, &rule, 40);
    for (int i = 0; i < 40; i++)
        consumer_fail(rig_consumer(f.receiver), f.jobs[i], "E", "m", true);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "FAIL"), 40);
    CU_ASSERT(peer_count(f.peer, "MUTATE") >= 1 && peer_count(f.peer, "MUTATE") <= 10);
    CU_ASSERT_EQUAL(in_mutates(&f, "the\\u0020job\\u0020"), 36); /* every tenth has retry 0 */
    CU_ASSERT_EQUAL(in_mutates(&f, "the\\u0020job\\u0020010"), 0);
    CU_ASSERT_EQUAL(in_mutates(&f, "the\\u0020job\\u0020011"), 1);
    stop(&f);
}

static void test_permanent_refused(void)
{
    const struct peer_rule rule = {
        .verb = "MUTATE", .nth = 1, .bytes = "-ERR context deadline exceeded\r\n"};
    struct fixture f;

    start(&f, &rule, 9);
    for (int i = 0; i < 9; i++)
        consumer_fail(rig_consumer(f.receiver), f.jobs[i], "E", "m", true);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT(in_mutates(&f, "the\\u0020job\\u0020") >= 10); /* the first one's came twice */
    stop(&f);
}

/* Stopping in the middle of this: one MUTATE is to be tried again, others wait for it. */
static void test_permanent_stopped(void)
{
    const struct peer_rule rule = {.verb = "MUTATE", .bytes = "-ERR context deadline exceeded\r\n"};
    struct fixture f;

    start(&f, &rule, 9);
    for (int i = 0; i < 9; i++)
        consumer_fail(rig_consumer(f.receiver), f.jobs[i], "E", "m", true);
    CU_ASSERT_TRUE(peer_wait(f.peer, "MUTATE", 2, SHORT_MS));
    CU_ASSERT_TRUE(peer_wait(f.peer, "FAIL", 9, SHORT_MS));
    rig_receiver_stop(f.receiver, clock_ms() + 100); /* asan watches over it */
    peer_free(f.peer);
}

static void test_hand_back(void)
{
    struct json_slice root, copy;
    struct fixture f;
    struct event push, ack;
    struct json_iter it;

    start(&f, NULL, 1);
    consumer_hand_back(rig_consumer(f.receiver), f.jobs[0]);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "PUSHB"), 1);
    CU_ASSERT_EQUAL(peer_count(f.peer, "ACK"), 1);
    CU_ASSERT_FATAL(peer_event(f.peer, "PUSHB", 1, &push) && peer_event(f.peer, "ACK", 1, &ack));
    CU_ASSERT(push.at_ms <= ack.at_ms);
    CU_ASSERT_PTR_NOT_NULL(strstr(ack.text, "\"the job 001\""));
    CU_ASSERT_EQUAL_FATAL(json_check(push.text + 6, strlen(push.text + 6), &root, NULL), 0);
    it = json_iter(root);
    CU_ASSERT_TRUE_FATAL(json_next_item(&it, &copy));
    CU_ASSERT_FALSE(json_string_is(json_member(copy, "jid"), "the job 001"));
    CU_ASSERT(json_string_is(json_member(json_member(copy, "custom"), "wf_jid"), "the job 001"));
    stop(&f);
}

/* The copy was not stored for sure: then the job is not acknowledged. */
static void test_hand_back_refused(void)
{
    const struct peer_rule rule = {.verb = "PUSHB", .bytes = "-ERR context deadline exceeded\r\n"};
    struct fixture f;

    start(&f, &rule, 1);
    consumer_hand_back(rig_consumer(f.receiver), f.jobs[0]);
    CU_ASSERT_TRUE(peer_wait(f.peer, "PUSHB", 2, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "ACK"), 0);
    peer_set_rules(f.peer, NULL, 0);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "ACK"), 1);
    stop(&f);
}

/* Items in the `nth` PUSHB; the ids must go on where the last one ended. */
static unsigned count_stored(struct fixture *f, int nth, unsigned *next)
{
    struct json_slice root, job;
    struct json_iter it;
    struct event push;
    unsigned n = 0;
    char jid[32];

    CU_ASSERT_FATAL(peer_event(f->peer, "PUSHB", nth, &push));
    CU_ASSERT_EQUAL_FATAL(json_check(push.text + 6, strlen(push.text + 6), &root, NULL), 0);
    for (it = json_iter(root); json_next_item(&it, &job); n++) {
        snprintf(jid, sizeof jid, "stored-%05u", (*next)++);
        CU_ASSERT(json_string_is(json_member(job, "jid"), jid));
    }
    return n;
}

/* 1,300 small jobs and three of 100 KB: by number and by size more than one command holds. */
static void test_store(void)
{
    const struct peer_rule rule = {
        .verb = "PUSHB", .nth = 2, .bytes = "-ERR context deadline exceeded\r\n"};
    struct buf texts = BUF_INIT(0);
    unsigned next = 0, again;
    struct fixture f;
    struct event ack, last;
    char *large = malloc(100001);

    CU_ASSERT_PTR_NOT_NULL_FATAL(large);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    for (int i = 0; i < 1303; i++)
        buf_addf(&texts, "{\"jid\":\"stored-%05d\",\"jobtype\":\"t\",\"args\":[\"%s\"]}\n", i,
                 i < 1300 ? "" : large);
    start(&f, &rule, 1);
    consumer_store(rig_consumer(f.receiver), f.jobs[0], &texts);
    CU_ASSERT_EQUAL(texts.len, 0);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT_EQUAL(count_stored(&f, 1, &next), 500);
    again = next;
    CU_ASSERT_EQUAL(count_stored(&f, 2, &again), 500); /* refused for now */
    CU_ASSERT_EQUAL(count_stored(&f, 3, &next), 500);
    CU_ASSERT_EQUAL(count_stored(&f, 4, &next), 302);
    CU_ASSERT_EQUAL(count_stored(&f, 5, &next), 1);
    CU_ASSERT_EQUAL(peer_count(f.peer, "PUSHB"), 5);
    CU_ASSERT_FATAL(peer_event(f.peer, "ACK", 1, &ack) && peer_event(f.peer, "PUSHB", 5, &last));
    CU_ASSERT(last.at_ms <= ack.at_ms);
    CU_ASSERT_EQUAL(peer_count(f.peer, "ACK"), 1);
    free(large);
    stop(&f);
}

/* Never ACKed when what came of it is not known whole: better a repetition than a loss. */
static void test_store_failed(void)
{
    struct buf texts = BUF_INIT(4);
    struct fixture f;

    start(&f, NULL, 1);
    buf_add_str(&texts, "more than four bytes");
    consumer_store(rig_consumer(f.receiver), f.jobs[0], &texts);
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT_EQUAL(peer_count(f.peer, "ACK"), 0);
    CU_ASSERT_EQUAL(peer_count(f.peer, "PUSHB"), 0);
    stop(&f);
}

/* Every connection goes, again and again, while outcomes of all kinds are on their way. */
static void test_storm(void)
{
    struct fixture f;

    start(&f, NULL, CAPACITY);
    for (int i = 0; i < CAPACITY; i++) {
        struct consumer *c = rig_consumer(f.receiver);

        if (i % 10 == 5)
            peer_drop_all(f.peer);
        if (i % 4 == 0)
            consumer_fail(c, f.jobs[i], "E", "m", i % 8 == 0);
        else if (i % 4 == 1)
            consumer_hand_back(c, f.jobs[i]);
        else
            consumer_ack(c, f.jobs[i]);
    }
    CU_ASSERT_TRUE(settled(&f, SHORT_MS));
    CU_ASSERT(peer_count(f.peer, "FAIL") >= CAPACITY / 4);
    CU_ASSERT(peer_count(f.peer, "PUSHB") >= CAPACITY / 4);
    CU_ASSERT(peer_count(f.peer, "ACK") >= CAPACITY * 3 / 4);
    stop(&f);
}

static const struct suite_test tests[] = {
    {"an ACK whose connection was lost is sent again", test_ack_lost},
    {"an ACK without an answer is sent again", test_ack_swallowed},
    {"an ACK answered with a passing error is tried again", test_ack_refused},
    {"an ACK that Faktory cannot read is given up", test_ack_invalid},
    {"a FAIL says type and message, cut where Faktory cuts", test_fail},
    {"a FAIL that comes too late is final", test_fail_not_found},
    {"permanent failures share a MUTATE without blanks", test_permanent},
    {"a MUTATE answered with an error is tried again for all its jobs", test_permanent_refused},
    {"stopping between two MUTATEs leaves nothing behind", test_permanent_stopped},
    {"a job handed back is pushed first and acknowledged then", test_hand_back},
    {"a job whose copy is not surely stored is not acknowledged", test_hand_back_refused},
    {"what comes of a job is stored in as many commands as it takes, then the job ends",
     test_store},
    {"a job is not acknowledged when what came of it could not be kept", test_store_failed},
    {"outcomes survive the loss of all connections", test_storm},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "settle_faults", tests, SUITE_COUNT(tests), NULL, NULL);
}
