// SPDX-License-Identifier: MIT
/* Blocking calls end in time, whatever interrupts them. */
#include "common/faktory/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/suite.h"

enum { SHORT_MS = 300, LONG_MS = 10000, EVERY_US = 20000, LARGE = 16 << 20 };

static int listener, peer;
static struct net *net;

/* A connection to somebody who neither reads nor says anything. */
static void setup(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct net_options options = {.connect_ms = LONG_MS,
                                  .read_ms = SHORT_MS,
                                  .write_ms = SHORT_MS,
                                  .keepalive_idle_ms = 60000,
                                  .keepalive_interval_ms = 10000,
                                  .keepalive_count = 3};
    socklen_t size = sizeof at;
    char port[16];

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(listener >= 0 && bind(listener, (struct sockaddr *)&at, sizeof at) == 0 &&
                    listen(listener, 1) == 0 &&
                    getsockname(listener, (struct sockaddr *)&at, &size) == 0);
    snprintf(port, sizeof port, "%d", ntohs(at.sin_port));
    net = net_connect("127.0.0.1", port, &options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(net);
    peer = accept(listener, NULL, NULL);
    CU_ASSERT_FATAL(peer >= 0);
}

static void teardown(void)
{
    net_close(net);
    close(peer);
    close(listener);
}

/* ---- a signal every 20 ms, until a call that does not end would have to ---- */

static volatile sig_atomic_t left;

static void on_alarm(int number)
{
    (void)number;
    if (--left == 0)
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_sec = 0}, NULL);
}

static void interrupt(bool on)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
    struct itimerval timer = {.it_interval.tv_usec = on ? EVERY_US : 0,
                              .it_value.tv_usec = on ? EVERY_US : 0};

    left = LONG_MS * 1000 / EVERY_US;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void test_receive(void)
{
    struct err_text why = {""};
    int64_t began = clock_ms();
    char byte;

    interrupt(true);
    CU_ASSERT_EQUAL(net_recv(net, &byte, 1, &why), ERR_TIMEOUT);
    CU_ASSERT(left > 0);
    interrupt(false);
    CU_ASSERT(clock_ms() - began >= SHORT_MS);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "timed out"));
}

static void test_send(void)
{
    char *large = calloc(1, LARGE);

    CU_ASSERT_PTR_NOT_NULL_FATAL(large);
    interrupt(true);
    CU_ASSERT_EQUAL(net_send(net, large, LARGE, NULL), ERR_TIMEOUT);
    CU_ASSERT(left > 0);
    interrupt(false);
    free(large);
}

/* What came before the deadline is taken, however late the call gets to see it. */
static void test_answer_is_taken(void)
{
    char bytes[4];

    interrupt(true);
    CU_ASSERT_EQUAL(send(peer, "+OK", 3, MSG_NOSIGNAL), 3);
    CU_ASSERT_EQUAL(net_recv(net, bytes, sizeof bytes, NULL), 3);
    interrupt(false);
    CU_ASSERT_EQUAL(net_try_recv(net, bytes, sizeof bytes, NULL), ERR_ABSENT);
    close(peer);
    peer = -1;
    CU_ASSERT_EQUAL(net_recv(net, bytes, sizeof bytes, NULL), ERR_CLOSED);
}

static const struct suite_test tests[] = {
    {"waiting for an answer ends in time, however often it is interrupted", test_receive},
    {"so does sending to one who does not read", test_send},
    {"an answer is taken in spite of interruptions, and then the end is seen",
     test_answer_is_taken},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "net", tests, SUITE_COUNT(tests), setup, teardown);
}
