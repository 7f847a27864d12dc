// SPDX-License-Identifier: MIT
/* Slow, silent and too many clients; addresses that cannot be used; limits of the system. */
#include "common/http/http.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/http/http_head.h"
#include "common/http/http_listen.h"
#include "common/http/http_routes.h"
#include "tests/support/tcp.h"
#include "tests/unit/http/fixture.h"

#define NOW "GET /now HTTP/1.1\r\nHost: h\r\n\r\n"

enum { SLOW_MS = 1000, PATIENCE_MS = 5000 };

static void start_impatient(void)
{
    struct http_options o = fixture_options();

    o.request_timeout_ms = SLOW_MS;
    fixture_start(&o);
}

struct drip {
    struct raw_http *c;
    atomic_bool over;
};

/* One byte every 20 ms, as long as the test asks: a client that is never silent. */
static void *drip(void *arg)
{
    struct drip *d = arg;
    int64_t deadline = clock_ms() + PATIENCE_MS;

    while (!atomic_load(&d->over) && clock_ms() < deadline && raw_send(d->c, "x", 1))
        usleep(20000);
    return NULL;
}

/* Sends `start` and then drips; the status that came before the end. Asserts that it ended in time.
 */
static unsigned drip_after(const char *begin)
{
    struct raw_reply reply = {0};
    struct raw_http c;
    struct drip d = {.c = &c};
    pthread_t thread;
    int64_t began = clock_ms();

    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    raw_send_text(&c, begin);
    CU_ASSERT_EQUAL_FATAL(thread_start(&thread, "drip", 0, drip, &d), 0);
    if (raw_read(&c, &reply, false))
        CU_ASSERT_TRUE(raw_ended(&c));
    CU_ASSERT_TRUE(clock_ms() - began >= SLOW_MS - 20);
    CU_ASSERT_TRUE(clock_ms() - began < PATIENCE_MS);
    atomic_store(&d.over, true);
    thread_join(thread);
    raw_close(&c);
    return reply.status;
}

static void test_slow_clients(void)
{
    struct raw_reply reply;

    start_impatient();
    CU_ASSERT_EQUAL(drip_after("GET /now HTTP/1.1\r\nX-Slow: "), 408);
    CU_ASSERT_EQUAL(drip_after("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n"),
                    408);
    CU_ASSERT_EQUAL(drip_after("GET /"), 0); /* no request line: nothing to answer */
    CU_ASSERT_EQUAL(drip_after(""), 0);
    CU_ASSERT_TRUE(raw_ask(fixture.port, NOW, &reply));
    CU_ASSERT_EQUAL(reply.status, 200);
}

static void test_slow_headers_arrive_with_408_body(void)
{
    struct raw_reply reply;
    struct raw_http c;

    start_impatient();
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    raw_send_text(&c, "GET /now HTTP/1.1\r\nHost: h\r\n");
    CU_ASSERT_TRUE(raw_read(&c, &reply, false));
    CU_ASSERT_EQUAL(reply.status, 408);
    CU_ASSERT_EQUAL(strlen(reply.body), reply.body_len);
    CU_ASSERT_EQUAL(reply.body[reply.body_len - 1], '}');
    CU_ASSERT_TRUE(raw_ended(&c));
    raw_close(&c);
}

