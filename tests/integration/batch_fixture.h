// SPDX-License-Identifier: MIT
/*
 * batch_fixture - a private Faktory, the API on a port that stays, and runs of `wf batch` over a
 * file whose line N is a job with the argument N; then what Faktory holds is counted, number by
 * number. Each test program includes this once.
 */
#ifndef TESTS_INTEGRATION_BATCH_FIXTURE_H
#define TESTS_INTEGRATION_BATCH_FIXTURE_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "tests/support/faktory_server.h"
#include "tests/support/faktory_talk.h"
#include "tests/support/process.h"
#include "tests/support/services.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { WAIT_MS = 60000, END_MS = 120000, PATH_ROOM = TEMPDIR_MAX + 32, DRAIN_AT_ONCE = 500 };

static struct faktory_server *faktory;
static struct service *api, *wf;
static struct tempdir dir;
static int api_port;
static char jobs_path[PATH_ROOM];

/* ---- what is started ---- */

static bool start_api(void)
{
    char bind[64];
    const char *const env[] = {bind, "BATCH_QUEUE_MAX=5000", NULL};
    struct err_text why = {""};

    snprintf(bind, sizeof bind, "BIND_ADDR=127.0.0.1:%d", api_port);
    api = service_start_api(faktory, env, &why);
    if (!api)
        fprintf(stderr, "%s\n", why.text);
    CU_ASSERT_PTR_NOT_NULL(api);
    return api != NULL;
}

static void kill_api(void)
{
    service_free(api); /* SIGKILL, and waits for its end */
    api = NULL;
}

static void batch_setup(void)
{
    struct err_text why = {""};

    if (faktory_server_missing())
        return;
    api_port = free_port();
    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, &why), 0);
    snprintf(jobs_path, sizeof jobs_path, "%s/jobs", dir.path);
    faktory = faktory_server_start(NULL, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(faktory);
    (void)start_api();
}

static void batch_teardown(void)
{
    service_free(wf);
    service_free(api);
    faktory_server_free(faktory);
    tempdir_fini(&dir);
    wf = api = NULL;
    faktory = NULL;
}

/* False, and skipped, where no Faktory can be run. */
static bool is_up(void)
{
    if (faktory_server_missing())
        suite_skip(faktory_server_missing());
    return api != NULL;
}

/* Lines from..to, written behind what the file holds. */
static void write_jobs(long from, long to)
{
    FILE *f = fopen(jobs_path, "ae");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (long i = from; i <= to; i++)
        fprintf(f, "{\"type\":\"numbered\",\"args\":[%ld],\"retry\":0}\n", i);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

/* ---- wf ---- */

/* Starts `wf batch FILE` with one more option, or none. */
static void start_wf(const char *option)
{
    char url[64];
    const char *const args[] = {"batch", jobs_path, "--quiet", option, NULL};
    const char *const env[] = {url, NULL};
    struct err_text why = {""};

    snprintf(url, sizeof url, "WF_API_URL=http://127.0.0.1:%d", api_port);
    service_free(wf);
    wf = service_start("wf", args, NULL, env, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wf);
}

/* Waits for its end: the exit code, or -1. */
static int end_of_wf(void)
{
    int status = -1;

    if (process_wait(service_process(wf), END_MS, &status) != 0)
        return -1;
    return status;
}

static char *said(void)
{
    char *text = process_output(service_process(wf));

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    return text;
}

static bool has_said(const char *text)
{
    char *all = said();
    bool holds = strstr(all, text) != NULL;

    if (!holds)
        fprintf(stderr, "not said: %s\n--- said was:\n%s---\n", text, all);
    free(all);
    return holds;
}

/* The contents of jobs<ending>, malloc'd; "" when there is no such file. */
static char *beside(const char *ending)
{
    char path[PATH_ROOM + 16];
    char *text;

    snprintf(path, sizeof path, "%s%s", jobs_path, ending);
    text = file_text(path);
    return text ? text : strdup("");
}

/* How often the journal says that lines are in this state. */
static int recorded(char state)
{
    char wanted[] = {'\n', state, ' ', '\0'};
    char *text = beside(".progress");
    int n = 0;

    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++)
        n++;
    free(text);
    return n;
}

struct record {
    char state;
    int times;
};

