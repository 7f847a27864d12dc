// SPDX-License-Identifier: MIT
/* The bad peer itself: what it promises to do wrong, it does. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/fault/peer.h"
#include "tests/support/faktory_talk.h"
#include "tests/support/suite.h"
#include "tests/support/tcp.h"

enum { SHORT_MS = 10000 };

static struct peer *start(const struct peer_rule *rules, int count)
{
    struct peer *p = peer_start(rules, count, NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return p;
}

static struct faktory_talk *open_to(struct peer *p)
{
    struct faktory_talk *t = faktory_talk_open(peer_port(p), NULL, NULL, NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return t;
}

/* One command and the reply that it must get; NULL: the connection ends instead. */
static void expect(struct faktory_talk *t, const char *line, const char *wanted)
{
    char *reply = faktory_talk_command(t, line);

    if (wanted) {
        CU_ASSERT(reply && strcmp(reply, wanted) == 0);
        if (reply && strcmp(reply, wanted) != 0)
            fprintf(stderr, "%s: %s\n", line, reply);
    } else
        CU_ASSERT_PTR_NULL(reply);
    free(reply);
}

static void test_good_manners(void)
{
    struct peer *p = start(NULL, 0);
    struct faktory_talk *t = open_to(p);

    expect(t, "PUSHB []", "{}");
    expect(t, "FETCH default", "$-1");
    expect(t, "ACK {\"jid\":\"1\"}", "+OK");
    expect(t, "END", NULL);
    faktory_talk_close(t);
    peer_free(p);
}

static void test_events(void)
{
    struct peer *p = start(NULL, 0);
    struct faktory_talk *a = open_to(p), *b = open_to(p);
    struct event first, second, gone;
    int64_t before = clock_ms();

    expect(b, "ACK 1", "+OK");
    expect(a, "ACK 2", "+OK");
    CU_ASSERT_EQUAL(peer_count(p, "ACK"), 2);
    CU_ASSERT_EQUAL(peer_count(p, "HI"), 2);
    CU_ASSERT_EQUAL(peer_count(p, "HELLO"), 2);
    CU_ASSERT_EQUAL(peer_count(p, "*"), 6);
    CU_ASSERT(peer_event(p, "ACK", 1, &first) && peer_event(p, "ACK", 2, &second));
    CU_ASSERT_STRING_EQUAL(first.text, "ACK 1");
    CU_ASSERT_EQUAL(first.source, 2);
    CU_ASSERT_STRING_EQUAL(second.text, "ACK 2");
    CU_ASSERT_EQUAL(second.source, 1);
    CU_ASSERT(before <= first.at_ms && first.at_ms <= second.at_ms && second.at_ms <= clock_ms());
    CU_ASSERT_FALSE(peer_event(p, "ACK", 3, &gone));
    CU_ASSERT_FALSE(peer_wait(p, "EOF", 1, 0));
    faktory_talk_close(a);
    CU_ASSERT(peer_wait(p, "EOF", 1, SHORT_MS));
    CU_ASSERT(peer_event(p, "EOF", 1, &gone) && gone.source == 1);
    faktory_talk_close(b);
    peer_free(p);
}

static void test_nth(void)
{
    static const struct peer_rule rules[] = {
        {.verb = "ACK", .nth = 2, .bytes = "-ERR the second\r\n"},
        {.verb = "ACK", .connection = 2, .bytes = "-ERR on two\r\n"},
        {.verb = "FETCH", .bulk = "{\"jid\":\"12345678\"}"},
    };
    struct peer *p = start(rules, SUITE_COUNT(rules));
    struct faktory_talk *a = open_to(p), *b = open_to(p);

    expect(a, "ACK", "+OK");
    expect(a, "ACK", "-ERR the second");
    expect(a, "ACK", "+OK");
    expect(b, "ACK", "-ERR on two");
    expect(b, "FETCH default", "{\"jid\":\"12345678\"}");
    peer_set_rules(p, NULL, 0);
    expect(b, "ACK", "+OK");
    faktory_talk_close(a);
    faktory_talk_close(b);
    peer_free(p);
}

static void echo(struct buf *out, const char *line, int nth, void *arg)
{
    buf_addf(out, "+%s %d of %s\r\n", (const char *)arg, nth, line);
}

