// SPDX-License-Identifier: MIT
/* Requests and their answers: routes, headers, bodies, and everything that is refused. */
#include "common/http/http.h"

#include <curl/curl.h>
#include <sched.h>

#include "common/http/http_head.h"
#include "common/metrics/prometheus.h"
#include "tests/unit/http/fixture.h"

#define HOST "Host: h\r\n"
#define JSON_TYPE "Content-Type: application/json\r\n"

static void start(void)
{
    struct http_options o = fixture_options();

    fixture_start(&o);
}

struct probe {
    const char *request;
    unsigned status;
    const char *in_head; /* may be NULL */
    const char *in_body; /* may be NULL */
    bool closes;
};

/* Sends each request on a connection of its own; one that stays open must still answer /now. */
static void check_probes(const struct probe *probes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct probe *p = &probes[i];
        struct raw_reply reply;
        struct raw_http c;

        CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
        CU_ASSERT_TRUE(raw_send_text(&c, p->request));
        CU_ASSERT_TRUE(raw_read(&c, &reply, false));
        if (reply.status != p->status || (p->in_head && !strstr(reply.head, p->in_head)) ||
            (p->in_body && !strstr(reply.body, p->in_body))) {
            printf("       probe %zu: %s -> %s%s\n", i, p->request, reply.head, reply.body);
            CU_FAIL("another answer than expected");
        }
        if (p->closes) {
            CU_ASSERT_PTR_NOT_NULL(strstr(reply.head, "Connection: close"));
            CU_ASSERT_TRUE(raw_ended(&c));
        } else {
            CU_ASSERT_TRUE(raw_send_text(&c, "GET /now HTTP/1.1\r\n" HOST "\r\n"));
            CU_ASSERT_TRUE(raw_read(&c, &reply, false));
            CU_ASSERT_EQUAL(reply.status, 200);
        }
        raw_close(&c);
    }
}

#define CHECK_PROBES(table) check_probes(table, sizeof(table) / sizeof *(table))

static void test_routes(void)
{
    static const struct probe probes[] = {
        {"GET /now HTTP/1.1\r\n" HOST "\r\n", 200, "Content-Type: text/plain", "now", false},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 7\r\n\r\n{\"a\":1}", 200,
         "application/json", "{\"a\":1}", false},
        {"POST /later HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi", 202, NULL, "later:hi",
         false},
        {"GET /ask?q=a%20b&z=1 HTTP/1.1\r\n" HOST "X-Test: yes\r\n\r\n", 200, "X-Second: two",
         "/ask q=a b h=yes", false},
        {"GET /ask HTTP/1.1\r\n" HOST "\r\n", 200, "X-First: 1", "/ask q=- h=-", false},
        {"GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, HTTP_JSON, "{\"error\":\"", false},
        {"GET /now/ HTTP/1.1\r\n" HOST "\r\n", 404, NULL, NULL, false},
        {"GET /NOW HTTP/1.1\r\n" HOST "\r\n", 404, NULL, NULL, false},
        {"GET /now%20 HTTP/1.1\r\n" HOST "\r\n", 404, NULL, NULL, false},
        {"GET /now%00x HTTP/1.1\r\n" HOST "\r\n", 400, NULL, "NUL", true},
        {"DELETE /now HTTP/1.1\r\n" HOST "\r\n", 405, "Allow: GET, HEAD\r\n", "{\"error\":\"",
         false},
        {"GET /echo HTTP/1.1\r\n" HOST "\r\n", 405, "Allow: POST\r\n", NULL, false},
        {"PUT /later HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 405,
         "Allow: POST, GET, HEAD\r\n", NULL, false},
        {"GET /silent HTTP/1.1\r\n" HOST "\r\n", 500, HTTP_JSON, "gave no answer", false},
        {"GET /now HTTP/1.0\r\n\r\n", 200, NULL, "now", true},
    };

    start();
    CHECK_PROBES(probes);
}

static void test_framing(void)
{
    static const struct probe probes[] = {
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400,
         NULL, "more than one Content-Length", true},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\ncontent-length: 9\r\n\r\nx", 400,
         NULL, "more than one Content-Length", true},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         400, NULL, "exclude each other", true},
        {"GET /now HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         400, NULL, "exclude each other", true},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501, NULL, "chunked",
         true},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501,
         NULL, "chunked", true},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
         "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
         400, NULL, "more than one Transfer-Encoding", true},
        {"POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL,
         "HTTP/1.0", true},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nGET", 400, NULL, "blank", true},
        {"POST /echo HTTP/1.1\r\n" HOST "\r\n", 411, NULL, "Content-Length", false},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 131073\r\n\r\n", 413, NULL, "too large",
         true},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 131073\r\nExpect: 100-continue\r\n\r\n",
         413, NULL, "too large", true},
        {"POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", 404,
         NULL, NULL, true},
        {"POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n123456789", 404, NULL, NULL,
         false},
    };

    start();
    CHECK_PROBES(probes);
}

