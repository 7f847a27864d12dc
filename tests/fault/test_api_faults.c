// SPDX-License-Identifier: MIT
/*
 * The API when things break: Faktory away, hanging, saying no, clients that leave. It runs the real
 * program, over HTTP, with a real Faktory behind it. A test that begins with D and a number would
 * fail on that defect of the system that came before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/fault/api_case.h"
#include "tests/fault/peer.h"
#include "tests/support/process.h"
#include "tests/support/raw_http.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

/* ---- Faktory away, slow, or saying no ---- */

/* Says what is wrong, once it was tried: at first it is only that the connection was lost. */
static bool answers_refused(void *arg)
{
    (void)arg;
    return case_post("/jobs/add", ADD) == 503 && strstr(tc.answer.body, "refused");
}

static bool answers_ready(void *arg)
{
    (void)arg;
    return case_get("/ready") == 200;
}

/* D2, D3: 202 was answered before anything was sent, and a failed flush dropped the jobs. D7: a
 * dead connection was used for ever. D14: health was a constant. D15: the cause was hidden. */
static void test_away_and_back(void)
{
    char after[16] = "";
    struct faktory_info now;

    if (!case_start(NULL))
        return;
    CU_ASSERT_EQUAL(case_post("/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(faktory_server_stop(tc.faktory), 0);
    CU_ASSERT(wait_until(answers_refused, NULL, SHORT_MS));
    CU_ASSERT(case_says("\"stored\":\"no\""));
    CU_ASSERT_PTR_NOT_NULL(http_answer_header(&tc.answer, "Retry-After", after, sizeof after));
    CU_ASSERT(atoi(after) >= 1);
    CU_ASSERT_EQUAL(
        case_post("/jobs/batch", "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2}]}"), 503);
    CU_ASSERT(case_says("\"stored\":\"no\",\"job_ids\":[]"));
    CU_ASSERT_EQUAL(case_get("/health"), 200);
    CU_ASSERT_EQUAL(case_get("/ready"), 503);
    CU_ASSERT(case_says("\"status\":\"unavailable\""));
    CU_ASSERT_EQUAL(case_get("/stats"), 200);
    CU_ASSERT_EQUAL(faktory_server_restart(tc.faktory, NULL), 0);
    CU_ASSERT(wait_until(case_answers_202, NULL, SHORT_MS));
    CU_ASSERT_EQUAL(case_send_adds(8, 40), 40);           /* over every connection */
    CU_ASSERT(wait_until(answers_ready, NULL, SHORT_MS)); /* an answer is given again for 250 ms */
    now = case_info();
    CU_ASSERT_EQUAL(now.enqueued, 1 + 1 + 40);
    CU_ASSERT(process_has_logged(service_process(tc.api), "Faktory is away", 0));
}

/* Every job answered with 202 is there after Faktory was killed under load, and nothing that was
 * answered as surely not stored. */
static void test_killed_under_load(void)
{
    struct ids answered = {NULL, 0, 0}, queued = {NULL, 0, 0};
    struct http_load_run *run;
    int requests = 20000;

    if (!case_start(NULL))
        return;
    run = case_load(16, requests);
    CU_ASSERT(wait_until(case_thousand_done, run, SHORT_MS));
    CU_ASSERT_EQUAL(faktory_server_kill(tc.faktory), 0); /* its Redis saves and ends */
    CU_ASSERT_EQUAL(faktory_server_restart(tc.faktory, NULL), 0);
    http_load_stop(run);
    CU_ASSERT(case_collect(run, requests, &answered, 202) >= 900);
    http_load_free(run);
    CU_ASSERT(wait_until(case_answers_202, NULL, SHORT_MS));
    ids_add(&answered, json_member(case_parse(tc.answer.body), "job_id"));
    case_fetch("default", (size_t)case_info().enqueued, &queued, NULL);
    CU_ASSERT(ids_contain(&queued, &answered));
    free(answered.at);
    free(queued.at);
}

static void test_starts_without_faktory(void)
{
    struct err_text why = {""};

    if (!case_start_faktory(NULL))
        return;
    CU_ASSERT_EQUAL(faktory_server_stop(tc.faktory), 0);
    tc.api = service_start("api-service", NULL, faktory_server_url(tc.faktory), NULL, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tc.api);
    CU_ASSERT(service_wait_port(tc.api, "listening", SHORT_MS) > 0);
    CU_ASSERT(process_has_logged(service_process(tc.api), "Faktory is away", SHORT_MS));
    CU_ASSERT_EQUAL(service_stop(tc.api), 0);
}

/* D13: there was no time-out anywhere. D14: readiness must ask Faktory, not guess. */
static void test_hanging(void)
{
    static const char *const env[] = {"API_REQUEST_TIMEOUT=1500ms", NULL};
    int64_t began;

    if (!case_start(env))
        return;
    CU_ASSERT_EQUAL(faktory_server_pause(tc.faktory, FAKTORY_ITSELF), 0);
    began = clock_ms();
    CU_ASSERT_EQUAL(case_post("/jobs/add", ADD), 504);
    CU_ASSERT(clock_ms() - began < 5000);
    CU_ASSERT(case_says("\"stored\":\"unknown\""));
    CU_ASSERT(case_says("\"job_id\":\""));
    began = clock_ms();
    CU_ASSERT_EQUAL(case_get("/ready"), 503);
    CU_ASSERT(clock_ms() - began < 8000);
    CU_ASSERT_EQUAL(case_get("/health"), 200);
    CU_ASSERT_EQUAL(faktory_server_resume(tc.faktory, FAKTORY_ITSELF), 0);
    CU_ASSERT(wait_until(case_answers_202, NULL, LONG_MS));
}

/* D8: after a client had gone away, everybody got the answer of the one before. */
static void test_client_leaves(void)
{
    struct ids answered = {NULL, 0, 0}, queued = {NULL, 0, 0};
    struct raw_http leaver;

    if (!case_start(NULL))
        return;
    CU_ASSERT_EQUAL(faktory_server_pause(tc.faktory, FAKTORY_ITSELF), 0);
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_FATAL(raw_open(&leaver, (unsigned)service_port(tc.api)));
        CU_ASSERT(raw_send_text(&leaver, "POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n"
                                         "\r\n{\"type\":\"gone\",\"args\":[1]}"));
        raw_reset(&leaver);
    }
    CU_ASSERT_EQUAL(faktory_server_resume(tc.faktory, FAKTORY_ITSELF), 0);
    for (int i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(case_post("/jobs/add", ADD), 202);
        ids_add(&answered, json_member(case_parse(tc.answer.body), "job_id"));
    }
    CU_ASSERT(case_info().enqueued >= 20);
    case_fetch("default", (size_t)case_info().enqueued, &queued, NULL);
    CU_ASSERT(ids_contain(&queued, &answered));
    free(answered.at);
    free(queued.at);
}

static void ask_later(int n, struct buf *path, struct buf *body, void *arg)
{
    (void)n;
    (void)body;
    buf_add_str(path, arg);
}

/* With one connection: so many are in flight on it, and so many wait in the queue. */
enum { IN_FLIGHT = 16, WAITING = 5, ATTEMPTS = 3000 };

static bool rest_refused(void *run)
{
    return http_load_progress(run) == ATTEMPTS - IN_FLIGHT - WAITING;
}

/* D10: the queue grew without a bound while Faktory was slow. */
static void test_queue_bound(void)
{
    static const char *const env[] = {"BATCH_QUEUE_MAX=5", "BATCH_MAX_SIZE=1",
                                      "FAKTORY_MAX_CONNECTIONS=1", NULL};
    struct http_load_run *run;
    char after[16] = "";

    if (!case_start(env))
        return;
    CU_ASSERT_EQUAL(faktory_server_pause(tc.faktory, FAKTORY_ITSELF), 0);
    run = case_load(60, ATTEMPTS); /* clients that try again until there is no more room */
    CU_ASSERT_FATAL(wait_until(rest_refused, run, SHORT_MS));
    CU_ASSERT_EQUAL_FATAL(case_post("/jobs/add", ADD), 503);
    CU_ASSERT(case_says("waiting already"));
    CU_ASSERT_PTR_NOT_NULL(http_answer_header(&tc.answer, "Retry-After", after, sizeof after));
    CU_ASSERT(atoi(after) >= 1);
    CU_ASSERT_EQUAL(faktory_server_resume(tc.faktory, FAKTORY_ITSELF), 0);
    CU_ASSERT_EQUAL(case_collect(run, ATTEMPTS, NULL, 202), IN_FLIGHT + WAITING);
    CU_ASSERT_EQUAL(case_collect(run, ATTEMPTS, NULL, 503), ATTEMPTS - IN_FLIGHT - WAITING);
    CU_ASSERT_EQUAL(case_info().enqueued, IN_FLIGHT + WAITING);
    http_load_free(run);
}

/* Asking again and again costs Faktory nothing. */
static void test_probes_are_shared(void)
{
    struct http_load l = {.connections = 8, .requests = 2000, .method = "GET", .make = ask_later};
    char ready[] = "/ready", stats[] = "/stats";
    struct http_load_run *run;
    long long before;
    int64_t began;

    if (!case_start(NULL))
        return;
    l.port = service_port(tc.api);
    before = case_info().command_count;
    began = clock_ms();
    l.arg = ready;
    run = http_load_start(&l);
    CU_ASSERT_EQUAL(case_collect(run, 2000, NULL, 200), 2000);
    http_load_free(run);
    l.arg = stats;
    run = http_load_start(&l);
    CU_ASSERT_EQUAL(case_collect(run, 2000, NULL, 200), 2000);
    http_load_free(run);
    CU_ASSERT(case_info().command_count - before <= (clock_ms() - began) / 250 + 10);
}

/* The reply to PUSHB that refuses the second job of each command by its jid. */
static void refuse_second(struct buf *out, const char *line, int nth, void *arg)
{
    const char *at = strstr(line, "\"jid\":\""), *second = at ? strstr(at + 1, "\"jid\":\"") : NULL;
    struct buf text = BUF_INIT(0);

    (void)nth;
    (void)arg;
    if (second)
        buf_addf(&text, "{\"%.24s\":\"jobs must have a jobtype parameter\"}", second + 7);
    else
        buf_add_str(&text, "{}");
    buf_addf(out, "$%zu\r\n%s\r\n", text.len, buf_str(&text));
    buf_fini(&text);
}

static struct peer *start_with_peer(const struct peer_rule *rules, int count)
{
    struct err_text why = {""};
    struct peer *peer = peer_start(rules, count, &why);

    CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
    tc.api = service_start("api-service", NULL, peer_url(peer), NULL, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tc.api);
    CU_ASSERT(process_has_logged(service_process(tc.api), "connected to Faktory", SHORT_MS));
    return peer;
}

/* D4: one error gave one request 500 for everybody's jobs and dropped them. D6: after a failure in
 * the middle nobody learned what was stored. */
static void test_refused_in_part(void)
{
    static const struct peer_rule rules[] = {{.verb = "PUSHB", .make = refuse_second}};
    struct peer *peer = start_with_peer(rules, 1);
    struct json_slice root, failed, item = {NULL, 0};
    struct json_iter it;
    int port = service_wait_port(tc.api, "listening", SHORT_MS);

    CU_ASSERT_EQUAL(case_post_to(port, "/jobs/batch", THREE), 502);
    CU_ASSERT(case_says("\"stored\":\"partly\""));
    CU_ASSERT(case_says("must have a jobtype"));
    root = case_parse(tc.answer.body);
    CU_ASSERT_EQUAL(json_count(json_member(root, "job_ids")), 2);
    CU_ASSERT_EQUAL(case_number(json_member(root, "count")), 2);
    failed = json_member(root, "failed");
    CU_ASSERT_EQUAL(json_count(failed), 1);
    it = json_iter(failed);
    CU_ASSERT(json_next_item(&it, &item));
    CU_ASSERT_EQUAL(case_number(json_member(item, "index")), 1);
    CU_ASSERT(json_string_is(json_member(item, "stored"), "no"));
    CU_ASSERT_EQUAL(case_post_to(port, "/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(service_stop(tc.api), 0);
    peer_free(peer);
}

static void test_answer_lost(void)
{
    static const struct peer_rule rules[] = {{.verb = "PUSHB", .nth = 1, .action = PEER_CLOSE}};
    struct peer *peer = start_with_peer(rules, 1);
    int port = service_wait_port(tc.api, "listening", SHORT_MS);

    CU_ASSERT_EQUAL(case_post_to(port, "/jobs/batch", THREE), 504);
    CU_ASSERT(case_says("\"stored\":\"unknown\",\"job_ids\":[]"));
    CU_ASSERT_EQUAL(peer_count(peer, "PUSHB"), 1); /* not sent again: it may be stored */
    CU_ASSERT_EQUAL(case_post_to(port, "/jobs/add", ADD), 202);
    CU_ASSERT_EQUAL(service_stop(tc.api), 0);
    peer_free(peer);
}

static const struct suite_test tests[] = {
    {"D2, D3, D7, D14, D15: while Faktory is away 503 says why, and back it works by itself",
     test_away_and_back},
    {"D3: what was answered with 202 is there after Faktory restarted under load",
     test_killed_under_load},
    {"the service starts without Faktory", test_starts_without_faktory},
    {"D13, D14: a Faktory that hangs is answered for in time", test_hanging},
    {"D8: a client that leaves does not shift the answers of the others", test_client_leaves},
    {"D10: the queue is bounded, and full means 503 with Retry-After", test_queue_bound},
    {"probing again and again does not reach Faktory", test_probes_are_shared},
    {"D4, D6: what Faktory refuses is reported job by job", test_refused_in_part},
    {"a lost answer is reported as unknown and nothing is sent twice", test_answer_lost},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "api_faults", tests, SUITE_COUNT(tests), NULL, case_teardown);
}