static void test_make(void)
{
    const struct peer_rule rules[] = {{.verb = "BEAT", .make = echo, .arg = (void *)"beat"}};
    struct peer *p = start(rules, SUITE_COUNT(rules));
    struct faktory_talk *t = open_to(p);

    expect(t, "BEAT a", "+beat 1 of BEAT a");
    expect(t, "BEAT b", "+beat 2 of BEAT b");
    faktory_talk_close(t);
    peer_free(p);
}

/* A bare connection, to see the segments that a reader with a buffer hides. */
static int bare_connection(struct peer *p)
{
    int fd = tcp_connect((unsigned)peer_port(p), SHORT_MS);

    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}

/* Reads `wanted` bytes and says in how many pieces they came. */
static int pieces(int fd, char *to, size_t wanted)
{
    size_t have = 0;
    int count = 0;

    for (; have < wanted; count++) {
        ssize_t n = tcp_recv(fd, to + have, wanted - have);

        if (n <= 0)
            return -1;
        have += (size_t)n;
    }
    to[have] = '\0';
    return count;
}

static void long_reply(struct buf *out, const char *line, int nth, void *arg)
{
    (void)line;
    (void)nth;
    (void)arg;
    for (int i = 0; i < 200; i++)
        buf_add_char(out, (char)('a' + i % 26));
}

static void test_pieces(void)
{
    static const struct peer_rule rules[] = {
        {.verb = "PUSHB", .action = PEER_TRICKLE, .make = long_reply},
        {.verb = "ACK", .action = PEER_SPLIT, .split = 2, .bytes = "+OK\r\n"},
    };
    struct peer *p = start(rules, SUITE_COUNT(rules));
    int fd = bare_connection(p);
    bool many = false, halved = false;
    char text[256];

    CU_ASSERT(pieces(fd, text, 13) > 0);
    CU_ASSERT_STRING_EQUAL(text, "+HI {\"v\":2}\r\n");
    /* More and more pieces are there already the later this thread gets its turn; not each time. */
    for (int i = 0; i < 10 && !many; i++) {
        CU_ASSERT_EQUAL(send(fd, "PUSHB\n", 6, MSG_NOSIGNAL), 6);
        many = pieces(fd, text, 200) > 10; /* 200, if it always gets it */
    }
    CU_ASSERT(many);
    for (int i = 0; i < 20 && !halved; i++) {
        CU_ASSERT_EQUAL(send(fd, "ACK\n", 4, MSG_NOSIGNAL), 4);
        halved = pieces(fd, text, 5) == 2;
        CU_ASSERT_STRING_EQUAL(text, "+OK\r\n");
    }
    CU_ASSERT(halved);
    close(fd);
    peer_free(p);
}

static void test_close_and_reset(void)
{
    static const struct peer_rule rules[] = {
        {.verb = "ACK", .action = PEER_CLOSE, .bytes = "+O"},
        {.verb = "FAIL", .action = PEER_RESET},
    };
    struct peer *p = start(rules, SUITE_COUNT(rules));
    int fd = bare_connection(p);
    char text[64];

    CU_ASSERT(pieces(fd, text, 13) > 0);
    CU_ASSERT_EQUAL(send(fd, "ACK 1\r\n", 7, MSG_NOSIGNAL), 7);
    CU_ASSERT(pieces(fd, text, 2) > 0);
    CU_ASSERT_EQUAL(tcp_recv(fd, text, sizeof text), 0); /* half a reply, then the end */
    close(fd);
    fd = bare_connection(p);
    CU_ASSERT(pieces(fd, text, 13) > 0);
    CU_ASSERT_EQUAL(send(fd, "FAIL 1\r\n", 8, MSG_NOSIGNAL), 8);
    CU_ASSERT_EQUAL(tcp_recv(fd, text, sizeof text), -1);
    CU_ASSERT_EQUAL(errno, ECONNRESET);
    close(fd);
    peer_free(p);
}

