// SPDX-License-Identifier: MIT
/* The link against a peer that misbehaves: what becomes of each command, and of the connection. */
#include <pthread.h>
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

enum { COMMANDS_MAX = 64, SHORT_MS = 10000 };

struct command {
    struct link_command link; /* first */
    struct fixture *fixture;
    char line[64];
    int times;
    enum link_fate fate;
    char reply[128];
    int64_t done_ms;
};

/* A peer and a link to it; the link's thread writes down what becomes of the commands. */
struct fixture {
    struct peer *peer;
    struct faktory_settings settings;
    struct link *link;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    struct command commands[COMMANDS_MAX];
    int submitted, done, ups, downs;
    char down_why[160];
};

static void on_state(void *ctx, bool up, const char *why)
{
    struct fixture *f = ctx;

    mutex_lock(&f->lock);
    f->ups += up;
    f->downs += !up;
    if (!up)
        snprintf(f->down_why, sizeof f->down_why, "%s", why);
    cond_broadcast(&f->changed);
    mutex_unlock(&f->lock);
}

static void on_done(struct link_command *link, enum link_fate fate, const struct resp_reply *reply,
                    const char *why)
{
    struct command *c = (struct command *)link;
    struct fixture *f = c->fixture;

    mutex_lock(&f->lock);
    c->times++;
    c->fate = fate;
    c->done_ms = clock_ms();
    if (reply)
        resp_show(reply, c->reply, sizeof c->reply);
    else
        snprintf(c->reply, sizeof c->reply, "%s", why);
    f->done++;
    cond_broadcast(&f->changed);
    mutex_unlock(&f->lock);
}

static struct fixture *start_with(const struct peer_rule *rules, int count, bool patient,
                                  int64_t read_ms)
{
    struct fixture *f = calloc(1, sizeof *f);

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    mutex_init(&f->lock);
    cond_init(&f->changed);
    f->peer = peer_start(rules, count, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->peer);
    f->settings = rig_settings(peer_url(f->peer));
    f->settings.net.read_ms = read_ms;
    f->link = link_new(&(struct link_options){.name = "test",
                                              .settings = &f->settings,
                                              .window = COMMANDS_MAX,
                                              .patient = patient,
                                              .on_state = on_state,
                                              .ctx = f});
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->link);
    CU_ASSERT_EQUAL_FATAL(link_start(f->link), 0);
    return f;
}

static struct fixture *start(const struct peer_rule *rules, int count, bool patient)
{
    return start_with(rules, count, patient, 1000);
}

static void stop(struct fixture *f)
{
    link_finish(f->link, clock_ms());
    link_free(f->link);
    peer_free(f->peer);
    CU_ASSERT_EQUAL(f->done, f->submitted);
    for (int i = 0; i < f->submitted; i++)
        CU_ASSERT_EQUAL(f->commands[i].times, 1);
    cond_fini(&f->changed);
    mutex_fini(&f->lock);
    free(f);
}

/* "<verb> <number>", to be answered within so many milliseconds. */
static struct command *submit(struct fixture *f, const char *verb, int64_t within_ms)
{
    struct command *c = &f->commands[f->submitted];

    snprintf(c->line, sizeof c->line, "%s %d\r\n", verb, f->submitted);
    c->fixture = f;
    c->link = (struct link_command){.text = c->line,
                                    .len = strlen(c->line),
                                    .deadline_ms = clock_ms() + within_ms,
                                    .done = on_done};
    f->submitted++;
    CU_ASSERT_TRUE(link_submit(f->link, &c->link));
    return c;
}

static bool wait_for(struct fixture *f, const int *counter, int n)
{
    int64_t deadline = clock_ms() + SHORT_MS;
    bool reached;

    mutex_lock(&f->lock);
    while (*counter < n && cond_wait_until(&f->changed, &f->lock, deadline))
        ;
    reached = *counter >= n;
    mutex_unlock(&f->lock);
    return reached;
}

static void expect(struct fixture *f, const struct command *c, enum link_fate fate,
                   const char *says)
{
    mutex_lock(&f->lock);
    CU_ASSERT_EQUAL(c->times, 1);
    CU_ASSERT_EQUAL(c->fate, fate);
    CU_ASSERT_PTR_NOT_NULL(strstr(c->reply, says));
    if (c->fate != fate || !strstr(c->reply, says))
        fprintf(stderr, "%.20s -> %d %s\n", c->line, (int)c->fate, c->reply);
    mutex_unlock(&f->lock);
}

