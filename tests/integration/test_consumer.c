// SPDX-License-Identifier: MIT
/* The fetching side on a real Faktory: every job comes out once, and Faktory learns what became of
 * it, over restarts, crashes and a Redis that stalls. */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/fault/delay_line.h"
#include "tests/fault/rig.h"
#include "tests/support/faktory_server.h"
#include "tests/support/faktory_talk.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

enum { SHORT_MS = 10000, LONG_MS = 60000, LANES = 2 };

/* A FETCH that waits behind another one's waiting is answered after two seconds at the earliest. */
enum { STRANDED_MS = 2000 };

struct fixture {
    struct faktory_server *server;
    struct faktory_settings settings;
    struct rig_receiver *receiver;
};

/* Only the server; false when there is none: the test is skipped. */
static bool start_server(struct fixture *f)
{
    *f = (struct fixture){.server = faktory_server_for_test(NULL)};
    if (!f->server)
        return false;
    f->settings = rig_settings(faktory_server_url(f->server));
    f->settings.net.read_ms = 15000;
    return true;
}

static void start_consumer(struct fixture *f, struct consumer_options o)
{
    o.settings = &f->settings;
    if (o.lanes == 0)
        o.lanes = LANES;
    o.capacity = o.capacity ? o.capacity : 50;
    f->receiver = rig_receiver_start(&o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->receiver);
}

static struct consumer *consumer(struct fixture *f)
{
    return rig_consumer(f->receiver);
}

/* Pushes jobs from..from+n-1 with these jids and the other members given as text. */
static void push(struct fixture *f, const char *queue, int from, int n, const char *members)
{
    struct faktory_talk *t = faktory_talk_open(faktory_server_port(f->server), NULL, NULL, NULL);
    struct buf line = BUF_INIT(0);

    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    for (int i = from; i < from + n;) {
        char *reply;

        buf_clear(&line);
        buf_add_str(&line, "PUSHB [");
        for (int k = 0; k < 200 && i < from + n; k++, i++)
            buf_addf(&line,
                     "%s{\"jid\":\"job-%06d\",\"jobtype\":\"t\",\"queue\":\"%s\",\"args\":[%d]%s}",
                     k ? "," : "", i, queue, i, members);
        buf_add_str(&line, "]");
        reply = faktory_talk_command(t, buf_str(&line));
        CU_ASSERT(reply && strcmp(reply, "{}") == 0);
        free(reply);
    }
    buf_fini(&line);
    faktory_talk_close(t);
}

static void stop(struct fixture *f)
{
    int64_t deadline = clock_ms() + SHORT_MS;
    struct job *job;

    consumer_quiet(consumer(f), CONSUMER_TERMINATE);
    /* a job for each FETCH that waits, so that not every test ends with two seconds of waiting */
    push(f, "default", 900000, LANES, ",\"retry\":0,\"reserve_for\":60");
    CU_ASSERT_TRUE(consumer_wait_fetched(consumer(f), deadline));
    while ((job = rig_take(f->receiver, 0)) != NULL)
        consumer_ack(consumer(f), job);
    CU_ASSERT_TRUE(consumer_wait_settled(consumer(f), deadline));
    rig_receiver_stop(f->receiver, deadline);
    faktory_server_free(f->server);
}

static int number_of(const struct job *job)
{
    return (int)strtol(job->jid + 4, NULL, 10);
}

/* Takes and acknowledges until these jobs were all seen; how many never came. */
static int work_through(struct fixture *f, int from, int n)
{
    static char seen[10000];
    int missing = n;

    memset(seen, 0, sizeof seen);
    while (missing > 0) {
        struct job *job = rig_take(f->receiver, SHORT_MS);
        int i = job ? number_of(job) : -1;

        if (!job)
            break;
        if (i >= from && i < from + n && !seen[i - from]++)
            missing--;
        consumer_ack(consumer(f), job);
    }
    return missing;
}