/* Waiting for an answer is not being slow: three times the limit, and it still comes. */
static void test_deferred_is_not_slow(void)
{
    size_t one = 1;
    struct raw_reply reply;
    struct raw_http c, busy;
    int64_t until = clock_ms() + 3 * SLOW_MS;

    start_impatient();
    fixture_hold(true);
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    raw_send_text(&c, "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    CU_ASSERT_TRUE(wait_until(fixture_waiting_is, &one, PATIENCE_MS));
    CU_ASSERT_TRUE_FATAL(raw_open(&busy, fixture.port));
    while (clock_ms() < until) { /* the server is busy with others meanwhile */
        raw_send_text(&busy, NOW);
        CU_ASSERT_TRUE_FATAL(raw_read(&busy, &reply, false));
    }
    raw_close(&busy);
    fixture_hold(false);
    CU_ASSERT_TRUE(raw_read(&c, &reply, false));
    CU_ASSERT_EQUAL(reply.status, 202);
    raw_close(&c);
}

static void test_idle(void)
{
    struct http_options o = fixture_options();
    struct raw_reply reply;
    struct raw_http c;
    int64_t began;

    o.idle_timeout_ms = 900; /* becomes 1 s */
    fixture_start(&o);
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    began = clock_ms();
    raw_send_text(&c, NOW);
    CU_ASSERT_TRUE(raw_read(&c, &reply, false));
    CU_ASSERT_TRUE(raw_ended(&c));
    CU_ASSERT_TRUE(clock_ms() - began >= 800);
    CU_ASSERT_TRUE(clock_ms() - began < PATIENCE_MS);
    raw_close(&c);
}

static void test_connection_limit(void)
{
    enum { ROUNDS = 11 };
    struct http_options o = fixture_options();
    struct raw_http c[4], waiting;
    struct raw_reply reply;
    int64_t began;
    int at_once = 0;

    o.connections_max = 4;
    fixture_start(&o);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_TRUE_FATAL(raw_open(&c[i], fixture.port));
        raw_send_text(&c[i], NOW);
        CU_ASSERT_TRUE(raw_read(&c[i], &reply, false));
    }
    for (int round = 0; round < ROUNDS; round++) {
        CU_ASSERT_TRUE_FATAL(raw_open(&waiting, fixture.port)); /* the kernel takes it */
        raw_send_text(&waiting, NOW);
        if (round == 0)
            CU_ASSERT_FALSE(tcp_readable(waiting.fd, 200));
        began = clock_ms();
        raw_close(&c[0]);
        CU_ASSERT_TRUE(raw_read(&waiting, &reply, false));
        CU_ASSERT_EQUAL(reply.status, 200);
        at_once += clock_ms() - began < 100;
        c[0] = waiting;
    }
    /* at once, and not at the next tick of 1 s, which is so near in every tenth round */
    CU_ASSERT_TRUE(at_once > ROUNDS / 2);
    for (int i = 0; i < 4; i++)
        raw_close(&c[i]);
}

static void test_many_connections(void)
{
    enum { N = 1200 }; /* more than an fd_set holds; both ends are in this process */
    static struct raw_http c[N];
    struct raw_reply reply;
    struct http_options o = fixture_options();

    if (http_fit_connections(2 * N + 100) < 2 * N + 100) {
        suite_skip("the limit of open files is too low for 1,200 connections");
        return;
    }
    fixture_start(&o);
    for (int i = 0; i < N; i++)
        CU_ASSERT_TRUE_FATAL(raw_open(&c[i], fixture.port));
    for (int i = 0; i < N; i++) {
        raw_send_text(&c[i], NOW);
        CU_ASSERT_TRUE_FATAL(raw_read(&c[i], &reply, false));
        CU_ASSERT_EQUAL(reply.status, 200);
    }
    for (int i = 0; i < N; i++)
        raw_close(&c[i]);
}

/* In a process of its own: a hard limit that was lowered stays low. */
static void test_file_limit(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        struct rlimit limit;

        fclose(stderr); /* the warning is expected */
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 300;
        setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max < 1200 || http_fit_connections(1000) != 1000)
            _exit(1);
        limit.rlim_cur = limit.rlim_max = 600;
        setrlimit(RLIMIT_NOFILE, &limit);
        if (http_fit_connections(1000) != 600 - 128 || http_fit_connections(100) != 100)
            _exit(2);
        _exit(0);
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

static void test_bad_addresses(void)
{
    static const char *const bad[] = {
        "",      "localhost", "127.0.0.1",   "127.0.0.1:",       ":80", "1:2:3",
        "[::1]", "[::1:80",   "127.0.0.1:x", "127.0.0.1:70000x", "[]:1"};
    struct http_options o = fixture_options();
    struct err_text why;
    char taken[64];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why.text[0] = '\0';
        o.bind_addr = bad[i];
        CU_ASSERT_PTR_NULL(http_start(&o, &why));
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, bad[i]));
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "HOST:PORT"));
    }
    o.bind_addr = "127.0.0.1:0";
    fixture_start(&o);
    snprintf(taken, sizeof taken, "127.0.0.1:%u", fixture.port);
    o.bind_addr = taken;
    CU_ASSERT_PTR_NULL(http_start(&o, &why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, taken));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "in use"));
}