static void test_content_types(void)
{
#define POST_AS(type)                                                                              \
    "POST /echo HTTP/1.1\r\n" HOST "Content-Type: " type "\r\nContent-Length: 2\r\n\r\n{}"
    static const struct probe probes[] = {
        {POST_AS("application/json"), 200, NULL, "{}", false},
        {POST_AS("application/json; charset=utf-8"), 200, NULL, "{}", false},
        {POST_AS("Application/JSON ;charset=\"utf-8\""), 200, NULL, "{}", false},
        {POST_AS("application/vnd.api+json"), 200, NULL, "{}", false},
        {POST_AS("application/x-www-form-urlencoded"), 415, NULL,
         "send Content-Type: application/json or none", false},
        {POST_AS("text/plain"), 415, NULL, "application/json or none", false},
        {POST_AS("application/jsonx"), 415, NULL, NULL, false},
        {POST_AS("+json"), 415, NULL, NULL, false},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 200, NULL, "{}", false},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
         200, NULL, NULL, false},
    };

    start();
    CHECK_PROBES(probes);
}

static void test_head(void)
{
    struct raw_reply reply;
    struct raw_http c;

    start();
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    raw_send_text(&c, "HEAD /now HTTP/1.1\r\n" HOST "\r\nGET /now HTTP/1.1\r\n" HOST "\r\n");
    CU_ASSERT_TRUE(raw_read(&c, &reply, true));
    CU_ASSERT_EQUAL(reply.status, 200);
    CU_ASSERT_EQUAL(reply.body_len, 3);
    CU_ASSERT_TRUE(raw_read(&c, &reply, false)); /* would fail if HEAD had sent a body */
    CU_ASSERT_EQUAL(reply.status, 200);
    CU_ASSERT_STRING_EQUAL(reply.body, "now");
    raw_close(&c);
}

/* A body of `n` bytes that shows where a piece went missing or moved. */
static char *pattern(size_t n)
{
    char *text = malloc(n + 1);

    if (!text)
        abort();
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + (i * 7 + i / 26) % 26);
    text[n] = '\0';
    return text;
}

static void test_split_everywhere(void)
{
    static const char request[] =
        "POST /echo HTTP/1.1\r\n" HOST JSON_TYPE
        "Content-Length: 30\r\n\r\n{\"a\":1,\"b\":2,\"text\":\"split me\"";
    struct raw_reply reply;
    struct raw_http c;

    start();
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    for (size_t at = 1; at < sizeof request - 1; at++) {
        raw_send(&c, request, at);
        sched_yield();
        raw_send(&c, request + at, sizeof request - 1 - at);
        if (!raw_read(&c, &reply, false) || reply.status != 200 ||
            strcmp(reply.body, request + sizeof request - 1 - 30) != 0)
            CU_FAIL("a split request was read wrongly");
    }
    for (size_t at = 0; at < sizeof request - 1; at++)
        raw_send(&c, request + at, 1);
    CU_ASSERT_TRUE(raw_read(&c, &reply, false));
    CU_ASSERT_EQUAL(reply.status, 200);
    raw_close(&c);
}

