// SPDX-License-Identifier: MIT
/* The handlers that store jobs, from the body of a request to its answer. HTTP and the pusher are
 * played by this test: it decides what becomes of each job, and when, and on which thread. */
#include "api/submit.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "common/base/clock.h"
#include "tests/support/suite.h"

/* ---- HTTP ---- */

struct http_request {
    const char *path, *body;
    const char *pack; /* ?pack= */
    size_t body_len;
    http_resume_fn *resume;
    void *state;
    unsigned resumed, replied, status;
    char retry_after[16];
    struct buf reply;
};

static struct http_request request;
static pthread_mutex_t resume_lock = PTHREAD_MUTEX_INITIALIZER;

const char *http_path(const struct http_request *r)
{
    return r->path;
}

const char *http_body(const struct http_request *r, size_t *len)
{
    *len = r->body_len;
    return r->body;
}

const char *http_query(const struct http_request *r, const char *name)
{
    return strcmp(name, "pack") == 0 ? r->pack : NULL;
}

void http_add_header(struct http_request *r, const char *name, const char *value)
{
    if (strcmp(name, "Retry-After") == 0)
        snprintf(r->retry_after, sizeof r->retry_after, "%s", value);
}

void http_reply(struct http_request *r, unsigned status, const char *content_type, struct buf *body)
{
    (void)content_type;
    r->replied++;
    r->status = status;
    buf_fini(&r->reply);
    r->reply = *body;
    *body = (struct buf)BUF_INIT(0);
}

void http_reply_error(struct http_request *r, unsigned status, const char *fmt, ...)
{
    struct buf body = BUF_INIT(0);
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_addf(&body, "{\"error\":\"%s\"}", text);
    http_reply(r, status, HTTP_JSON, &body);
}

void http_defer(struct http_request *r, http_resume_fn *fn, void *state)
{
    r->resume = fn;
    r->state = state;
}

void http_resume(struct http_request *r)
{
    pthread_mutex_lock(&resume_lock);
    r->resumed++;
    pthread_mutex_unlock(&resume_lock);
}

/* ---- the pusher ---- */

static struct {
    int code;     /* what pusher_add() is to return */
    bool at_once; /* settle the jobs inside pusher_add() */
    struct push_job *first;
    unsigned n, calls;
    int64_t deadline_ms;
    struct pusher_state state;
} pusher;

static enum push_outcome outcomes[16];

static void settle(struct push_job *job, enum push_outcome outcome)
{
    char why[] = "because"; /* does not outlive the call */

    job->settled(job, outcome, outcome == PUSH_STORED ? NULL : why);
    memset(why, 'x', sizeof why - 1);
}

/* Settles from the last to the first: the order must not matter. */
static void settle_all(struct push_job *job, unsigned i)
{
    if (!job)
        return;
    settle_all(job->next, i + 1);
    settle(job, outcomes[i % 16]);
}

int pusher_add(struct pusher *p, struct push_job *first, unsigned n, struct err_text *why)
{
    (void)p;
    pusher.calls++;
    if (pusher.code != 0)
        return err_set(why, pusher.code, "no room");
    pusher.first = first;
    pusher.n = n;
    pusher.deadline_ms = first->deadline_ms;
    if (pusher.at_once)
        settle_all(first, 0);
    return 0;
}

bool pusher_ask(struct pusher *p, struct link_command *command)
{
    (void)p;
    (void)command;
    return false;
}

void pusher_look(struct pusher *p, struct pusher_state *state)
{
    (void)p;
    *state = pusher.state;
}

/* ---- a request from end to end ---- */

static struct api_config config;
static struct api api;

static void setup(void)
{
    memset(&config, 0, sizeof config);
    config.request_ms = 30000;
    config.queue_max = 1000;
    memset(&api, 0, sizeof api);
    api.config = &config;
    api.queues = queues_new("default,bulk");
    queues_note_exists(api.queues, 0);
    outlet_init(&api.outlet, NULL);
    memset(&pusher, 0, sizeof pusher);
    memset(outcomes, 0, sizeof outcomes);
    memset(&request, 0, sizeof request);
}

