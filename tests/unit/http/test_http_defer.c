// SPDX-License-Identifier: MIT
/* Answering later: many at once, in order, early, to nobody, and while the server stops. */
#include "common/http/http.h"

#include <sys/socket.h>

#include "tests/support/tcp.h"
#include "tests/unit/http/fixture.h"

#define LATER "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"
#define NOW "GET /now HTTP/1.1\r\nHost: h\r\n\r\n"

enum { STALL_ROUNDS = 8, STALL_MS = 1500, MANY = 384 };

static void start(void)
{
    struct http_options o = fixture_options();

    fixture_start(&o);
}

static void open_all(struct raw_http *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_TRUE_FATAL(raw_open(&c[i], fixture.port));
}

static void close_all(struct raw_http *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        raw_close(&c[i]);
}

static void test_pipelining(void)
{
    struct buf requests = BUF_INIT(0);
    struct raw_reply reply;
    struct raw_http c;
    char want[32];

    start();
    for (int round = 0; round < 20; round++) {
        CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
        buf_clear(&requests);
        for (int i = 0; i < 20; i++)
            buf_addf(&requests, "POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n%02d",
                     i % 3 == 0   ? "echo"
                     : i % 3 == 1 ? "later"
                                  : "race",
                     i);
        raw_send(&c, requests.data, requests.len);
        for (int i = 0; i < 20; i++) {
            snprintf(want, sizeof want, i % 3 == 0 ? "%02d" : "later:%02d", i);
            CU_ASSERT_TRUE_FATAL(raw_read(&c, &reply, false));
            CU_ASSERT_STRING_EQUAL(reply.body, want);
        }
        raw_close(&c);
    }
    buf_fini(&requests);
}

/* The loop stands still in /block while all requests arrive, so it finds them all at once. (What
 * was sent on loopback lies before the server when send() returns.) */
static void stall_round(struct raw_http *c, size_t n, struct raw_http *blocker)
{
    struct raw_reply reply;
    int64_t deadline;

    raw_send_text(blocker, "GET /block HTTP/1.1\r\nHost: h\r\n\r\n");
    CU_ASSERT_TRUE_FATAL(wait_until(fixture_is_blocked, NULL, 5000));
    for (size_t i = 0; i < n; i++)
        raw_send_text(&c[i], LATER "hi");
    fixture_unblock();
    deadline = clock_ms() + STALL_MS;
    for (size_t i = 0; i < n; i++) {
        CU_ASSERT_TRUE_FATAL(tcp_readable(c[i].fd, deadline - clock_ms()));
        CU_ASSERT_TRUE(raw_read(&c[i], &reply, false));
        CU_ASSERT_EQUAL(reply.status, 202);
        CU_ASSERT_STRING_EQUAL(reply.body, "later:hi");
    }
    CU_ASSERT_TRUE(raw_read(blocker, &reply, false));
}

/* N connections become ready at once, N around the multiples of 128 that libmicrohttpd's own epoll
 * loop stumbles over. */
static void test_no_stall(void)
{
    static const size_t counts[] = {100, 127, 128, 129, 255, 256, MANY};
    static struct raw_http c[MANY];
    struct raw_http blocker;

    start();
    CU_ASSERT_TRUE_FATAL(raw_open(&blocker, fixture.port));
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        open_all(c, counts[k]);
        for (int round = 0; round < STALL_ROUNDS; round++)
            stall_round(c, counts[k], &blocker);
        close_all(c, counts[k]);
    }
    raw_close(&blocker);
}

static bool connections_are(void *n)
{
    return fixture_gauge("test_http_connections") == (int64_t) * (const size_t *)n;
}

static void test_all_held_then_resumed(void)
{
    static struct raw_http c[MANY];
    struct raw_reply reply;
    size_t n = MANY;

    start();
    fixture_hold(true);
    open_all(c, n);
    for (size_t i = 0; i < n; i++)
        raw_send_text(&c[i], LATER "ok");
    CU_ASSERT_TRUE_FATAL(wait_until(fixture_waiting_is, &n, 10000));
    CU_ASSERT_TRUE(raw_ask(fixture.port, NOW, &reply)); /* others are served meanwhile */
    CU_ASSERT_EQUAL(reply.status, 200);
    fixture_hold(false);
    for (size_t i = 0; i < n; i++) {
        CU_ASSERT_TRUE(raw_read(&c[i], &reply, false));
        CU_ASSERT_STRING_EQUAL(reply.body, "later:ok");
    }
    CU_ASSERT_EQUAL(atomic_load(&fixture.resumed), n);
    CU_ASSERT_EQUAL(fixture_gauge("test_http_deferred"), 0);
    CU_ASSERT_TRUE(wait_until(connections_are, &n, 5000));
    close_all(c, n);
}

