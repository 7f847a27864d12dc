// SPDX-License-Identifier: MIT
/* POST /jobs/batch, from the body of a request to its answer: ids, faults, and packs. */
#include "tests/unit/api/submit_fixture.h"

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
    submit_teardown();
    submit_setup();
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
    {"a stored batch is answered with its ids in order", test_batch_stored},
    {"D6: a batch that is stored in part says which job is stored and which is not",
     test_batch_partly},
    {"a batch of which nothing is stored says so", test_batch_none},
    {"a batch that finds no room is refused as a whole", test_batch_not_taken},
    {"a batch is checked whole before anything is stored", test_batch_checked_whole},
    {"a hundred faults are listed and the others counted", test_batch_many_faults},
    {"empty and oversized batches are refused", test_batch_sizes},
    {"a batch that is no object with jobs is refused", test_batch_bad_body},
    {"jobs of a request may share packs, but for those that a pack would change",
     test_pack_of_request},
    {"BATCH_PACK_SIZE goes for every push, and a request may say otherwise", test_pack_size},
    {"a bad size of packs is refused", test_bad_pack},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "submit_batch", tests, SUITE_COUNT(tests), submit_setup,
                      submit_teardown);
}
