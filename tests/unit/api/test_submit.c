// SPDX-License-Identifier: MIT
/* The handlers that store one job, from the body of a request to its answer; and who may settle the
 * jobs of a request, and when. */
#include "tests/unit/api/submit_fixture.h"

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

        submit_teardown();
        submit_setup();
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
        submit_teardown();
        submit_setup();
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

static const struct suite_test tests[] = {
    {"D1, D2: a job is answered when it is stored, with the id it is stored under", test_stored},
    {"the message shows the operation with its sign", test_signs},
    {"D15: what was not stored is answered with status, fate and cause", test_not_stored},
    {"D10: what the queue does not take is answered with 503 and Retry-After", test_not_taken},
    {"Retry-After is the time that the full queue needs", test_retry_after},
    {"line breaks between tokens do not reach the line protocol", test_one_line},
    {"a job that fits into no command is refused with the field to blame", test_too_large},
    {"a body that is not the right JSON is refused", test_bad_body},
    {"jobs may be settled before adding them has returned", test_settled_at_once},
    {"jobs settled by several threads at once resume the request once", test_settled_by_threads},
    {"a job for a queue that may not exist waits while INFO is under way",
     test_new_queue_waits_for_info},
    {"a job for a queue that exists does not wait for INFO", test_known_queue_does_not_wait},
    {"a job for later makes no queue", test_later_job_makes_no_queue},
    {"a request that comes while the service stops is answered", test_closed_outlet},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "submit", tests, SUITE_COUNT(tests), submit_setup,
                      submit_teardown);
}