static bool all_done(const struct faktory_info *info, void *arg)
{
    return info->enqueued == 0 && info->working == 0 && info->total_processed >= *(int *)arg;
}

static bool none_working(const struct faktory_info *info, void *arg)
{
    (void)arg;
    return info->enqueued == 0 && info->working == 0;
}

static bool one_fetch_a_lane(const struct consumer_state *state)
{
    return state->lanes_up == LANES && state->fetches == LANES && state->in_hand == 0;
}

static bool at_rest(const struct consumer_state *state)
{
    return one_fetch_a_lane(state) && state->window == LANES && state->settling == 0;
}

static void test_drain(void)
{
    enum { JOBS = 5000 };
    static char seen[JOBS];
    struct faktory_info info;
    struct consumer_state state;
    struct fixture f;
    int twice = 0, total = JOBS;
    int64_t before;

    if (!start_server(&f))
        return;
    memset(seen, 0, sizeof seen);
    push(&f, "default", 0, JOBS, ",\"retry\":0,\"reserve_for\":60");
    start_consumer(&f, (struct consumer_options){0});
    for (int i = 0; i < JOBS; i++) {
        struct job *job = rig_take(f.receiver, SHORT_MS);

        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        twice += seen[number_of(job)]++;
        consumer_ack(consumer(&f), job);
    }
    CU_ASSERT_EQUAL(twice, 0);
    /* the burst is over: at once only the waiting FETCHes are left, and they stay alone */
    before = clock_ms();
    CU_ASSERT_TRUE(rig_wait(f.receiver, one_fetch_a_lane, STRANDED_MS, &state));
    CU_ASSERT(clock_ms() - before < STRANDED_MS);
    CU_ASSERT(faktory_server_wait(f.server, all_done, &total, SHORT_MS, &info));
    CU_ASSERT_EQUAL(info.total_processed, JOBS);
    CU_ASSERT_EQUAL(info.total_failures, 0);
    /* Faktory knows of the last ACK before its answer is read here */
    CU_ASSERT_TRUE(rig_wait(f.receiver, at_rest, SHORT_MS, &state));
    CU_ASSERT_EQUAL(state.reconnects, 0);
    CU_ASSERT(state.rtt_us > 0);
    stop(&f);
}

/* Not the FETCHes in flight: those are over as soon as all that there is room for is in hand. */
static bool wide_window(const struct consumer_state *state)
{
    return state->window > 2 * LANES;
}

/*
 * Twenty milliseconds away, each way: the windows grow, so that it is not one job a round trip; and
 * when the burst is over no FETCH of the wide windows goes on waiting in Faktory.
 */
