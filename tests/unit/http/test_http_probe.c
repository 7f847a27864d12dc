// SPDX-License-Identifier: MIT
#include "common/http/http_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/http/fixture.h"

/* A peer that takes one connection, reads a request, says `says` and closes. */
static struct peer {
    int fd;
    unsigned port;
    const char *says;
    pthread_t thread;
} peer;

static void *peer_loop(void *unused)
{
    int fd = accept(peer.fd, NULL, NULL);
    char request[1024];

    (void)unused;
    if (fd < 0)
        return NULL;
    (void)!read(fd, request, sizeof request);
    (void)!write(fd, peer.says, strlen(peer.says));
    close(fd);
    return NULL;
}

/* Listens without taking anybody: the kernel shakes hands for it. */
static void peer_listen(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(peer.fd >= 0 && bind(peer.fd, (struct sockaddr *)&a, sizeof a) == 0 &&
                    listen(peer.fd, 5) == 0 &&
                    getsockname(peer.fd, (struct sockaddr *)&a, &len) == 0);
    peer.port = ntohs(a.sin_port);
}

static int probe_at(const char *host, unsigned port, const char *path, struct buf *body,
                    struct err_text *why)
{
    char addr[64];

    *why = (struct err_text){""};
    snprintf(addr, sizeof addr, "%s:%u", host, port);
    return http_probe(addr, path, body, why);
}

/* What the probe makes of a peer that says this. */
static int probe_peer(const char *says, struct err_text *why)
{
    struct buf body = BUF_INIT(0);
    int code;

    peer_listen();
    peer.says = says;
    CU_ASSERT_EQUAL_FATAL(thread_start(&peer.thread, "peer", 0, peer_loop, NULL), 0);
    code = probe_at("127.0.0.1", peer.port, "/health", &body, why);
    thread_join(peer.thread);
    close(peer.fd);
    CU_ASSERT_EQUAL(body.len, 0);
    buf_fini(&body);
    return code;
}

static void ok_gives_the_body(void)
{
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "localhost"};
    struct http_options o = fixture_options();
    struct err_text why;

    fixture_start(&o);
    for (int i = 0; i < SUITE_COUNT(hosts); i++) {
        struct buf body = BUF_INIT(0);

        CU_ASSERT_EQUAL(probe_at(hosts[i], fixture.port, "/now", &body, &why), 0);
        CU_ASSERT_STRING_EQUAL(buf_str(&body), "now");
        CU_ASSERT_STRING_EQUAL(why.text, "");
        buf_fini(&body);
    }
}

static void another_status_is_refused(void)
{
    struct http_options o = fixture_options();
    struct buf body = BUF_INIT(0);
    struct err_text why;

    fixture_start(&o);
    CU_ASSERT_EQUAL(probe_at("127.0.0.1", fixture.port, "/nothing", &body, &why), ERR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, ": 404 {\"error\":"));
    CU_ASSERT_EQUAL(body.len, 0);
    CU_ASSERT_EQUAL(probe_peer("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"ill\":1}", &why),
                    ERR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, ": 503 {\"ill\":1}"));
}

static void nobody_there_is_an_error(void)
{
    struct buf body = BUF_INIT(0);
    struct err_text why;

    peer_listen();
    close(peer.fd);
    CU_ASSERT_EQUAL(probe_at("127.0.0.1", peer.port, "/health", &body, &why), ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "127.0.0.1:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "Connection refused"));
}

static void silence_has_a_deadline(void)
{
    struct buf body = BUF_INIT(0);
    struct err_text why;
    int64_t start_ms = clock_ms(), took_ms;

    peer_listen();
    CU_ASSERT_EQUAL(probe_at("127.0.0.1", peer.port, "/health", &body, &why), ERR_TIMEOUT);
    took_ms = clock_ms() - start_ms;
    CU_ASSERT(took_ms >= HTTP_PROBE_MS && took_ms < HTTP_PROBE_MS + 2000);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "no answer within 3000 ms"));
    close(peer.fd);
}

static void nonsense_is_an_error(void)
{
    struct err_text why;

    CU_ASSERT_EQUAL(probe_peer("", &why), ERR_CLOSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "closed without an answer"));
    CU_ASSERT_EQUAL(probe_peer("+HI {\"v\":2}\r\n", &why), ERR_PROTOCOL);
    CU_ASSERT_EQUAL(probe_peer("HTTP/1.1 200 OK\r\nContent-Le", &why), ERR_PROTOCOL);
    CU_ASSERT_EQUAL(probe_peer("HTTP/2 200\r\n\r\n", &why), ERR_PROTOCOL);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "not an answer of HTTP"));
}

static void long_answers_are_cut_off(void)
{
    struct http_options o = fixture_options();
    struct buf body = BUF_INIT(0);
    struct err_text why;

    fixture_start(&o);
    CU_ASSERT_EQUAL(probe_at("127.0.0.1", fixture.port, "/big", &body, &why), ERR_PROTOCOL);
    CU_ASSERT_EQUAL(body.len, 0);
}

static void impossible_addresses_are_refused(void)
{
    static const char *const bad[] = {"127.0.0.1:0", "127.0.0.1", "", "[::1]:00", "h:x"};
    struct buf body = BUF_INIT(0);

    for (int i = 0; i < SUITE_COUNT(bad); i++) {
        struct err_text why = {""};

        CU_ASSERT_EQUAL(http_probe(bad[i], "/health", &body, &why), ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "cannot be asked: expected HOST:PORT"));
    }
}

static const struct suite_test tests[] = {
    {"200 gives the body, on wildcard addresses too", ok_gives_the_body},
    {"another status is refused, with what was said", another_status_is_refused},
    {"nobody there is an error that names the address", nobody_there_is_an_error},
    {"silence has a deadline", silence_has_a_deadline},
    {"what is no answer of HTTP is an error", nonsense_is_an_error},
    {"an answer without end is cut off", long_answers_are_cut_off},
    {"an address that cannot be asked is refused", impossible_addresses_are_refused},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "http_probe", tests, SUITE_COUNT(tests), fixture_setup,
                      fixture_teardown);
}