static void test_resume_before_return(void)
{
    struct raw_reply reply;
    struct raw_http c;
    int64_t deadline = clock_ms() + 10000;

    start();
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    for (int i = 0; i < 300 && clock_ms() < deadline; i++) {
        raw_send_text(&c, "POST /race HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
        CU_ASSERT_TRUE_FATAL(raw_read(&c, &reply, false));
        CU_ASSERT_EQUAL(reply.status, 202);
    }
    CU_ASSERT_TRUE(clock_ms() < deadline);
    raw_close(&c);
}

/* A Nagle delay or a forgotten wake-up would cost 40 ms or more each. */
static void test_prompt(void)
{
    struct raw_reply reply;
    struct raw_http c;
    int64_t deadline;

    start();
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    deadline = clock_ms() + (int64_t)200 * 20;
    for (int i = 0; i < 200 && clock_ms() < deadline; i++) {
        raw_send_text(&c, LATER "hi");
        CU_ASSERT_TRUE_FATAL(raw_read(&c, &reply, false));
    }
    CU_ASSERT_TRUE(clock_ms() < deadline);
    raw_close(&c);
}

static bool all_resumed(void *n)
{
    return atomic_load(&fixture.resumed) == *(const size_t *)n;
}

static void test_vanished_clients(void)
{
    static struct raw_http c[100];
    struct raw_reply reply;
    size_t n = 100;

    start();
    fixture_hold(true);
    open_all(c, n);
    for (size_t i = 0; i < n; i++)
        raw_send_text(&c[i], LATER "hi");
    CU_ASSERT_TRUE_FATAL(wait_until(fixture_waiting_is, &n, 5000));
    for (size_t i = 0; i < n; i++) {
        if (i % 2 == 0)
            raw_reset(&c[i]);
        else
            raw_close(&c[i]);
    }
    fixture_hold(false);
    CU_ASSERT_TRUE(wait_until(all_resumed, &n, 5000));
    CU_ASSERT_TRUE(wait_until(fixture_no_connections, NULL, 5000));
    CU_ASSERT_EQUAL(fixture_gauge("test_http_deferred"), 0);
    CU_ASSERT_TRUE(raw_ask(fixture.port, NOW, &reply));
    CU_ASSERT_EQUAL(reply.status, 200);
}

/* ---- many threads at both ends ---- */

enum { CLIENTS = 8, ROUNDS = 200 };

static void *client_loop(void *arg)
{
    atomic_uint *good = arg;
    struct raw_reply reply;
    struct raw_http c;
    int64_t deadline = clock_ms() + RAW_TIMEOUT_MS;

    if (!raw_open(&c, fixture.port))
        return NULL;
    for (int i = 0; i < ROUNDS && clock_ms() < deadline; i++) {
        raw_send_text(&c, LATER "hi");
        if (raw_read(&c, &reply, false) && reply.status == 202)
            atomic_fetch_add(good, 1);
    }
    raw_close(&c);
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[CLIENTS];
    atomic_uint good = 0;

    start();
    for (int i = 0; i < CLIENTS; i++)
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[i], "client", 0, client_loop, &good), 0);
    for (int i = 0; i < CLIENTS; i++)
        thread_join(threads[i]);
    CU_ASSERT_EQUAL(good, CLIENTS * ROUNDS);
}

/* ---- stopping ---- */

static void *stop_server(void *arg)
{
    (void)arg;
    http_stop(fixture.server, clock_ms() + 10000);
    return NULL;
}

static bool port_is_closed(void *unused)
{
    struct raw_http c;

    (void)unused;
    if (!raw_open(&c, fixture.port))
        return true;
    raw_close(&c);
    return false;
}