static void teardown(void)
{
    buf_fini(&request.reply);
    job_input_fini(&api.input);
    queues_free(api.queues);
}

static void begin(http_handler *handler, const char *path, const char *body)
{
    request.path = path;
    request.body = body;
    request.body_len = strlen(body);
    handler(&request, &api);
}

/* What the loop thread does after http_resume(). */
static void resume(void)
{
    CU_ASSERT_EQUAL(request.resumed, 1);
    CU_ASSERT_EQUAL(request.replied, 0);
    request.resume(&request, request.state);
    CU_ASSERT_EQUAL(request.replied, 1);
}

static void run(http_handler *handler, const char *path, const char *body)
{
    begin(handler, path, body);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pusher.first);
    CU_ASSERT_EQUAL(request.resumed, 0);
    settle_all(pusher.first, 0);
    resume();
}

static bool replied(const char *text)
{
    if (strstr(buf_str(&request.reply), text))
        return true;
    fprintf(stderr, "got: %.1500s\n", buf_str(&request.reply));
    return false;
}

#define THREE                                                                                      \
    "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},{\"type\":\"Divide\",\"args\":"            \
    "{\"a\":1,\"b\":2}},{\"type\":\"t\",\"args\":[]}]}"

/* ---- one job ---- */

/* D1: the id that is answered is the id in the queue. D2: no answer before the job is stored. */
static void test_stored(void)
{
    char jid[JOB_QUEUE_NAME_MAX], text[512], expected[128];

    begin(handle_math, "/jobs/add", "{\"a\":1.50,\"b\":2,\"request_id\":\"r\"}");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pusher.first);
    CU_ASSERT_EQUAL(request.replied + request.resumed, 0);
    snprintf(jid, sizeof jid, "%s", pusher.first->jid);
    snprintf(text, sizeof text, "%.*s", (int)pusher.first->len, pusher.first->text);
    CU_ASSERT(pusher.deadline_ms > clock_ms() + 20000 && pusher.deadline_ms <= clock_ms() + 30000);
    settle_all(pusher.first, 0);
    resume();
    CU_ASSERT_EQUAL(request.status, 202);
    snprintf(expected, sizeof expected,
             "{\"job_id\":\"%s\",\"message\":\"Job enqueued to add 1.5 + 2\"}", jid);
    CU_ASSERT_STRING_EQUAL(buf_str(&request.reply), expected);
    snprintf(expected, sizeof expected, "{\"jid\":\"%s\",\"jobtype\":\"math_add\",", jid);
    CU_ASSERT_EQUAL(strncmp(text, expected, strlen(expected)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"args\":[{\"a\":1.50,\"b\":2,\"request_id\":\"r\"}]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"retry\":25,\"reserve_for\":600"));
}

static void test_signs(void)
{
    static const char *const paths[][2] = {{"/jobs/add", "add 1 + -0.5"},
                                           {"/jobs/subtract", "subtract 1 - -0.5"},
                                           {"/jobs/multiply", "multiply 1 \xc3\x97 -0.5"},
                                           {"/jobs/divide", "divide 1 \xc3\xb7 -0.5"}};

    for (size_t i = 0; i < 4; i++) {
        request.resumed = request.replied = 0;
        pusher.first = NULL;
        run(handle_math, paths[i][0], "{\"a\":1,\"b\":-5e-1}");
        CU_ASSERT(replied(paths[i][1]));
    }
}

static const struct {
    enum push_outcome outcome;
    unsigned status;
    const char *stored;
} failures[] = {
    {PUSH_REFUSED, 502, "no"},
    {PUSH_AWAY, 503, "no"},
    {PUSH_LATE, 504, "no"},
    {PUSH_UNKNOWN, 504, "unknown"},
};