static void test_silence(void)
{
    static const struct peer_rule rules[] = {
        {.verb = "ACK", .action = PEER_SWALLOW, .bytes = "+OK\r\n"},
        {.verb = "FAIL", .action = PEER_STALL},
    };
    struct peer *p = start(rules, SUITE_COUNT(rules));
    struct faktory_talk *t = open_to(p), *other = open_to(p);

    CU_ASSERT_EQUAL(faktory_talk_send(t, "ACK 1"), 0);
    expect(t, "PUSHB []", "{}");
    CU_ASSERT_EQUAL(faktory_talk_send(t, "FAIL 1"), 0);
    CU_ASSERT_EQUAL(faktory_talk_send(t, "PUSHB []"), 0);
    CU_ASSERT(peer_wait(p, "PUSHB", 2, SHORT_MS)); /* it still reads */
    CU_ASSERT_FALSE(faktory_talk_ready(t, 200));
    expect(other, "PUSHB []", "{}"); /* and only that connection is silent */
    faktory_talk_close(t);
    faktory_talk_close(other);
    peer_free(p);
}

static void test_deaf(void)
{
    static const struct peer_rule rules[] = {{.verb = "ACK", .action = PEER_DEAF}};
    struct peer *p = start(rules, SUITE_COUNT(rules));
    int fd = bare_connection(p);
    static char junk[1 << 16];
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    long sent = 0;

    CU_ASSERT_EQUAL(send(fd, "ACK\n", 4, MSG_NOSIGNAL), 4);
    CU_ASSERT(peer_wait(p, "ACK", 1, SHORT_MS));
    while (poll(&writable, 1, 300) == 1) {
        ssize_t n = send(fd, junk, sizeof junk, MSG_NOSIGNAL | MSG_DONTWAIT);

        CU_ASSERT_FATAL(n > 0 || errno == EAGAIN);
        sent += n > 0 ? n : 0;
        CU_ASSERT_FATAL(sent < 64 << 20); /* a socket that nobody reads fills up long before */
    }
    close(fd);
    peer_free(p);
}

static void test_delay(void)
{
    static const struct peer_rule rules[] = {
        {.verb = "ACK", .connection = 1, .delay_ms = 2000, .bytes = "+LATE\r\n"},
    };
    struct peer *p = start(rules, SUITE_COUNT(rules));
    struct faktory_talk *slow = open_to(p), *quick = open_to(p);
    int64_t started = clock_ms();

    CU_ASSERT_EQUAL(faktory_talk_send(slow, "ACK 1"), 0);
    CU_ASSERT_EQUAL(faktory_talk_send(slow, "FAIL 1"), 0);
    CU_ASSERT(peer_wait(p, "FAIL", 1, SHORT_MS)); /* recorded although the ACK still waits */
    expect(quick, "ACK 2", "+OK");
    CU_ASSERT_FALSE(faktory_talk_ready(slow, 0));
    char *first = faktory_talk_read(slow), *second = faktory_talk_read(slow);
    CU_ASSERT(first && strcmp(first, "+LATE") == 0);
    CU_ASSERT(second && strcmp(second, "+OK") == 0);
    CU_ASSERT(clock_ms() - started >= 2000);
    free(first);
    free(second);
    faktory_talk_close(slow);
    faktory_talk_close(quick);
    peer_free(p);
}

static void test_drop_and_listen(void)
{
    struct peer *p = start(NULL, 0);
    struct faktory_talk *t = open_to(p);
    int port = peer_port(p);

    CU_ASSERT_EQUAL(peer_listen(p, false), 0);
    CU_ASSERT_PTR_NULL(faktory_talk_open(port, NULL, NULL, NULL));
    expect(t, "ACK", "+OK"); /* what was connected stays */
    peer_drop_all(p);
    expect(t, "ACK", NULL);
    faktory_talk_close(t);
    CU_ASSERT_EQUAL(peer_listen(p, true), 0);
    CU_ASSERT_EQUAL(peer_port(p), port);
    t = open_to(p);
    expect(t, "ACK", "+OK");
    faktory_talk_close(t);
    peer_free(p);
}

static const struct suite_test tests[] = {
    {"without rules it answers as Faktory does", test_good_manners},
    {"it records what came, when and on which connection", test_events},
    {"a rule fits the nth command, one connection, or each", test_nth},
    {"a rule may write its own reply", test_make},
    {"a reply comes byte by byte, or in two pieces", test_pieces},
    {"it closes in the middle of a reply, and resets", test_close_and_reset},
    {"it swallows one command, or falls silent for good", test_silence},
    {"a deaf peer lets the sender's socket fill up", test_deaf},
    {"a late reply holds up its own connection only", test_delay},
    {"it drops connections and refuses new ones", test_drop_and_listen},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "peer", tests, SUITE_COUNT(tests), NULL, NULL);
}