static void test_body_sizes(void)
{
    static const size_t sizes[] = {0,    1,     510,   511,   512,   513,    1024,
                                   4096, 16384, 32767, 32768, 50000, 131071, FIXTURE_BODY_MAX};

    start();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *body = pattern(sizes[i]), head[128];
        struct raw_reply reply;
        struct raw_http c;

        CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
        snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
                 sizes[i]);
        raw_send_text(&c, head);
        raw_send(&c, body, sizes[i]);
        CU_ASSERT_TRUE(raw_read(&c, &reply, false));
        CU_ASSERT_EQUAL(reply.status, 200);
        CU_ASSERT_EQUAL(reply.body_len, sizes[i]);
        CU_ASSERT_EQUAL(strncmp(reply.body, body, sizeof reply.body - 1), 0);
        raw_close(&c);
        free(body);
    }
}

/* Sends `body` in chunks of `piece` bytes; the answer's status, 0 if the connection was cut. */
static unsigned send_chunked(const char *body, size_t len, size_t piece, struct raw_reply *reply)
{
    struct raw_http c;
    bool going;

    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    going = raw_send_text(&c, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < len && going; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        char head[32];

        snprintf(head, sizeof head, "%zx\r\n", n);
        going = raw_send_text(&c, head) && raw_send(&c, body + at, n) && raw_send_text(&c, "\r\n");
    }
    raw_send_text(&c, "0\r\n\r\n");
    raw_read(&c, reply, false);
    raw_close(&c);
    return reply->status;
}

static void test_chunked(void)
{
    size_t max = FIXTURE_BODY_MAX;
    char *body = pattern(3 * max);
    struct raw_reply reply;

    start();
    CU_ASSERT_EQUAL(send_chunked(body, 700, 3, &reply), 200);
    CU_ASSERT_EQUAL(reply.body_len, 700);
    CU_ASSERT_EQUAL(strncmp(reply.body, body, 700), 0);
    CU_ASSERT_EQUAL(send_chunked(body, 0, 1, &reply), 200);
    CU_ASSERT_EQUAL(send_chunked(body, max, 5000, &reply), 200);
    CU_ASSERT_EQUAL(reply.body_len, max);
    CU_ASSERT_EQUAL(send_chunked(body, max + 1, 5000, &reply), 413);
    CU_ASSERT_PTR_NOT_NULL(strstr(reply.head, "Connection: close"));
    CU_ASSERT_EQUAL(send_chunked(body, 3 * max, 5000, &reply), 0);
    CU_ASSERT_TRUE(raw_ask(fixture.port, "GET /now HTTP/1.1\r\n" HOST "\r\n", &reply));
    CU_ASSERT_EQUAL(reply.status, 200);
    free(body);
}

/* ---- libcurl ---- */

enum { EXPECT_MS = 5000 };

static size_t take_reply(char *data, size_t size, size_t n, void *to)
{
    buf_add(to, data, size * n);
    return size * n;
}

/* POSTs `body` to the path with the headers; the status, or -1 with no answer. */
static long curl_post(const char *path, const char *body, size_t len, struct curl_slist *headers,
                      struct buf *reply)
{
    CURL *curl = curl_easy_init();
    char url[128];
    long status = -1;

    buf_clear(reply);
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", fixture.port, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)len);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)RAW_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)EXPECT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    return status;
}

static void test_curl(void)
{
    struct curl_slist *json = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *expect = curl_slist_append(NULL, "Content-Type: application/json");
    struct buf reply = BUF_INIT(0);
    char *body = pattern(100000);
    int64_t began;

    expect = curl_slist_append(expect, "Expect: 100-continue");
    start();
    CU_ASSERT_EQUAL(curl_post("/echo", "{}", 2, NULL, &reply), 415);
    CU_ASSERT_EQUAL(curl_post("/echo", "{}", 2, json, &reply), 200);
    CU_ASSERT_STRING_EQUAL(buf_str(&reply), "{}");
    CU_ASSERT_EQUAL(curl_post("/later", "[1]", 3, json, &reply), 202);
    CU_ASSERT_STRING_EQUAL(buf_str(&reply), "later:[1]");
    began = clock_ms();
    CU_ASSERT_EQUAL(curl_post("/echo", body, 100000, expect, &reply), 200);
    CU_ASSERT_TRUE(clock_ms() - began < EXPECT_MS); /* so long it waits for a 100 */
    CU_ASSERT_STRING_EQUAL(buf_str(&reply), body);
    buf_fini(&reply);
    free(body);
    curl_slist_free_all(json);
    curl_slist_free_all(expect);
}