/* D15: the cause was hidden. */
static void test_not_stored(void)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        char stored[32];

        teardown();
        setup();
        outcomes[0] = failures[i].outcome;
        run(handle_job, "/jobs", "{\"type\":\"t\",\"args\":[]}");
        CU_ASSERT_EQUAL(request.status, failures[i].status);
        snprintf(stored, sizeof stored, "\"stored\":\"%s\"", failures[i].stored);
        CU_ASSERT(replied(stored));
        CU_ASSERT(replied("\"job_id\":\""));
        CU_ASSERT(replied(": because\""));
        CU_ASSERT_EQUAL(request.retry_after[0] != '\0', failures[i].status == 503);
    }
}

/* D10: the queue had no bound. */
static void test_not_taken(void)
{
    static const int codes[] = {ERR_FULL, ERR_CLOSED, ERR_STOPPED};

    for (size_t i = 0; i < 3; i++) {
        teardown();
        setup();
        pusher.code = codes[i];
        begin(handle_job, "/jobs", "{\"type\":\"t\",\"args\":[]}");
        resume();
        CU_ASSERT_EQUAL(request.status, 503);
        CU_ASSERT(replied("no room"));
        CU_ASSERT(replied("\"stored\":\"no\""));
        CU_ASSERT(atoi(request.retry_after) >= 1);
    }
}

static void test_retry_after(void)
{
    pusher.code = ERR_FULL;
    pusher.state = (struct pusher_state){.waiting = 20000, .in_flight = 400, .push_us = 100000};
    begin(handle_job, "/jobs", "{\"type\":\"t\",\"args\":[]}");
    resume();
    CU_ASSERT_STRING_EQUAL(request.retry_after, "5"); /* 50 times what is in flight, 0.1 s each */
}

static void test_one_line(void)
{
    begin(handle_job, "/jobs", "{\"type\":\"t\",\r\n\"args\":[1,\r\n\t\"a\\nb\"],\"custom\":{\n}}");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pusher.first);
    CU_ASSERT_PTR_NULL(memchr(pusher.first->text, '\n', pusher.first->len));
    CU_ASSERT_PTR_NULL(memchr(pusher.first->text, '\r', pusher.first->len));
    CU_ASSERT_PTR_NOT_NULL(strstr(pusher.first->text, "\"args\":[1,  \t\"a\\nb\"]"));
    settle_all(pusher.first, 0);
    resume();
}

static void test_too_large(void)
{
    struct buf body = BUF_INIT(0);

    buf_add_str(&body, "{\"type\":\"t\",\"args\":[\"");
    for (int i = 0; i < 256 << 10; i++)
        buf_add_char(&body, 'x');
    buf_add_str(&body, "\"]}");
    begin(handle_job, "/jobs", buf_str(&body));
    CU_ASSERT_EQUAL(request.status, 413);
    CU_ASSERT(replied("args: is too large"));
    CU_ASSERT_EQUAL(pusher.calls, 0);
    buf_fini(&body);
}

static void test_bad_body(void)
{
    static const char *const bodies[] = {"", "{", "[]", "{\"a\":1,\"a\":1,\"b\":2}", "{\"a\":NaN}"};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        begin(handle_math, "/jobs/add", bodies[i]);
        CU_ASSERT_EQUAL(request.status, 400);
        CU_ASSERT_EQUAL(request.replied, i + 1);
    }
    CU_ASSERT_EQUAL(pusher.calls, 0);
}

/* ---- batches ---- */

static void test_batch_stored(void)
{
    char ids[160];

    begin(handle_batch, "/jobs/batch", THREE);
    CU_ASSERT_EQUAL_FATAL(pusher.n, 3);
    snprintf(ids, sizeof ids, "\"job_ids\":[\"%s\",\"%s\",\"%s\"]", pusher.first->jid,
             pusher.first->next->jid, pusher.first->next->next->jid);
    settle_all(pusher.first, 0);
    resume();
    CU_ASSERT_EQUAL(request.status, 202);
    CU_ASSERT(replied(ids));
    CU_ASSERT(replied("\"count\":3,\"total_enqueued\":3,\"message\":\""));
}