static void echo(struct buf *out, const char *line, int nth, void *arg)
{
    (void)nth;
    (void)arg;
    buf_addf(out, "$%zu\r\n%s\r\n", strlen(line), line);
}

static void test_pipeline(void)
{
    const struct peer_rule rules[] = {{.verb = "ECHO", .make = echo}};
    struct fixture *f = start(rules, SUITE_COUNT(rules), false);

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    for (int i = 0; i < COMMANDS_MAX; i++)
        (void)submit(f, "ECHO", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, COMMANDS_MAX));
    for (int i = 0; i < COMMANDS_MAX; i++) {
        char wanted[32];

        snprintf(wanted, sizeof wanted, "ECHO %d", i);
        expect(f, &f->commands[i], LINK_ANSWERED, wanted);
    }
    CU_ASSERT_EQUAL(link_load(f->link), 0);
    CU_ASSERT_EQUAL(link_reconnects(f->link), 0);
    stop(f);
}

static void test_single_bytes(void)
{
    const struct peer_rule rules[] = {
        {.verb = "HI", .action = PEER_TRICKLE, .bytes = "+HI {\"v\":2}\r\n"},
        {.verb = "HELLO", .action = PEER_TRICKLE, .bytes = "+OK\r\n"},
        {.verb = "ECHO", .action = PEER_TRICKLE, .make = echo},
        {.verb = "ACK", .action = PEER_SPLIT, .split = 3, .bytes = "+OK\r\n"},
        {.verb = "NIL", .action = PEER_TRICKLE, .bytes = "$-1\r\n"},
    };
    struct fixture *f = start(rules, SUITE_COUNT(rules), false);
    struct command *a, *b, *c, *d;

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    a = submit(f, "ECHO", SHORT_MS);
    b = submit(f, "ACK", SHORT_MS);
    c = submit(f, "NIL", SHORT_MS);
    d = submit(f, "ECHO", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 4));
    expect(f, a, LINK_ANSWERED, "ECHO 0");
    expect(f, b, LINK_ANSWERED, "+OK");
    expect(f, c, LINK_ANSWERED, "nothing");
    expect(f, d, LINK_ANSWERED, "ECHO 3");
    stop(f);
}

/* The third command gets no answer; when the peer has read the fifth, the connection ends. */
static const struct peer_rule lost_at_third[] = {{.verb = "ACK", .nth = 3, .action = PEER_STALL}};

static struct fixture *lose_third(bool patient)
{
    struct fixture *f =
        start_with(lost_at_third, SUITE_COUNT(lost_at_third), patient, 2 * SHORT_MS);

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    for (int i = 0; i < 5; i++)
        (void)submit(f, "ACK", 2 * SHORT_MS);
    CU_ASSERT_TRUE(peer_wait(f->peer, "ACK", 5, SHORT_MS));
    CU_ASSERT_TRUE(wait_for(f, &f->done, 2)); /* those before it are answered */
    peer_drop_all(f->peer);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 5));
    CU_ASSERT_TRUE(wait_for(f, &f->ups, 2));
    return f;
}

static void test_lost_impatient(void)
{
    struct fixture *f = lose_third(false);

    expect(f, &f->commands[0], LINK_ANSWERED, "+OK");
    expect(f, &f->commands[1], LINK_ANSWERED, "+OK");
    for (int i = 2; i < 5; i++)
        expect(f, &f->commands[i], LINK_UNKNOWN, "");
    CU_ASSERT_EQUAL(peer_count(f->peer, "ACK"), 5); /* nothing is sent twice */
    (void)submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 6));
    expect(f, &f->commands[5], LINK_ANSWERED, "+OK");
    stop(f);
}

static void test_lost_patient(void)
{
    struct fixture *f = lose_third(true);
    struct event e;

    for (int i = 0; i < 5; i++)
        expect(f, &f->commands[i], LINK_ANSWERED, "+OK");
    CU_ASSERT_EQUAL(peer_count(f->peer, "ACK"), 8);
    for (int i = 2; i < 5; i++) {
        char wanted[16];

        snprintf(wanted, sizeof wanted, "ACK %d", i);
        CU_ASSERT(peer_event(f->peer, "ACK", 4 + i, &e) && strcmp(e.text, wanted) == 0);
        CU_ASSERT_EQUAL(e.source, 2);
    }
    stop(f);
}