static void test_continue(void)
{
    struct raw_reply reply;
    struct raw_http c;

    start();
    CU_ASSERT_TRUE_FATAL(raw_open(&c, fixture.port));
    raw_send_text(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
                      "Expect: 100-continue\r\n\r\n");
    CU_ASSERT_TRUE(raw_read(&c, &reply, false));
    CU_ASSERT_EQUAL(reply.status, 100);
    raw_send_text(&c, "null");
    CU_ASSERT_TRUE(raw_read(&c, &reply, false));
    CU_ASSERT_EQUAL(reply.status, 200);
    CU_ASSERT_STRING_EQUAL(reply.body, "null");
    raw_close(&c);
}

static void test_metrics(void)
{
    struct buf text = BUF_INIT(0);
    struct raw_reply reply;

    start();
    for (int i = 0; i < 3; i++)
        raw_ask(fixture.port, "GET /now HTTP/1.1\r\n" HOST "\r\n", &reply);
    raw_ask(fixture.port, "GET /secret-1 HTTP/1.1\r\n" HOST "\r\n", &reply);
    raw_ask(fixture.port, "GET /secret-2 HTTP/1.1\r\n" HOST "\r\n", &reply);
    raw_ask(fixture.port, "GET /echo HTTP/1.1\r\n" HOST "\r\n", &reply);
    CU_ASSERT_TRUE(wait_until(fixture_no_connections, NULL, 5000));
    prometheus_write(fixture.metrics, &text);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_str(&text), "test_http_requests_total{route=\"/now\",status=\"200\"} 3"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_str(&text), "test_http_requests_total{route=\"other\",status=\"404\"} 2"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_str(&text), "test_http_requests_total{route=\"/echo\",status=\"405\"} 1"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_str(&text), "test_http_request_seconds_count{route=\"/now\"} 3"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&text), "test_http_connections 0"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&text), "test_http_deferred 0"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&text), "secret"));
    buf_fini(&text);
}

static void test_without_metrics(void)
{
    struct http_options o = fixture_options();
    struct raw_reply reply;

    o.metrics = NULL;
    fixture_start(&o);
    CU_ASSERT_TRUE(raw_ask(fixture.port, "GET /now HTTP/1.1\r\n" HOST "\r\n", &reply));
    CU_ASSERT_EQUAL(reply.status, 200);
}

static void test_html_pages(void)
{
    static const char *const requests[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1x\r\n\r\nx",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n",
        "GARBAGE\r\n\r\n",
    };
    struct raw_reply reply;

    start();
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        raw_ask(fixture.port, requests[i], &reply);
        CU_ASSERT_TRUE(reply.status == 0 || (reply.status >= 400 && reply.status <= 505));
        CU_ASSERT_TRUE(raw_ask(fixture.port, "GET /now HTTP/1.1\r\n" HOST "\r\n", &reply));
        CU_ASSERT_EQUAL(reply.status, 200);
    }
}

static const struct suite_test tests[] = {
    {"a route answers its method and path, and nothing else", test_routes},
    {"a request whose end is in doubt is refused and the connection closed", test_framing},
    {"a body that says it is not JSON gets 415", test_content_types},
    {"HEAD sends the headers of GET and no body", test_head},
    {"a request may arrive in any pieces", test_split_everywhere},
    {"a body of any size up to the limit arrives whole", test_body_sizes},
    {"a chunked body is counted, refused at its end, cut past twice the limit", test_chunked},
    {"curl gets its answers, also with Expect", test_curl},
    {"100 Continue comes before the body and the answer after it", test_continue},
    {"requests are counted by route and status", test_metrics},
    {"a server without a registry works", test_without_metrics},
    {"what cannot be parsed ends only its own connection", test_html_pages},
};

int main(int argc, char **argv)
{
    int code;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    code =
        suite_main(argc, argv, "http", tests, SUITE_COUNT(tests), fixture_setup, fixture_teardown);
    curl_global_cleanup();
    return code;
}
