// SPDX-License-Identifier: MIT
/* Packs from the request to the handler: the real API, a real Faktory, real workers. */
#include "tests/integration/worker_fixture.h"
#include "tests/support/http_load.h"

static struct service *api;

static void teardown(void)
{
    service_free(api);
    api = NULL;
    worker_fixture_teardown();
}

static bool start_api(const char *const *env)
{
    struct err_text why = {""};

    api = service_start_api(faktory, env, &why);
    if (!api)
        fprintf(stderr, "%s\n", why.text);
    CU_ASSERT_PTR_NOT_NULL(api);
    return api != NULL;
}

static struct http_answer answer; /* of the last post() */

/* POST to the API; the answer is freed by the caller. Its status. */
static int post(const char *path, const struct buf *body)
{
    struct err_text why = {""};
    char url[128];
    struct http_call call = {.method = "POST",
                             .url = url,
                             .body = body->data,
                             .body_len = body->len,
                             .headers =
                                 (const char *const[]){"Content-Type: application/json", NULL}};

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", service_port(api), path);
    memset(&answer, 0, sizeof answer);
    if (http_request(&call, &answer, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        return 0;
    }
    if (answer.status != 202)
        fprintf(stderr, "%s\n", answer.body);
    return answer.status;
}

/* A batch of `n` jobs of one type, each with these arguments. */
static bool post_batch(const char *path, int n, const char *type, const char *args)
{
    struct buf body = BUF_INIT(0);
    int status;

    for (int i = 0; i < n; i++)
        buf_addf(&body, "%s{\"type\":\"%s\",\"args\":%s}", i == 0 ? "{\"jobs\":[" : ",", type,
                 args);
    buf_add_str(&body, "]}");
    status = post(path, &body);
    CU_ASSERT_EQUAL(status, 202);
    buf_fini(&body);
    return status == 202;
}

/* How often the text stands in the log of a worker. */
static unsigned times_logged(struct service *of, const char *text)
{
    char *log = process_output(service_process(of));
    unsigned n = 0;

    for (const char *at = log; at && (at = strstr(at, text)) != NULL; at += strlen(text))
        n++;
    free(log);
    return n;
}

struct wanted {
    const char *text;
    unsigned n;
};

static bool has_logged(void *arg)
{
    const struct wanted *w = arg;

    return times_logged(worker, w->text) >= w->n;
}

static bool wait_logged(const char *text, unsigned n)
{
    struct wanted w = {text, n};

    if (wait_until(has_logged, &w, SHORT_MS))
        return true;
    fprintf(stderr, "%u times and not %u: %s\n", times_logged(worker, text), n, text);
    show_log();
    return false;
}

static bool drained(const struct faktory_info *now, void *arg)
{
    (void)arg;
    return now->enqueued == 0 && now->working == 0;
}

static const char *const talkative[] = {"LOG_LEVEL=debug", "WORKER_METRICS_ADDR=127.0.0.1:0", NULL};

/* Each id of the answer is that of one job that was done, once. */
static void check_ids(unsigned n)
{
    const char *at = strstr(answer.body, "\"job_ids\":[\"");
    unsigned found = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    for (at += strlen("\"job_ids\":[\""); found < n && at[-1] == '"'; at += 24 + 3, found++) {
        char line[64];

        snprintf(line, sizeof line, "job done jid=%.24s ", at);
        if (found % 50 == 0) /* each look reads the whole log */
            CU_ASSERT_EQUAL(times_logged(worker, line), 1);
    }
    CU_ASSERT_EQUAL(found, n);
}

static void test_many(void)
{
    struct faktory_info now;

    if (!start_faktory(NULL) || !start_api(NULL) || !start_worker("worker-service", talkative))
        return;
    if (!post_batch("/jobs/batch?pack=100", 2000, "Add", "{\"a\":1.5,\"b\":2}"))
        return;
    CU_ASSERT(strstr(answer.body, "\"count\":2000,\"total_enqueued\":2000") != NULL);
    CU_ASSERT(wait_logged("job done", 2000));
    CU_ASSERT(wait_processed(20, SHORT_MS));
    CU_ASSERT(faktory_server_wait(faktory, drained, NULL, SHORT_MS, NULL));
    check_ids(2000);
    CU_ASSERT(page_says("/metrics", "wf_worker_jobs_done_total{type=\"math_add\"} 2000\n"));
    CU_ASSERT(page_says("/metrics", "wf_worker_pack_jobs_sum 2000\n"));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    now = info();
    /* Faktory sees packs; one more where a command was full in the middle of one */
    CU_ASSERT(now.total_processed >= 20 && now.total_processed <= 22);
    CU_ASSERT_EQUAL(now.total_failures, 0);
    CU_ASSERT_EQUAL(now.enqueued + now.working + now.retries + now.dead, 0);
    CU_ASSERT_EQUAL(times_logged(worker, "job done"), 2000);
    CU_ASSERT(logged("stopped: 2000 done, 0 failed, 0 handed back, 0 did not end"));
    http_answer_fini(&answer);
}

/* ---- failures ---- */

static bool failed_reached(const struct faktory_info *now, void *arg)
{
    const struct faktory_info *wanted = arg;

    return now->retries >= wanted->retries && now->dead >= wanted->dead;
}

/* Does a page of Faktory's say this? */
static bool faktory_shows(const char *path, const char *text)
{
    char url[96];
    struct http_answer shown;
    struct http_call call = {.url = url};
    bool found;

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", faktory_server_web_port(faktory), path);
    if (http_request(&call, &shown, NULL) != 0)
        return false;
    found = strstr(shown.body, text) != NULL;
    if (!found)
        fprintf(stderr, "%s does not show %s\n", path, text);
    http_answer_fini(&shown);
    return found;
}

static void test_failures(void)
{
    static const struct faktory_options with_page = {.web = true};
    struct faktory_info wanted = {.retries = 3, .dead = 2}, now = {0};
    struct buf body = BUF_INIT(0);

    if (!start_faktory(&with_page) || !start_api(NULL) || !start_worker("slow_worker", talkative))
        return;
    buf_add_str(&body, "{\"jobs\":[{\"type\":\"nobody_knows\",\"args\":[]},"
                       "{\"type\":\"slow\",\"args\":[\"soon\"]}");
    for (int i = 0; i < 50; i++)
        buf_addf(&body, ",{\"type\":\"%s\",\"args\":[]}", i % 20 == 0 ? "fail" : "noop");
    buf_add_str(&body, "]}");
    CU_ASSERT_EQUAL(post("/jobs/batch?pack=500", &body), 202);
    http_answer_fini(&answer);
    CU_ASSERT(faktory_server_wait(faktory, failed_reached, &wanted, SHORT_MS, &now));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    now = info();
    CU_ASSERT_EQUAL(now.retries, 3);
    CU_ASSERT_EQUAL(now.dead, 2);
    CU_ASSERT_EQUAL(now.total_failures, 5);
    CU_ASSERT_EQUAL(now.total_processed, 6); /* the pack, and five that failed */
    CU_ASSERT_EQUAL(now.enqueued + now.working, 0);
    CU_ASSERT_EQUAL(times_logged(worker, "job done"), 47);
    CU_ASSERT_EQUAL(times_logged(worker, "job failed jid="), 5);
    CU_ASSERT(faktory_shows("/retries", "TryAgain"));
    CU_ASSERT(faktory_shows("/morgue", "UnknownJobType"));
    CU_ASSERT(faktory_shows("/morgue", "InvalidArguments"));
    buf_fini(&body);
}

static void test_invalid(void)
{
    struct faktory_info wanted = {.dead = 1};

    if (!start_faktory(NULL) || !start_worker("worker-service", talkative))
        return;
    push("wf_pack", "[1]", 1);
    CU_ASSERT(faktory_server_wait(faktory, failed_reached, &wanted, SHORT_MS, NULL));
    CU_ASSERT(
        logs_within("pack cannot be opened jid=worker-test-00000001 permanent=yes", SHORT_MS));
    CU_ASSERT_EQUAL(info().working, 0);
}

/* ---- stops and crashes ---- */

/* Ends the worker, keeps what it had done, and lets another one do the rest. */
static void replace_worker(unsigned *was_done)
{
    *was_done = times_logged(worker, "job done");
    service_free(worker);
    worker = NULL;
    CU_ASSERT(start_worker("slow_worker", talkative));
}

static void test_term(void)
{
    static const char *const few[] = {"LOG_LEVEL=debug", "WORKER_CONCURRENCY=4", NULL};
    struct faktory_info now;
    unsigned was_done = 0;

    if (!start_faktory(NULL) || !start_api(NULL) || !start_worker("slow_worker", few))
        return;
    if (!post_batch("/jobs/batch?pack=100", 600, "slow", "[25]")) /* four seconds of work */
        return;
    http_answer_fini(&answer);
    CU_ASSERT(wait_logged("job done", 30));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    now = info();
    CU_ASSERT_EQUAL(now.working, 0);
    CU_ASSERT_EQUAL(now.total_failures, 0);
    CU_ASSERT(now.enqueued > 0);
    replace_worker(&was_done);
    CU_ASSERT(was_done >= 30 && was_done < 600);
    CU_ASSERT(wait_logged("job done", 600 - was_done));
    CU_ASSERT(faktory_server_wait(faktory, drained, NULL, SHORT_MS, NULL));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT_EQUAL(was_done + times_logged(worker, "job done"), 600);
}

static bool four_are_busy(void *arg)
{
    char *body = NULL;
    bool busy;

    (void)arg;
    (void)page("/metrics", &body);
    busy = body && strstr(body, "wf_worker_threads_busy 4\n");
    free(body);
    return busy;
}

static void test_cut(void)
{
    static const char *const hasty[] = {"LOG_LEVEL=debug", "WORKER_CONCURRENCY=4",
                                        "WORKER_SHUTDOWN_TIMEOUT=5s",
                                        "WORKER_METRICS_ADDR=127.0.0.1:0", NULL};
    struct faktory_info wanted = {.retries = 4}, now;
    unsigned was_done = 0;

    if (!start_faktory(NULL) || !start_api(NULL) || !start_worker("slow_worker", hasty))
        return;
    if (!post_batch("/jobs/batch?pack=10", 10, "slow", "[12000]"))
        return;
    http_answer_fini(&answer);
    CU_ASSERT(wait_working(1));
    CU_ASSERT(wait_until(four_are_busy, NULL, SHORT_MS));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    now = info();
    CU_ASSERT_EQUAL(now.working, 0);
    CU_ASSERT_EQUAL(now.enqueued, 10);
    CU_ASSERT_EQUAL(now.total_processed, 1); /* the pack */
    replace_worker(&was_done);
    CU_ASSERT_EQUAL(was_done, 0);
    CU_ASSERT(faktory_server_wait(faktory, failed_reached, &wanted, SHORT_MS, &now));
    CU_ASSERT_EQUAL(now.retries, 4); /* the four that ran are known to have failed */
}

/* A pack under a known jid, with `n` slow items. */
static void push_pack(struct faktory_talk *talk, int n)
{
    struct buf line = BUF_INIT(0);
    char *reply;

    buf_add_str(&line, "PUSHB [{\"jid\":\"the-one-pack\",\"jobtype\":\"wf_pack\",\"retry\":25,"
                       "\"reserve_for\":600,\"queue\":\"default\",\"args\":[");
    for (int i = 0; i < n; i++)
        buf_addf(&line,
                 "%s{\"jid\":\"in-the-pack-%04d\",\"jobtype\":\"slow\",\"queue\":\"default\","
                 "\"args\":[25],\"retry\":25,\"reserve_for\":600}",
                 i > 0 ? "," : "", i);
    buf_addf(&line, "],\"custom\":{\"wf_pack\":{\"items\":%d,\"encoding\":\"json\"}}}]", n);
    reply = faktory_talk_command(talk, buf_str(&line));
    CU_ASSERT(reply && strcmp(reply, "{}") == 0);
    free(reply);
    buf_fini(&line);
}

/*
 * Faktory would do this when the reservation of the dead worker ends. For two seconds FETCHes of
 * that worker may still wait inside Faktory and take the job with them, so it is tried again.
 * Returns how often the pack failed so.
 */
static int bring_back(struct faktory_talk *talk)
{
    for (int tries = 1; tries <= 10; tries++) {
        free(faktory_talk_command(talk, "FAIL {\"jid\":\"the-one-pack\",\"errtype\":"
                                        "\"ReservationExpired\",\"message\":\"gone\","
                                        "\"backtrace\":[]}"));
        free(faktory_talk_command(talk, "MUTATE {\"cmd\":\"requeue\",\"target\":\"retries\","
                                        "\"filter\":{\"jids\":[\"the-one-pack\"]}}"));
        if (process_has_logged(service_process(worker), "a pack comes again", 2500))
            return tries;
    }
    return 0;
}

static void test_crash(void)
{
    static const char *const few[] = {"LOG_LEVEL=debug", "WORKER_CONCURRENCY=4", NULL};
    enum { N = 200 };
    struct faktory_talk *talk;
    unsigned was_done = 0;
    int failures;

    if (!start_faktory(NULL) || !start_worker("slow_worker", few))
        return;
    talk = faktory_talk_open(faktory_server_port(faktory), faktory_server_password(faktory), NULL,
                             NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(talk);
    push_pack(talk, N);
    CU_ASSERT(wait_logged("job done", 20));
    CU_ASSERT_EQUAL(ended(SIGKILL, NULL), 128 + SIGKILL);
    CU_ASSERT_EQUAL(info().working, 1);
    replace_worker(&was_done);
    failures = bring_back(talk);
    CU_ASSERT(failures > 0);
    CU_ASSERT(wait_logged("job done", N));
    CU_ASSERT(faktory_server_wait(faktory, drained, NULL, SHORT_MS, NULL));
    CU_ASSERT(was_done < N);
    CU_ASSERT_EQUAL(times_logged(worker, "job done"), N); /* at most the pack is repeated */
    CU_ASSERT(logged("a pack comes again"));
    CU_ASSERT(logged("jid=in-the-pack-0199 type=slow attempt=1"));
    CU_ASSERT_EQUAL(info().total_failures, failures); /* of the pack; no job has failed */
    CU_ASSERT_EQUAL(info().total_processed, failures + 1 + N);
    faktory_talk_close(talk);
}

/* ---- singles ---- */

static void make_add(int n, struct buf *path, struct buf *body, void *arg)
{
    (void)arg;
    buf_add_str(path, "/jobs/add");
    buf_addf(body, "{\"a\":%d,\"b\":1}", n);
}

static void test_singles(void)
{
    static const char *const packing[] = {"BATCH_PACK_SIZE=50", NULL};
    enum { N = 3000 };
    struct http_load load = {.connections = 64, .requests = N, .make = make_add};
    const struct http_load_answer *answers;
    struct http_load_run *run;
    int stored = 0;

    if (!start_faktory(NULL) || !start_api(packing) || !start_worker("worker-service", talkative))
        return;
    load.port = service_port(api);
    run = http_load_start(&load);
    CU_ASSERT_PTR_NOT_NULL_FATAL(run);
    answers = http_load_finish(run);
    for (int i = 0; i < N; i++)
        stored += answers[i].status == 202;
    CU_ASSERT_EQUAL(stored, N);
    CU_ASSERT(wait_logged("job done", N));
    CU_ASSERT(faktory_server_wait(faktory, drained, NULL, SHORT_MS, NULL));
    CU_ASSERT_EQUAL(ended(SIGTERM, NULL), 0);
    CU_ASSERT_EQUAL(times_logged(worker, "job done"), N);
    CU_ASSERT(info().total_processed < N / 2); /* most of them travelled together */
    CU_ASSERT_EQUAL(info().total_failures, 0);
    http_load_free(run);
}

static const struct suite_test tests[] = {
    {"2,000 jobs in packs of 100 run once each, under the ids that were answered", test_many},
    {"what fails inside a pack comes to Faktory's retries and dead jobs with its error",
     test_failures},
    {"a pack that cannot be read is a dead job", test_invalid},
    {"SIGTERM in the middle of packs loses nothing, repeats nothing, reserves nothing", test_term},
    {"jobs of a pack that outlast the stop are failed, the others wait", test_cut},
    {"a worker that is killed repeats at most the pack, whose jobs then come one by one",
     test_crash},
    {"BATCH_PACK_SIZE packs what 64 clients post one by one", test_singles},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "packs", tests, SUITE_COUNT(tests), NULL, teardown);
}