static int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

static void test_no_descriptor_stays(void)
{
    struct http_options o = fixture_options();
    struct raw_reply reply;
    int before = open_files();

    for (int i = 0; i < 5; i++) {
        fixture_start(&o);
        CU_ASSERT_TRUE(raw_ask(fixture.port, NOW, &reply));
        http_stop(fixture.server, clock_ms() + 5000);
        fixture.server = NULL;
    }
    CU_ASSERT_TRUE(before > 3);
    CU_ASSERT_EQUAL(open_files(), before);
}

static void test_ipv6(void)
{
    struct http_options o = fixture_options();
    struct err_text why;
    struct raw_reply reply;

    o.bind_addr = "[::]:0";
    fixture.server = http_start(&o, &why);
    if (!fixture.server) {
        suite_skip("this machine has no IPv6");
        return;
    }
    CU_ASSERT_TRUE(raw_ask(http_port(fixture.server), NOW, &reply)); /* over IPv4 */
    CU_ASSERT_EQUAL(reply.status, 200);
}

static void test_route_table(void)
{
    char allow[HTTP_ALLOW_MAX];
    size_t n = sizeof fixture_routes / sizeof *fixture_routes, row;

    CU_ASSERT_EQUAL(http_routes_find(fixture_routes, n, "HEAD", "/now", &row), 0);
    CU_ASSERT_STRING_EQUAL(fixture_routes[row].path, "/now");
    CU_ASSERT_EQUAL(http_routes_find(fixture_routes, n, "GET", "/later", &row), 0);
    CU_ASSERT_STRING_EQUAL(fixture_routes[row].method, "GET");
    CU_ASSERT_EQUAL(http_routes_find(fixture_routes, n, "get", "/now", &row), 405);
    CU_ASSERT_EQUAL(http_routes_find(fixture_routes, n, "GET", "", &row), 404);
    CU_ASSERT_EQUAL(row, n);
    http_routes_allow(fixture_routes, n, "/later", allow);
    CU_ASSERT_STRING_EQUAL(allow, "POST, GET, HEAD");
}

static void test_heads(void)
{
    const char *sentence;
    struct http_head plain = {.n_lengths = 1, .length = "18446744073709551616"};

    CU_ASSERT_EQUAL(http_head_check(&plain, &sentence), 0);
    CU_ASSERT_EQUAL(http_head_length(&plain), SIZE_MAX);
    plain.length = "+5";
    CU_ASSERT_EQUAL(http_head_check(&plain, &sentence), 400);
    plain.length = "5, 5";
    CU_ASSERT_EQUAL(http_head_check(&plain, &sentence), 400);
    plain.length = NULL;
    CU_ASSERT_EQUAL(http_head_check(&plain, &sentence), 400);
    CU_ASSERT_FALSE(http_head_is_json(""));
    CU_ASSERT_FALSE(http_head_is_json(";application/json"));
    CU_ASSERT_TRUE(http_head_is_json("application/problem+JSON ; a=b"));
}

static const struct suite_test tests[] = {
    {"a client that drips its request is cut in time, with a 408", test_slow_clients},
    {"the 408 is a whole answer", test_slow_headers_arrive_with_408_body},
    {"a deferred request is not taken for a slow one", test_deferred_is_not_slow},
    {"an idle connection is closed after its time", test_idle},
    {"clients beyond the limit wait until one leaves", test_connection_limit},
    {"1,200 connections are served", test_many_connections},
    {"the limit of open files is raised, or fewer connections are served", test_file_limit},
    {"an address that cannot be used is explained", test_bad_addresses},
    {"a stopped server leaves no descriptor open", test_no_descriptor_stays},
    {"[::] takes IPv4 clients too", test_ipv6},
    {"the route table knows HEAD, 404, 405 and what to allow", test_route_table},
    {"lengths and types of bodies are read strictly", test_heads},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "http_limits", tests, SUITE_COUNT(tests), fixture_setup,
                      fixture_teardown);
}
