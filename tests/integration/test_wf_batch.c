// SPDX-License-Identifier: MIT
/*
 * wf batch against the real API and a real Faktory, either of which dies in the middle: every line
 * is stored once, or named as unknown. WF_BATCH_LINES sets how many lines the large run has.
 */
#include "tests/integration/batch_fixture.h"
#include "tests/support/http_client.h"

enum { LINES_DEFAULT = 200000, LINES_SANITIZED = 50000, SMALL = 5000 };

static long many_lines(void)
{
    const char *text = getenv("WF_BATCH_LINES"), *build = getenv("WF_BUILD");
    long n = text ? strtol(text, NULL, 10) : 0;

    if (n > 0)
        return n;
    return build && strstr(build, "release") ? LINES_DEFAULT : LINES_SANITIZED;
}

/* ---- the API dies ---- */

static void api_dies_in_the_middle(void)
{
    long n = many_lines(), unknown;
    int code;

    if (!is_up())
        return;
    write_jobs(1, n);
    start_wf(NULL);
    for (int kills = 1; kills <= 3; kills++) {
        CU_ASSERT_FATAL(wait_recorded('S', (int)(kills * n / 4 / 1000)));
        kill_api();
        CU_ASSERT_FATAL(process_alive(service_process(wf)));
        CU_ASSERT_FATAL(start_api());
    }
    code = end_of_wf();
    unknown = check_each_line(n, NULL);
    CU_ASSERT_EQUAL(code, unknown > 0 ? 4 : 0);
    CU_ASSERT_EQUAL(recorded('U') > 0, unknown > 0);
}

/* The line is in the journal before the request is under way; the API has it when it pushes. */
static bool is_pushing(void *arg)
{
    static const char name[] = "\nwf_api_in_flight_jobs ";
    struct http_answer answer;
    char url[64];
    struct http_call call = {.url = url};
    const char *at;
    bool pushing;

    (void)arg;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/metrics", api_port);
    if (http_request(&call, &answer, NULL) != 0)
        return false;
    at = strstr(answer.body, name);
    pushing = at && strtol(at + sizeof name - 1, NULL, 10) > 0;
    http_answer_fini(&answer);
    return pushing;
}

/* Faktory does not answer, so a chunk is surely in flight when the API is killed. */
static void lines_in_flight_are_named(void)
{
    int before;

    if (!is_up())
        return;
    write_jobs(1, SMALL);
    CU_ASSERT_EQUAL(faktory_server_pause(faktory, FAKTORY_ITSELF), 0);
    start_wf(NULL);
    CU_ASSERT_FATAL(wait_recorded('s', 1));
    before = recorded('s');
    CU_ASSERT_FATAL(wait_until(is_pushing, NULL, WAIT_MS));
    kill_api();
    CU_ASSERT_FATAL(wait_recorded('U', 1));
    CU_ASSERT_EQUAL(faktory_server_resume(faktory, FAKTORY_ITSELF), 0);
    CU_ASSERT_FATAL(start_api());
    CU_ASSERT_EQUAL(end_of_wf(), 4);
    CU_ASSERT_EQUAL(before, 1);
    CU_ASSERT_EQUAL(check_each_line(SMALL, NULL), 1000);
    CU_ASSERT(has_said("line 1-1000: unknown whether stored"));
    CU_ASSERT(has_said("4000 stored, 0 refused, 1000 unknown"));

    /* Once more: there is nothing to do, and nothing is done. */
    start_wf(NULL);
    CU_ASSERT_EQUAL(end_of_wf(), 4);
    CU_ASSERT(has_said("4000 stored, 0 refused, 1000 unknown"));
    CU_ASSERT_EQUAL(drain((unsigned char[SMALL + 1]){0}, SMALL), 0);
}

/* ---- Faktory goes away: the API says 503, or 504 of what was under way ---- */

static void faktory_goes_away(void)
{
    struct err_text why = {""};
    long unknown;
    int code;

    if (!is_up())
        return;
    write_jobs(1, 20000);
    start_wf("--chunk=100"); /* many, so that Faktory stops before the last one */
    CU_ASSERT_FATAL(wait_recorded('S', 10));
    CU_ASSERT_EQUAL_FATAL(faktory_server_stop(faktory), 0);
    CU_ASSERT_FATAL(wait_recorded('o', 1));
    CU_ASSERT_EQUAL_FATAL(faktory_server_restart(faktory, &why), 0);
    code = end_of_wf();
    unknown = check_each_line(20000, NULL);
    CU_ASSERT_EQUAL(code, unknown > 0 ? 4 : 0);
}

static void gives_up_in_time(void)
{
    if (!is_up())
        return;
    kill_api();
    write_jobs(1, 10);
    start_wf("--give-up=300ms");
    CU_ASSERT_EQUAL(end_of_wf(), 3);
    CU_ASSERT(has_said("0 stored, 0 refused, 0 unknown"));
    CU_ASSERT(has_said("connection refused"));
    CU_ASSERT_FATAL(start_api());
    start_wf(NULL);
    CU_ASSERT_EQUAL(end_of_wf(), 0);
    CU_ASSERT_EQUAL(check_each_line(10, NULL), 0);
}

/* ---- wf dies ---- */