/* D6: after a failure in the middle nobody knew what had been stored. */
static void test_batch_partly(void)
{
    char ids[64], failed[256];

    outcomes[1] = PUSH_UNKNOWN;
    outcomes[2] = PUSH_REFUSED;
    begin(handle_batch, "/jobs/batch", THREE);
    CU_ASSERT_EQUAL_FATAL(pusher.n, 3);
    snprintf(ids, sizeof ids, "\"job_ids\":[\"%s\"],\"count\":1", pusher.first->jid);
    snprintf(failed, sizeof failed,
             "\"failed\":[{\"index\":1,\"job_id\":\"%s\",\"stored\":\"unknown\",\"error\":\"",
             pusher.first->next->jid);
    settle_all(pusher.first, 0);
    resume();
    CU_ASSERT_EQUAL(request.status, 504);
    CU_ASSERT(replied("\"stored\":\"partly\""));
    CU_ASSERT(replied(ids));
    CU_ASSERT(replied(failed));
    CU_ASSERT(replied("\"stored\":\"no\",\"error\":\"Faktory refused the job: because\"}]"));
}

static void test_batch_none(void)
{
    outcomes[0] = outcomes[1] = outcomes[2] = PUSH_REFUSED;
    run(handle_batch, "/jobs/batch", THREE);
    CU_ASSERT_EQUAL(request.status, 502);
    CU_ASSERT(replied("\"stored\":\"no\",\"job_ids\":[],\"count\":0"));
    teardown();
    setup();
    outcomes[0] = outcomes[1] = PUSH_UNKNOWN;
    outcomes[2] = PUSH_AWAY;
    run(handle_batch, "/jobs/batch", THREE);
    CU_ASSERT_EQUAL(request.status, 504);
    CU_ASSERT(replied("\"stored\":\"unknown\",\"job_ids\":[]"));
}

static void test_batch_not_taken(void)
{
    pusher.code = ERR_FULL;
    begin(handle_batch, "/jobs/batch", THREE);
    resume();
    CU_ASSERT_EQUAL(request.status, 503);
    CU_ASSERT(replied("\"stored\":\"no\",\"job_ids\":[],\"count\":0,\"total_enqueued\":0}"));
}

static void test_batch_checked_whole(void)
{
    begin(handle_batch, "/jobs/batch",
          "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},{\"operation\":\"add\",\"a\":\"1\","
          "\"b\":2},{\"type\":\"t\",\"args\":[]},7]}");
    CU_ASSERT_EQUAL(request.status, 400);
    CU_ASSERT_EQUAL(pusher.calls, 0);
    CU_ASSERT(replied("\"errors\":[{\"index\":1,\"field\":\"a\",\"error\":\"expected a number, got "
                      "a string\"},{\"index\":3,\"error\":\"expected an object, got a number\"}]"));
}

static void test_batch_many_faults(void)
{
    struct buf body = BUF_INIT(0);

    buf_add_str(&body, "{\"jobs\":[0");
    for (int i = 1; i < 123; i++)
        buf_addf(&body, ",%d", i);
    buf_add_str(&body, "]}");
    begin(handle_batch, "/jobs/batch", buf_str(&body));
    CU_ASSERT_EQUAL(request.status, 400);
    CU_ASSERT(replied("123 of 123 jobs are wrong"));
    CU_ASSERT(replied("{\"index\":99,"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&request.reply), "{\"index\":100,"));
    CU_ASSERT(replied("\"more_errors\":23"));
    buf_fini(&body);
}

static void test_batch_sizes(void)
{
    begin(handle_batch, "/jobs/batch", "{\"jobs\":[]}");
    CU_ASSERT_EQUAL(request.status, 400);
    CU_ASSERT(replied("at least one job"));
    config.queue_max = 2;
    begin(handle_batch, "/jobs/batch", THREE);
    CU_ASSERT_EQUAL(request.status, 413);
    CU_ASSERT(replied("at most 2"));
    CU_ASSERT_EQUAL(pusher.calls, 0);
}

