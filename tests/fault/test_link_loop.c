// SPDX-License-Identifier: MIT
/* Several links on one thread: none of them is held up by another one's peer. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/link.h"
#include "tests/fault/peer.h"
#include "tests/fault/rig.h"
#include "tests/support/suite.h"

enum { LINKS = 2, PATIENCE_MS = 10000, ROUNDS = 50, LARGE = 32 << 20 };

static pthread_mutex_t lock;
static pthread_cond_t changed;

/* A peer, a link to it, and the last command that was given to it. */
struct side {
    struct peer *peer;
    struct faktory_settings settings;
    struct link *link;
    struct link_command command; /* the command's index is found by its address */
    enum link_fate fate;         /* guarded by lock, like done */
    int done;
};

static struct side sides[LINKS];
static struct link_loop *loop;

static void on_done(struct link_command *c, enum link_fate fate, const struct resp_reply *reply,
                    const char *why)
{
    (void)reply;
    (void)why;
    mutex_lock(&lock);
    for (int i = 0; i < LINKS; i++)
        if (c == &sides[i].command) {
            sides[i].fate = fate;
            sides[i].done++;
        }
    cond_broadcast(&changed);
    mutex_unlock(&lock);
}

static void start(const struct peer_rule *first_rules, int count)
{
    mutex_init(&lock);
    cond_init(&changed);
    loop = link_loop_new("test", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loop);
    memset(sides, 0, sizeof sides);
    for (unsigned i = 0; i < LINKS; i++) {
        struct side *s = &sides[i];

        s->peer = peer_start(i == 0 ? first_rules : NULL, i == 0 ? count : 0, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s->peer);
        s->settings = rig_settings(peer_url(s->peer));
        s->settings.net.write_ms = 700;
        s->link = link_new(&(struct link_options){
            .loop = loop, .name = "test", .number = i, .settings = &s->settings, .window = 4});
        CU_ASSERT_PTR_NOT_NULL_FATAL(s->link);
    }
    for (int i = 0; i < LINKS; i++)
        CU_ASSERT_EQUAL_FATAL(link_start(sides[i].link), 0);
}

static void stop(void)
{
    for (int i = 0; i < LINKS; i++)
        link_finish(sides[i].link, clock_ms());
    for (int i = 0; i < LINKS; i++)
        link_free(sides[i].link);
    link_loop_free(loop);
    for (int i = 0; i < LINKS; i++)
        peer_free(sides[i].peer);
    cond_fini(&changed);
    mutex_fini(&lock);
}

static void submit(struct side *s, const char *text, size_t len)
{
    s->command = (struct link_command){
        .text = text, .len = len, .deadline_ms = clock_ms() + PATIENCE_MS, .done = on_done};
    CU_ASSERT_TRUE(link_submit(s->link, &s->command));
}

static bool wait_done(struct side *s, int n, enum link_fate *fate)
{
    int64_t deadline = clock_ms() + PATIENCE_MS;
    bool reached;

    mutex_lock(&lock);
    while (s->done < n && cond_wait_until(&changed, &lock, deadline))
        ;
    reached = s->done >= n;
    *fate = s->fate;
    mutex_unlock(&lock);
    return reached;
}

/* So many commands one after the other on the second link; returns how long they took. */
static int64_t talk(int rounds)
{
    static const char ack[] = "ACK 0\r\n";
    int64_t began = clock_ms();
    enum link_fate fate = LINK_UNKNOWN;

    for (int i = 1; i <= rounds; i++) {
        submit(&sides[1], ack, sizeof ack - 1);
        CU_ASSERT_TRUE_FATAL(wait_done(&sides[1], i, &fate));
        CU_ASSERT_EQUAL(fate, LINK_ANSWERED);
    }
    return clock_ms() - began;
}

static void test_silent_greeting(void)
{
    const struct peer_rule rules[] = {{.verb = "HI", .action = PEER_STALL}};

    start(rules, SUITE_COUNT(rules));
    CU_ASSERT_TRUE(peer_wait(sides[0].peer, "HI", 1, PATIENCE_MS));
    CU_ASSERT(talk(ROUNDS) < 3000); /* a handshake has 5 s */
    CU_ASSERT_FALSE(link_is_up(sides[0].link));
    stop();
}

static void test_deaf_peer(void)
{
    const struct peer_rule rules[] = {{.verb = "HELLO", .action = PEER_DEAF, .bytes = "+OK\r\n"}};
    char *large = malloc(LARGE);
    enum link_fate fate = LINK_ANSWERED;

    CU_ASSERT_PTR_NOT_NULL_FATAL(large);
    memset(large, 'x', LARGE);
    start(rules, SUITE_COUNT(rules));
    submit(&sides[0], large, LARGE); /* more than the sockets of both sides hold */
    (void)talk(ROUNDS);
    CU_ASSERT_TRUE(wait_done(&sides[0], 1, &fate));
    CU_ASSERT_EQUAL(fate, LINK_UNKNOWN);
    stop();
    free(large);
}

static void test_finish_while_connecting(void)
{
    const struct peer_rule rules[] = {{.verb = "HI", .action = PEER_STALL}};
    int64_t began;

    start(rules, SUITE_COUNT(rules));
    CU_ASSERT_TRUE(peer_wait(sides[0].peer, "HI", 1, PATIENCE_MS));
    began = clock_ms();
    stop();
    CU_ASSERT(clock_ms() - began < 3000); /* a handshake has 5 s */
}

static const struct suite_test tests[] = {
    {"a peer that never greets holds up no other link", test_silent_greeting},
    {"a peer that reads nothing holds up no other link, and is given up", test_deaf_peer},
    {"links end in the middle of connecting", test_finish_while_connecting},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "link_loop", tests, SUITE_COUNT(tests), NULL, NULL);
}