static void wf_dies_in_flight(void)
{
    if (!is_up())
        return;
    write_jobs(1, SMALL);
    CU_ASSERT_EQUAL(faktory_server_pause(faktory, FAKTORY_ITSELF), 0);
    start_wf(NULL);
    CU_ASSERT_FATAL(wait_recorded('s', 1));
    CU_ASSERT_EQUAL(process_signal(service_process(wf), SIGKILL), 0);
    CU_ASSERT_EQUAL(end_of_wf(), 128 + SIGKILL);
    CU_ASSERT_EQUAL(faktory_server_resume(faktory, FAKTORY_ITSELF), 0);
    start_wf(NULL);
    CU_ASSERT_EQUAL(end_of_wf(), 4);
    CU_ASSERT(has_said("line 1-1000: unknown whether stored: they were in flight when wf ended"));
    CU_ASSERT_EQUAL(check_each_line(SMALL, NULL), 1000);
}

static void wf_dies_again_and_again(void)
{
    enum { N = 40000, TIMES = 6 };
    unsigned char *named = calloc(N + 1, 1);
    int code = -1;

    if (!is_up()) {
        free(named);
        return;
    }
    write_jobs(1, N);
    for (int i = 1; i <= TIMES; i++) {
        start_wf("--chunk=200");
        if (i < TIMES && wait_recorded('S', i * 20))
            (void)process_signal(service_process(wf), SIGKILL);
        code = end_of_wf();
        if (i < TIMES)
            mark_named(named, N);
    }
    CU_ASSERT_EQUAL(code, check_each_line(N, named) > 0 ? 4 : 0);
    free(named);
}

static void a_signal_ends_it_cleanly(void)
{
    if (!is_up())
        return;
    write_jobs(1, 20000);
    start_wf("--chunk=100");
    CU_ASSERT_FATAL(wait_recorded('S', 20));
    CU_ASSERT_EQUAL(process_signal(service_process(wf), SIGINT), 0);
    CU_ASSERT_EQUAL(end_of_wf(), 1);
    CU_ASSERT(has_said("stopped by a signal"));
    CU_ASSERT(has_said(", 0 refused, 0 unknown"));
    CU_ASSERT_EQUAL(recorded('S'), recorded('s')); /* none was left in flight */
    start_wf("--chunk=1000");
    CU_ASSERT_EQUAL(end_of_wf(), 0);
    CU_ASSERT(has_said("20000 stored, 0 refused, 0 unknown"));
    CU_ASSERT_EQUAL(check_each_line(20000, NULL), 0);
}

/* ---- what it refuses ---- */

static void another_file_is_refused(void)
{
    if (!is_up())
        return;
    write_jobs(1, 3);
    start_wf(NULL);
    CU_ASSERT_EQUAL(end_of_wf(), 0);
    write_jobs(4, 4);
    start_wf(NULL);
    CU_ASSERT_EQUAL(end_of_wf(), 2);
    CU_ASSERT(has_said("it has changed"));
    CU_ASSERT_EQUAL(remove(jobs_path), 0);
    write_jobs(2, 4); /* as long as before, but not the same */
    start_wf(NULL);
    CU_ASSERT_EQUAL(end_of_wf(), 2);
    CU_ASSERT(has_said("it has changed"));
    CU_ASSERT_EQUAL(check_each_line(3, NULL), 0);
}

static void one_at_a_time(void)
{
    struct service *first;

    if (!is_up())
        return;
    write_jobs(1, 10);
    CU_ASSERT_EQUAL(faktory_server_pause(faktory, FAKTORY_ITSELF), 0);
    start_wf(NULL);
    CU_ASSERT(wait_recorded('s', 1));
    first = wf;
    wf = NULL;
    start_wf(NULL);
    CU_ASSERT_EQUAL(end_of_wf(), 2);
    CU_ASSERT(has_said("another wf batch is at it"));
    service_free(wf);
    wf = first;
    CU_ASSERT_EQUAL(faktory_server_resume(faktory, FAKTORY_ITSELF), 0);
    CU_ASSERT_EQUAL(end_of_wf(), 0);
    CU_ASSERT_EQUAL(check_each_line(10, NULL), 0);
}

/* Requests larger than the service takes are halved until they fit. */
static void large_chunks_are_halved(void)
{
    if (!is_up())
        return;
    write_jobs(1, 12000); /* BATCH_QUEUE_MAX is 5000 here */
    start_wf("--chunk=20000");
    CU_ASSERT_EQUAL(end_of_wf(), 0);
    CU_ASSERT(has_said("12000 stored, 0 refused, 0 unknown"));
    CU_ASSERT_EQUAL(check_each_line(12000, NULL), 0);
}

static const struct suite_test tests[] = {
    {"with the API killed three times, each line is stored once or named", api_dies_in_the_middle},
    {"lines in flight when the API dies are named and not sent again", lines_in_flight_are_named},
    {"with Faktory stopped in between, each line is stored once or named", faktory_goes_away},
    {"it gives up in time, and the next run goes on", gives_up_in_time},
    {"lines in flight when wf is killed are named by the next run", wf_dies_in_flight},
    {"wf may be killed again and again", wf_dies_again_and_again},
    {"a signal ends it between two chunks, and the next run goes on", a_signal_ends_it_cleanly},
    {"a file that has changed is refused", another_file_is_refused},
    {"a second wf batch of the same file is refused", one_at_a_time},
    {"a chunk that is too large for the service is halved", large_chunks_are_halved},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "wf_batch", tests, SUITE_COUNT(tests), batch_setup,
                      batch_teardown);
}