static void test_stop_with_deferred(void)
{
    struct raw_http kept, idle, deferred[20], gone;
    struct raw_reply reply;
    size_t n = 21;
    pthread_t stopper;
    int64_t began = clock_ms();

    start();
    fixture_hold(true);
    CU_ASSERT_TRUE_FATAL(raw_open(&kept, fixture.port) && raw_open(&idle, fixture.port) &&
                         raw_open(&gone, fixture.port));
    raw_send_text(&kept, NOW);
    raw_send_text(&idle, NOW);
    CU_ASSERT_TRUE(raw_read(&kept, &reply, false) && raw_read(&idle, &reply, false));
    open_all(deferred, 20);
    for (int i = 0; i < 20; i++)
        raw_send_text(&deferred[i], LATER "hi");
    raw_send_text(&gone, LATER "hi");
    CU_ASSERT_TRUE_FATAL(wait_until(fixture_waiting_is, &n, 5000));
    raw_close(&gone);

    http_quiesce(fixture.server);
    CU_ASSERT_TRUE(wait_until(port_is_closed, NULL, 5000));
    raw_send_text(&kept, NOW);
    CU_ASSERT_TRUE(raw_read(&kept, &reply, false));
    CU_ASSERT_EQUAL(reply.status, 503);
    CU_ASSERT_PTR_NOT_NULL(strstr(reply.head, "Connection: close"));
    CU_ASSERT_PTR_NOT_NULL(strstr(reply.head, "Retry-After: "));
    CU_ASSERT_TRUE(raw_ended(&kept));

    CU_ASSERT_EQUAL_FATAL(thread_start(&stopper, "stopper", 0, stop_server, NULL), 0);
    CU_ASSERT_TRUE(raw_ended(&idle)); /* the loop is past the point where it could just end */
    fixture_hold(false);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_TRUE(raw_read(&deferred[i], &reply, false));
        CU_ASSERT_EQUAL(reply.status, 202);
        CU_ASSERT_PTR_NOT_NULL(strstr(reply.head, "Connection: close"));
        CU_ASSERT_TRUE(raw_ended(&deferred[i]));
    }
    thread_join(stopper);
    fixture.server = NULL;
    CU_ASSERT_EQUAL(atomic_load(&fixture.resumed), 21);
    CU_ASSERT_TRUE(clock_ms() - began < 8000);
    raw_close(&kept);
    raw_close(&idle);
    close_all(deferred, 20);
}

static void test_stop_is_quick(void)
{
    struct raw_http idle, silent;
    struct raw_reply reply;
    int64_t began;

    start();
    CU_ASSERT_TRUE_FATAL(raw_open(&silent, fixture.port) && raw_open(&idle, fixture.port));
    raw_send_text(&idle, NOW);
    CU_ASSERT_TRUE(raw_read(&idle, &reply, false));
    began = clock_ms();
    http_stop(fixture.server, clock_ms() + 10000);
    fixture.server = NULL;
    CU_ASSERT_TRUE(clock_ms() - began < 2000);
    CU_ASSERT_TRUE(raw_ended(&idle));
    CU_ASSERT_TRUE(raw_ended(&silent));
    raw_close(&idle);
    raw_close(&silent);
}

/* A client that never takes its answer must not hold the stop beyond its deadline. */
static void test_stop_deadline(void)
{
    struct raw_http c;
    int64_t began;
    int small = 4096;

    start();
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    raw_send_text(&c, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    CU_ASSERT_TRUE(tcp_readable(c.fd, 5000));
    began = clock_ms();
    http_stop(fixture.server, began + 300);
    fixture.server = NULL;
    CU_ASSERT_TRUE(clock_ms() - began >= 290);
    CU_ASSERT_TRUE(clock_ms() - began < 3000);
    raw_close(&c);
}

static void test_two_servers(void)
{
    struct http_options o = fixture_options();
    struct http_server *other;
    struct raw_reply reply;
    struct err_text why;

    start();
    o.metrics_prefix = "other";
    o.n_routes = 1; /* only /now */
    other = http_start(&o, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(other);
    CU_ASSERT_NOT_EQUAL(http_port(other), fixture.port);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_TRUE(raw_ask(http_port(other), NOW, &reply));
        CU_ASSERT_EQUAL(reply.status, 200);
        CU_ASSERT_TRUE(raw_ask(http_port(other), LATER "hi", &reply));
        CU_ASSERT_EQUAL(reply.status, 404);
        CU_ASSERT_TRUE(raw_ask(fixture.port, LATER "hi", &reply));
        CU_ASSERT_EQUAL(reply.status, 202);
    }
    http_stop(other, clock_ms() + 5000);
    CU_ASSERT_TRUE(raw_ask(fixture.port, NOW, &reply));
    CU_ASSERT_EQUAL(reply.status, 200);
}

static const struct suite_test tests[] = {
    {"20 requests in one write are answered in their order", test_pipelining},
    {"no request waits when 128, 256 or 384 arrive at once", test_no_stall},
    {"384 requests can be held while others are served", test_all_held_then_resumed},
    {"a resume may come before the handler has returned", test_resume_before_return},
    {"a small answer is not delayed", test_prompt},
    {"clients that leave while they wait do no harm", test_vanished_clients},
    {"8 clients at full speed get every answer", test_threads},
    {"stopping answers what is deferred and refuses what is new", test_stop_with_deferred},
    {"stopping does not wait for idle connections", test_stop_is_quick},
    {"stopping does not wait for a client beyond its deadline", test_stop_deadline},
    {"two servers in one process do not mix", test_two_servers},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "http_defer", tests, SUITE_COUNT(tests), fixture_setup,
                      fixture_teardown);
}