static void test_batch_bad_body(void)
{
    static const char *const bodies[] = {
        "", "[]", "{}", "{\"jobs\":{}}", "{\"jobs\":null}", "{\"jobs\":[],\"job\":1}", "7"};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        begin(handle_batch, "/jobs/batch", bodies[i]);
        CU_ASSERT_EQUAL(request.status, 400);
        CU_ASSERT_EQUAL(request.replied, i + 1);
    }
    CU_ASSERT_EQUAL(pusher.calls, 0);
}

/* ---- who settles, and when ---- */

static void test_settled_at_once(void)
{
    pusher.at_once = true;
    begin(handle_batch, "/jobs/batch", THREE);
    resume();
    CU_ASSERT_EQUAL(request.status, 202);
}

static void *settle_one(void *job)
{
    settle(job, PUSH_STORED);
    return NULL;
}

static void test_settled_by_threads(void)
{
    for (int round = 0; round < 50; round++) {
        pthread_t threads[3];
        struct push_job *jobs[3];

        request.resumed = request.replied = 0;
        begin(handle_batch, "/jobs/batch", THREE);
        jobs[0] = pusher.first;
        jobs[1] = jobs[0]->next;
        jobs[2] = jobs[1]->next;
        for (int i = 0; i < 3; i++)
            CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, settle_one, jobs[i]), 0);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        resume();
        CU_ASSERT_EQUAL(request.status, 202);
    }
}

static void test_new_queue_waits_for_info(void)
{
    CU_ASSERT_FATAL(queues_begin_poll(api.queues));
    begin(handle_job, "/jobs", "{\"type\":\"t\",\"args\":[],\"queue\":\"bulk\"}");
    CU_ASSERT_EQUAL(pusher.calls, 0);
    queues_end_poll(api.queues);
    CU_ASSERT_EQUAL(pusher.calls, 1);
    CU_ASSERT_FALSE(queues_begin_poll(api.queues));
    settle_all(pusher.first, 0);
    resume();
    CU_ASSERT(queues_exists(api.queues, 1));
    CU_ASSERT(queues_begin_poll(api.queues));
    queues_end_poll(api.queues);
}

static void test_known_queue_does_not_wait(void)
{
    CU_ASSERT_FATAL(queues_begin_poll(api.queues));
    run(handle_job, "/jobs", "{\"type\":\"t\",\"args\":[]}");
    CU_ASSERT_EQUAL(request.status, 202);
    queues_end_poll(api.queues);
}

static void test_later_job_makes_no_queue(void)
{
    run(handle_job, "/jobs",
        "{\"type\":\"t\",\"args\":[],\"queue\":\"bulk\",\"at\":\"2090-01-01T00:00:00Z\"}");
    CU_ASSERT_EQUAL(request.status, 202);
    CU_ASSERT_FALSE(queues_exists(api.queues, 1));
}

static void test_closed_outlet(void)
{
    outlet_close(&api.outlet);
    begin(handle_job, "/jobs", "{\"type\":\"t\",\"args\":[],\"queue\":\"bulk\"}");
    resume();
    CU_ASSERT_EQUAL(request.status, 503);
    CU_ASSERT_EQUAL(pusher.calls, 0);
    CU_ASSERT(queues_begin_poll(api.queues)); /* the making of the queue was called off */
}

/* ---- packs ---- */

static void test_pack_of_request(void)
{
    const struct push_job *job;

    request.pack = "500";
    begin(handle_batch, "/jobs/batch",
          "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},"
          "{\"type\":\"t\",\"args\":[],\"queue\":\"bulk\",\"retry\":3,\"reserve_for\":90},"
          "{\"type\":\"t\",\"args\":[],\"retry\":0},{\"type\":\"t\",\"args\":[],\"retry\":-1},"
          "{\"type\":\"t\",\"args\":[],\"at\":\"2090-01-01T00:00:00Z\"}]}");
    queues_note_exists(api.queues, 1);
    job = pusher.first;
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_EQUAL(job->pack_max, 500);
    CU_ASSERT_STRING_EQUAL(job->queue, "default");
    CU_ASSERT_EQUAL(job->retry, JOB_RETRY_DEFAULT);
    CU_ASSERT_EQUAL(job->reserve_for_s, JOB_RESERVE_DEFAULT_S);
    job = job->next;
    CU_ASSERT_EQUAL(job->pack_max, 500);
    CU_ASSERT_STRING_EQUAL(job->queue, "bulk");
    CU_ASSERT_EQUAL(job->retry, 3);
    CU_ASSERT_EQUAL(job->reserve_for_s, 90);
    while ((job = job->next) != NULL)
        CU_ASSERT_EQUAL(job->pack_max, 0);
    settle_all(pusher.first, 0);
    resume();
    CU_ASSERT_EQUAL(request.status, 202);
}