static bool is_recorded(void *arg)
{
    const struct record *r = arg;

    return recorded(r->state) >= r->times || !process_alive(service_process(wf));
}

/* Waits until the journal has so many records of the state. */
static bool wait_recorded(char state, int times)
{
    struct record r = {state, times};

    return wait_until(is_recorded, &r, WAIT_MS) && recorded(state) >= times;
}

/* ---- counting ---- */

/* Counts each number of "args":[N] in the text. */
static void count_numbers(const char *text, unsigned char *counts, long n)
{
    static const char lead[] = "\"args\":[";

    for (const char *at = text; (at = strstr(at, lead)) != NULL; at++) {
        long i = strtol(at + sizeof lead - 1, NULL, 10);

        if (i >= 1 && i <= n && counts[i] < 255)
            counts[i]++;
    }
}

/* Takes every job out of Faktory and counts its number. How many there were. */
static long drain(unsigned char *counts, long n)
{
    static const char one[] = "\r\nFETCH default";
    struct buf many = BUF_INIT(0);
    struct faktory_info info;
    struct err_text why = {""};
    struct faktory_talk *t = faktory_talk_open(faktory_server_port(faktory), NULL, NULL, &why);
    long left, all;

    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL_FATAL(faktory_server_info(faktory, &info, &why), 0);
    all = left = (long)faktory_info_queue(&info, "default");
    while (left > 0) {
        long now = left < DRAIN_AT_ONCE ? left : DRAIN_AT_ONCE;

        buf_clear(&many);
        for (long i = 0; i < now; i++)
            buf_add_str(&many, one);
        CU_ASSERT_EQUAL_FATAL(faktory_talk_send(t, buf_str(&many) + 2), 0);
        for (long i = 0; i < now; i++) {
            char *job = faktory_talk_read(t);

            CU_ASSERT_PTR_NOT_NULL_FATAL(job);
            count_numbers(job, counts, n);
            free(job);
        }
        left -= now;
    }
    buf_fini(&many);
    faktory_talk_close(t);
    return all;
}

/* Marks the lines that wf named as unknown in what it said: "jobs, line 3-5,9: unknown ...". */
static void mark_named(unsigned char *named, long n)
{
    static const char lead[] = "jobs, line ";
    char *text = said();

    for (char *at = text; (at = strstr(at, lead)) != NULL;) {
        char *end = at + strcspn(at, "\n");
        bool unknown;

        at += sizeof lead - 1;
        unknown = strstr(at, ": unknown whether") && strstr(at, ": unknown whether") < end;
        while (unknown && *at >= '0' && *at <= '9') {
            long first = strtol(at, &at, 10), last = *at == '-' ? strtol(at + 1, &at, 10) : first;

            for (long i = first; i <= last && i <= n; i++)
                named[i] = 1;
            at += *at == ',';
        }
    }
    free(text);
}

/* What every run must hold to: a line is in Faktory once; one that was named as unknown, and is in
 * jobs.unknown, is there once or not at all. How many are unknown. `named` has those of runs
 * before, and may be NULL. */
static long check_each_line(long n, unsigned char *named)
{
    unsigned char *counts = calloc((size_t)n + 1, 1), *kept = calloc((size_t)n + 1, 1);
    unsigned char *names = named ? named : calloc((size_t)n + 1, 1);
    char *unknown = beside(".unknown");
    long lost = 0, twice = 0, unnamed = 0, n_unknown = 0, total = drain(counts, n);

    count_numbers(unknown, kept, n);
    mark_named(names, n);
    for (long i = 1; i <= n; i++) {
        lost += counts[i] == 0 && !kept[i];
        twice += counts[i] > 1;
        unnamed += kept[i] != names[i];
        n_unknown += kept[i];
    }
    CU_ASSERT_EQUAL(lost, 0);
    CU_ASSERT_EQUAL(twice, 0);
    CU_ASSERT_EQUAL(unnamed, 0);
    CU_ASSERT(total <= n && total >= n - n_unknown);
    printf("    %ld lines, %ld in Faktory, %ld unknown\n", n, total, n_unknown);
    free(counts);
    free(kept);
    free(unknown);
    if (!named)
        free(names);
    return n_unknown;
}

#endif