static void test_far(void)
{
    enum { JOBS = 3000, DELAY_MS = 20 };
    struct consumer_state state;
    struct delay_line *line;
    struct fixture f;
    struct faktory_talk *late;
    int64_t before;
    char *job;

    if (!start_server(&f))
        return;
    line = delay_line_start(faktory_server_port(f.server), DELAY_MS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    f.settings.url = rig_settings(delay_line_url(line)).url;
    push(&f, "default", 0, JOBS, ",\"retry\":0,\"reserve_for\":60");
    start_consumer(&f, (struct consumer_options){.capacity = 200});
    before = clock_ms();
    CU_ASSERT_TRUE(rig_wait(f.receiver, wide_window, SHORT_MS, NULL));
    CU_ASSERT_EQUAL(work_through(&f, 0, JOBS), 0);
    /* one job a round trip and lane would take 60 s */
    CU_ASSERT(clock_ms() - before < JOBS / LANES * 2 * DELAY_MS / 4);
    before = clock_ms();
    CU_ASSERT_TRUE(rig_wait(f.receiver, one_fetch_a_lane, STRANDED_MS, &state));
    CU_ASSERT(clock_ms() - before < STRANDED_MS);
    consumer_quiet(consumer(&f), CONSUMER_QUIET);
    CU_ASSERT_TRUE(consumer_wait_fetched(consumer(&f), clock_ms() + 4000));
    /* nothing of this worker waits in Faktory: the next job is for somebody else, at once */
    late = faktory_talk_open(faktory_server_port(f.server), NULL, NULL, NULL);
    push(&f, "default", JOBS, 1, ",\"retry\":0,\"reserve_for\":60");
    job = faktory_talk_command(late, "FETCH default");
    CU_ASSERT(job && job[0] == '{');
    free(job);
    faktory_talk_close(late);
    stop(&f);
    delay_line_free(line);
}

/* Faktory's own count of commands says it: an idle lane asks once in two seconds. */
static void test_idle(void)
{
    struct faktory_info before, after;
    struct fixture f;

    if (!start_server(&f))
        return;
    start_consumer(&f, (struct consumer_options){0});
    CU_ASSERT_TRUE(rig_wait(f.receiver, one_fetch_a_lane, SHORT_MS, NULL));
    CU_ASSERT_EQUAL(faktory_server_info(f.server, &before, NULL), 0);
    CU_ASSERT_PTR_NULL(rig_take(f.receiver, 3000)); /* nothing comes */
    CU_ASSERT_EQUAL(faktory_server_info(f.server, &after, NULL), 0);
    CU_ASSERT(after.command_count - before.command_count <= 2 * LANES + 6);
    stop(&f);
}

static bool in_dead_set(const struct faktory_info *info, void *arg)
{
    return info->dead == *(int *)arg && info->retries == 0 && info->working == 0;
}

static bool in_retries(const struct faktory_info *info, void *arg)
{
    return info->retries == *(int *)arg && info->working == 0;
}

static void test_fail(void)
{
    enum { JOBS = 30 };
    struct fixture f;
    int jobs = JOBS;
    struct faktory_info info;

    if (!start_server(&f))
        return;
    push(&f, "default", 0, JOBS, ",\"retry\":25,\"reserve_for\":60");
    start_consumer(&f, (struct consumer_options){0});
    for (int i = 0; i < JOBS; i++) {
        struct job *job = rig_take(f.receiver, SHORT_MS);

        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        consumer_fail(consumer(&f), job, "Bad", "cannot work: \"this\" is no number", true);
    }
    CU_ASSERT(faktory_server_wait(f.server, in_dead_set, &jobs, SHORT_MS, &info));
    CU_ASSERT_EQUAL(info.dead, JOBS);
    CU_ASSERT_EQUAL(info.retries, 0);
    push(&f, "default", JOBS, JOBS, ",\"retry\":25,\"reserve_for\":60");
    for (int i = 0; i < JOBS; i++) {
        struct job *job = rig_take(f.receiver, SHORT_MS);

        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        consumer_fail(consumer(&f), job, "Late", "try again", false);
    }
    CU_ASSERT(faktory_server_wait(f.server, in_retries, &jobs, SHORT_MS, &info));
    CU_ASSERT_EQUAL(info.dead, JOBS);
    stop(&f);
}

static void test_hand_back(void)
{
    struct buf first = BUF_INIT(0);
    struct job *job;
    struct fixture f;
    int one = 1;

    if (!start_server(&f))
        return;
    push(&f, "default", 7, 1, ",\"retry\":3,\"reserve_for\":90,\"custom\":{\"k\":\"v\"}");
    start_consumer(&f, (struct consumer_options){.capacity = 1});
    for (int i = 0; i < 3; i++) {
        job = rig_take(f.receiver, SHORT_MS);
        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        CU_ASSERT_EQUAL((strcmp(job->jid, "job-000007") == 0), (i == 0));
        consumer_hand_back(consumer(&f), job);
    }
    job = rig_take(f.receiver, SHORT_MS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    job_first_jid(job, &first);
    CU_ASSERT_STRING_EQUAL(buf_str(&first), "job-000007");
    CU_ASSERT_EQUAL(job->retry, 3);
    CU_ASSERT_EQUAL(job->reserve_for_s, 90);
    CU_ASSERT_EQUAL(job->attempt, 1); /* it cost no retry */
    CU_ASSERT(json_string_is(json_member(job->custom, "k"), "v"));
    consumer_ack(consumer(&f), job);
    CU_ASSERT(faktory_server_wait(f.server, all_done, &one, SHORT_MS, NULL));
    buf_fini(&first);
    stop(&f);
}

static void test_queues(void)
{
    static const char *const queues[] = {"critical", "default"};
    struct fixture f;
    char *reply;
    int low_before_high = 0, high = 0;

    if (!start_server(&f))
        return;
    push(&f, "default", 0, 100, ",\"retry\":0,\"reserve_for\":60");
    push(&f, "critical", 100, 100, ",\"retry\":0,\"reserve_for\":60");
    push(&f, "other", 200, 1, ",\"retry\":0,\"reserve_for\":60");
    /* one lane, whose answers come in order: those of two could overtake each other */
    start_consumer(
        &f, (struct consumer_options){.queues = queues, .n_queues = 2, .lanes = 1, .capacity = 1});
    for (int i = 0; i < 200; i++) {
        struct job *job = rig_take(f.receiver, SHORT_MS);

        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        high += strcmp(job->queue, "critical") == 0;
        low_before_high += strcmp(job->queue, "critical") != 0 && high < 100;
        consumer_ack(consumer(&f), job);
    }
    CU_ASSERT_EQUAL(low_before_high, 0);
    /* a paused queue is left alone until it goes on, the other one is not */
    reply = faktory_server_command(f.server, "QUEUE PAUSE default");
    free(reply);
    push(&f, "default", 300, 1, ",\"retry\":0,\"reserve_for\":60");
    push(&f, "critical", 301, 1, ",\"retry\":0,\"reserve_for\":60");
    for (int i = 0; i < 2; i++) {
        struct job *job = rig_take(f.receiver, SHORT_MS);

        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        /* the FETCH that was waiting when the pause came may still bring the first */
        CU_ASSERT(number_of(job) == 300 || number_of(job) == 301);
        consumer_ack(consumer(&f), job);
        if (i == 0) {
            reply = faktory_server_command(f.server, "QUEUE RESUME default");
            free(reply);
        }
    }
    stop(&f);
}

/* Jobs from producers that leave things out run as well. */
static void test_plain_job(void)
{
    struct fixture f;
    struct job *job;

    if (!start_server(&f))
        return;
    push(&f, "default", 1, 1, "");
    start_consumer(&f, (struct consumer_options){0});
    job = rig_take(f.receiver, SHORT_MS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CU_ASSERT_EQUAL(job->reserve_for_s, 1800);
    CU_ASSERT_EQUAL(job->attempt, 1);
    consumer_ack(consumer(&f), job);
    stop(&f);
}

/* What Faktory takes and we refuse to read must not come back for ever. */
static void test_unreadable_job(void)
{
    static const char *const payloads[] = {
        "{\"jid\":\"unreadable-1\",\"jobtype\":\"t\",\"args\":[\"\\u0000\"],\"retry\":25}",
        "{\"jid\":\"unreadable-2\",\"jobtype\":\"t\",\"retry\":25,\"args\":"
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    };
    struct fixture f;
    int dead = 2;

    if (!start_server(&f))
        return;
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        CU_ASSERT_EQUAL(faktory_server_push(f.server, payloads[i], NULL), 0);
    start_consumer(&f, (struct consumer_options){0});
    CU_ASSERT(faktory_server_wait(f.server, in_dead_set, &dead, SHORT_MS, NULL));
    stop(&f);
}

/* ---- trouble ---- */

static bool lanes_up(const struct consumer_state *state)
{
    return state->lanes_up == LANES && state->connections_up == state->connections;
}

/* A server that goes and comes back, by a clean stop or by a crash. */
static void go_and_come_back(int (*go)(struct faktory_server *s))
{
    struct fixture f;
    struct job *held;
    struct faktory_info info;

    if (!start_server(&f))
        return;
    push(&f, "default", 0, 1000, ",\"retry\":5,\"reserve_for\":60");
    start_consumer(&f, (struct consumer_options){0});
    CU_ASSERT_EQUAL(work_through(&f, 0, 1000), 0);
    push(&f, "default", 1000, 1, ",\"retry\":5,\"reserve_for\":60");
    held = rig_take(f.receiver, SHORT_MS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(held);
    CU_ASSERT_EQUAL(go(f.server), 0);
    consumer_ack(consumer(&f), held); /* while it is away: it is told later */
    CU_ASSERT_FALSE(consumer_wait_settled(consumer(&f), clock_ms() + 50));
    CU_ASSERT_EQUAL(faktory_server_restart(f.server, NULL), 0);
    CU_ASSERT_TRUE(rig_wait(f.receiver, lanes_up, SHORT_MS, NULL));
    CU_ASSERT_TRUE(consumer_wait_settled(consumer(&f), clock_ms() + SHORT_MS));
    push(&f, "default", 2000, 1000, ",\"retry\":5,\"reserve_for\":60");
    CU_ASSERT_EQUAL(work_through(&f, 2000, 1000), 0);
    CU_ASSERT(faktory_server_wait(f.server, none_working, NULL, SHORT_MS, &info));
    stop(&f);
}

static void test_restart(void)
{
    go_and_come_back(faktory_server_stop);
}

static void test_crash(void)
{
    go_and_come_back(faktory_server_kill);
}

/* Redis stands still for four seconds: long, but within what Faktory itself bears. */
static void test_redis_stall(void)
{
    struct consumer_state state;
    struct fixture f;
    int64_t stalled;

    if (!start_server(&f))
        return;
    push(&f, "default", 0, 500, ",\"retry\":5,\"reserve_for\":60");
    start_consumer(&f, (struct consumer_options){0});
    for (int i = 0; i < 200; i++) {
        struct job *job = rig_take(f.receiver, SHORT_MS);

        CU_ASSERT_PTR_NOT_NULL_FATAL(job);
        consumer_ack(consumer(&f), job);
    }
    stalled = clock_ms();
    CU_ASSERT_EQUAL(faktory_server_pause(f.server, FAKTORY_REDIS), 0);
    while (clock_ms() - stalled < 4000) { /* work goes on with what is in hand */
        struct job *job = rig_take(f.receiver, 4000 - (clock_ms() - stalled));

        if (job)
            consumer_ack(consumer(&f), job);
    }
    CU_ASSERT_EQUAL(faktory_server_resume(f.server, FAKTORY_REDIS), 0);
    push(&f, "default", 1000, 200, ",\"retry\":5,\"reserve_for\":60");
    CU_ASSERT_EQUAL(work_through(&f, 1000, 200), 0);
    CU_ASSERT_TRUE(consumer_wait_settled(consumer(&f), clock_ms() + SHORT_MS));
    CU_ASSERT_TRUE(rig_wait(f.receiver, one_fetch_a_lane, SHORT_MS, &state));
    stop(&f);
}

static const struct suite_test tests[] = {
    {"five thousand jobs come out once each, and then the lanes fall back to one FETCH",
     test_drain},
    {"far away the windows grow, and fall when the burst is over", test_far},
    {"an idle worker asks once in two seconds a lane", test_idle},
    {"a permanent failure is in the dead set, another one in the retries", test_fail},
    {"a job handed back comes again at once and keeps its first jid", test_hand_back},
    {"queues have their priority, and a paused one is left alone", test_queues},
    {"a job without reserve_for and retry runs", test_plain_job},
    {"a job that cannot be read goes to the dead set", test_unreadable_job},
    {"a restart costs nothing", test_restart},
    {"a crash of Faktory is survived", test_crash},
    {"four seconds without Redis are survived", test_redis_stall},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "consumer", tests, SUITE_COUNT(tests), NULL, NULL);
}