static void test_pack_size(void)
{
    config.pack_size = 20;
    run(handle_math, "/jobs/add", "{\"a\":1,\"b\":2}");
    CU_ASSERT_EQUAL(pusher.calls, 1);
    buf_fini(&request.reply);
    memset(&request, 0, sizeof request);
    begin(handle_batch, "/jobs/batch", THREE);
    CU_ASSERT_EQUAL(pusher.first->pack_max, 20);
    settle_all(pusher.first, 0);
    resume();
    buf_fini(&request.reply);
    memset(&request, 0, sizeof request);
    request.pack = "1"; /* not for this one */
    begin(handle_batch, "/jobs/batch", THREE);
    CU_ASSERT_EQUAL(pusher.first->pack_max, 0);
    settle_all(pusher.first, 0);
    resume();
}

static void test_bad_pack(void)
{
    static const char *const bad[] = {"0", "501", "-3", "1.5", "many", "", "5 5", "0x10"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request.pack = bad[i];
        begin(handle_batch, "/jobs/batch", THREE);
        CU_ASSERT_EQUAL(request.status, 400);
        CU_ASSERT(replied("pack: expected a whole number from 1 to 500"));
    }
    CU_ASSERT_EQUAL(pusher.calls, 0);
}

static const struct suite_test tests[] = {
    {"D1, D2: a job is answered when it is stored, with the id it is stored under", test_stored},
    {"the message shows the operation with its sign", test_signs},
    {"D15: what was not stored is answered with status, fate and cause", test_not_stored},
    {"D10: what the queue does not take is answered with 503 and Retry-After", test_not_taken},
    {"Retry-After is the time that the full queue needs", test_retry_after},
    {"line breaks between tokens do not reach the line protocol", test_one_line},
    {"a job that fits into no command is refused with the field to blame", test_too_large},
    {"a body that is not the right JSON is refused", test_bad_body},
    {"a stored batch is answered with its ids in order", test_batch_stored},
    {"D6: a batch that is stored in part says which job is stored and which is not",
     test_batch_partly},
    {"a batch of which nothing is stored says so", test_batch_none},
    {"a batch that finds no room is refused as a whole", test_batch_not_taken},
    {"a batch is checked whole before anything is stored", test_batch_checked_whole},
    {"a hundred faults are listed and the others counted", test_batch_many_faults},
    {"empty and oversized batches are refused", test_batch_sizes},
    {"a batch that is no object with jobs is refused", test_batch_bad_body},
    {"jobs may be settled before adding them has returned", test_settled_at_once},
    {"jobs settled by several threads at once resume the request once", test_settled_by_threads},
    {"a job for a queue that may not exist waits while INFO is under way",
     test_new_queue_waits_for_info},
    {"a job for a queue that exists does not wait for INFO", test_known_queue_does_not_wait},
    {"a job for later makes no queue", test_later_job_makes_no_queue},
    {"jobs of a request may share packs, but for those that a pack would change",
     test_pack_of_request},
    {"BATCH_PACK_SIZE goes for every push, and a request may say otherwise", test_pack_size},
    {"a bad size of packs is refused", test_bad_pack},
    {"a request that comes while the service stops is answered", test_closed_outlet},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "submit", tests, SUITE_COUNT(tests), setup, teardown);
}