static void test_swallowed(void)
{
    const struct peer_rule rules[] = {
        {.verb = "ECHO", .nth = 1, .action = PEER_REPLY, .delay_ms = 3000, .make = echo},
        {.verb = "ECHO", .make = echo}};
    struct fixture *f = start_with(rules, SUITE_COUNT(rules), false, SHORT_MS);
    struct command *late, *next;
    int64_t before;

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    before = clock_ms();
    late = submit(f, "ECHO", 200);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 1));
    expect(f, late, LINK_UNKNOWN, "in time");
    CU_ASSERT(clock_ms() - before >= 200); /* and before the answer, or that would be its fate */
    CU_ASSERT_TRUE(wait_for(f, &f->downs, 1));
    /* the answer that is still on its way is not taken for this one's */
    CU_ASSERT_TRUE(wait_for(f, &f->ups, 2));
    next = submit(f, "ECHO", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 2));
    expect(f, next, LINK_ANSWERED, "ECHO 1");
    CU_ASSERT_EQUAL(link_reconnects(f->link), 1);
    stop(f);
}

/* A deadline holds for every command, also for one that waits behind another's answer. */
static void test_deadline_behind(void)
{
    const struct peer_rule rules[] = {{.verb = "WAIT", .action = PEER_SWALLOW}};
    struct fixture *f = start_with(rules, SUITE_COUNT(rules), false, SHORT_MS);
    struct command *first, *second;
    int64_t before;

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    before = clock_ms();
    first = submit(f, "WAIT", SHORT_MS);
    second = submit(f, "WAIT", 200);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 2));
    CU_ASSERT(clock_ms() - before < SHORT_MS / 2);
    expect(f, second, LINK_UNKNOWN, "in time");
    expect(f, first, LINK_UNKNOWN, "in time");
    stop(f);
}

static void test_read_timeout(void)
{
    const struct peer_rule rules[] = {{.verb = "WAIT", .action = PEER_STALL}};
    struct fixture *f = start(rules, SUITE_COUNT(rules), false);
    int64_t before;

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    before = clock_ms();
    (void)submit(f, "WAIT", 60000);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 1));
    expect(f, &f->commands[0], LINK_UNKNOWN, "in time");
    CU_ASSERT(clock_ms() - before >= 1000 && clock_ms() - before < 5000);
    stop(f);
}

/* ---- endings that Faktory announces ---- */

static void test_too_many(void)
{
    const struct peer_rule rules[] = {
        {.verb = "HELLO",
         .nth = 1,
         .action = PEER_CLOSE,
         .bytes = "+OK\r\n-ERR too many connections: 2001\r\n"},
    };
    struct fixture *f = start(rules, SUITE_COUNT(rules), true);
    struct command *c = submit(f, "ACK", SHORT_MS);
    struct event first, second;

    CU_ASSERT_TRUE(wait_for(f, &f->done, 1));
    CU_ASSERT_TRUE(peer_event(f->peer, "HI", 1, &first) && peer_event(f->peer, "HI", 2, &second));
    CU_ASSERT(second.at_ms - first.at_ms >= 1000); /* no hot retry against a full server */
    mutex_lock(&f->lock);
    CU_ASSERT_EQUAL(c->fate, LINK_ANSWERED);
    CU_ASSERT_PTR_NOT_NULL(strstr(f->down_why, "too many connections"));
    mutex_unlock(&f->lock);
    stop(f);
}

static void test_shutdown(void)
{
    const struct peer_rule rules[] = {
        {.verb = "ACK", .nth = 2, .action = PEER_CLOSE, .bytes = "-ERR shutdown in progress\r\n"}};
    struct fixture *f = start(rules, SUITE_COUNT(rules), false);

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    (void)submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 1));
    (void)submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 2));
    expect(f, &f->commands[0], LINK_ANSWERED, "+OK");
    expect(f, &f->commands[1], LINK_ANSWERED, "-ERR shutdown in progress");
    CU_ASSERT_TRUE(wait_for(f, &f->ups, 2));
    stop(f);
}

static void test_idle_end(void)
{
    struct fixture *f = start(NULL, 0, false);

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    (void)submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 1));
    peer_drop_all(f->peer);
    CU_ASSERT_TRUE(wait_for(f, &f->ups, 2));
    CU_ASSERT_EQUAL(f->downs, 1);
    (void)submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 2));
    expect(f, &f->commands[1], LINK_ANSWERED, "+OK");
    CU_ASSERT_EQUAL(link_reconnects(f->link), 1);
    stop(f);
}

static void test_away(void)
{
    struct fixture *f = start(NULL, 0, false);
    struct command *c;
    int64_t before;

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    CU_ASSERT_EQUAL(peer_listen(f->peer, false), 0);
    peer_drop_all(f->peer);
    CU_ASSERT_TRUE(wait_for(f, &f->downs, 2)); /* lost, and refused */
    before = clock_ms();
    c = submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 1));
    expect(f, c, LINK_UNSENT, "onnect");
    CU_ASSERT(clock_ms() - before < SHORT_MS / 2); /* the next attempt, not the deadline */
    CU_ASSERT_FALSE(link_is_up(f->link));
    CU_ASSERT_EQUAL(peer_listen(f->peer, true), 0);
    CU_ASSERT_TRUE(wait_for(f, &f->ups, 2));
    stop(f);
}

static void test_renew(void)
{
    struct fixture *f = start(NULL, 0, true);

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    (void)submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 1));
    link_renew(f->link);
    CU_ASSERT_TRUE(wait_for(f, &f->ups, 2));
    CU_ASSERT_EQUAL(peer_count(f->peer, "HELLO"), 2);
    stop(f);
}

static void test_unasked_answer(void)
{
    const struct peer_rule rules[] = {{.verb = "ACK", .nth = 1, .bytes = "+OK\r\n+OK\r\n"}};
    struct fixture *f = start(rules, SUITE_COUNT(rules), false);

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    (void)submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->ups, 2)); /* out of step: a new connection */
    stop(f);
}

static void test_finish(void)
{
    const struct peer_rule rules[] = {{.verb = "WAIT", .action = PEER_STALL}};
    struct fixture *f = start_with(rules, SUITE_COUNT(rules), true, SHORT_MS);
    struct command never = {.fixture = f};
    int64_t before;

    CU_ASSERT_TRUE(wait_for(f, &f->ups, 1));
    (void)submit(f, "ACK", SHORT_MS);
    CU_ASSERT_TRUE(wait_for(f, &f->done, 1));
    (void)submit(f, "WAIT", 60000);
    (void)submit(f, "ACK", 60000);
    CU_ASSERT_TRUE(peer_wait(f->peer, "ACK", 2, SHORT_MS));
    before = clock_ms();
    link_finish(f->link, before + 60000);
    CU_ASSERT_FALSE(link_submit(f->link, &never.link));
    link_finish(f->link, before + 200); /* earlier: this one holds */
    CU_ASSERT_TRUE(wait_for(f, &f->done, 3));
    CU_ASSERT(clock_ms() - before >= 200 && clock_ms() - before < SHORT_MS / 2);
    expect(f, &f->commands[1], LINK_UNKNOWN, "stopped");
    stop(f);
}

static const struct suite_test tests[] = {
    {"pipelined commands get their own answers, in order", test_pipeline},
    {"answers may come byte by byte, the handshake's too", test_single_bytes},
    {"a lost connection leaves the impatient in doubt, and nothing is sent twice",
     test_lost_impatient},
    {"a patient link sends the unanswered again, in their order", test_lost_patient},
    {"a late answer is never taken for the next command's", test_swallowed},
    {"a deadline holds behind a command that may take longer", test_deadline_behind},
    {"a silent peer is given up after the read time-out", test_read_timeout},
    {"a full Faktory is asked again only after a while", test_too_many},
    {"a Faktory that shuts down is an answer and the end", test_shutdown},
    {"an idle connection that ends is made again", test_idle_end},
    {"without a connection commands end at once, as not sent", test_away},
    {"a renewed link says HELLO again", test_renew},
    {"an answer to nothing ends the connection", test_unasked_answer},
    {"a link that finishes ends what is unanswered by the earlier deadline", test_finish},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "link", tests, SUITE_COUNT(tests), NULL, NULL);
}
