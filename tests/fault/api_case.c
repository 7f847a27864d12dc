// SPDX-License-Identifier: MIT
#include "tests/fault/api_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/faktory_talk.h"
#include "tests/support/process.h"
#include "tests/support/suite.h"
#include "tests/support/wait.h"

struct api_case tc;

void case_teardown(void)
{
    http_answer_fini(&tc.answer);
    memset(&tc.answer, 0, sizeof tc.answer);
    service_free(tc.api);
    tc.api = NULL;
    faktory_server_free(tc.faktory);
    tc.faktory = NULL;
}

bool case_start_faktory(const struct faktory_options *options)
{
    tc.faktory = faktory_server_for_test(options);
    return tc.faktory != NULL;
}

/* Both, ready. False after having skipped or failed. */
bool case_start(const char *const *env)
{
    struct err_text why = {""};

    if (!case_start_faktory(NULL))
        return false;
    tc.api = service_start_api(tc.faktory, env, &why);
    if (!tc.api)
        fprintf(stderr, "%s\n", why.text);
    CU_ASSERT_PTR_NOT_NULL(tc.api);
    return tc.api != NULL;
}

/* ---- one request ---- */

int case_call(const char *method, const char *path, const char *body, const char *header)
{
    const char *headers[] = {header ? header : "Content-Type: application/json", NULL};
    char url[128];
    struct http_call c = {.method = method, .url = url, .headers = headers, .body = body};
    struct err_text why = {""};

    http_answer_fini(&tc.answer);
    memset(&tc.answer, 0, sizeof tc.answer);
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", service_port(tc.api), path);
    if (http_request(&c, &tc.answer, &why) != 0) {
        fprintf(stderr, "%s: %s\n", path, why.text);
        return 0;
    }
    return tc.answer.status;
}

int case_get(const char *path)
{
    return case_call("GET", path, NULL, NULL);
}

int case_post(const char *path, const char *body)
{
    return case_call("POST", path, body, NULL);
}

bool case_says(const char *text)
{
    if (tc.answer.body && strstr(tc.answer.body, text))
        return true;
    fprintf(stderr, "expected %s in: %s\n", text, tc.answer.body ? tc.answer.body : "nothing");
    return false;
}

struct json_slice case_parse(const char *text)
{
    struct json_slice root = {NULL, 0};

    CU_ASSERT_EQUAL(json_check(text, strlen(text), &root, NULL), 0);
    return root;
}

/* A string as text; "" for anything else. */
static void string_of(struct json_slice v, char out[ID_MAX])
{
    struct buf text = BUF_INIT(0);

    out[0] = '\0';
    if (v.len > 0 && json_read_string(v, &text) == 0)
        snprintf(out, ID_MAX, "%s", buf_str(&text));
    buf_fini(&text);
}

long long case_number(struct json_slice v)
{
    int64_t n = -1;

    if (v.len == 0 || json_read_int64(v, &n) != 0)
        return -1;
    return n;
}

/* ---- ids: those that were answered, and those that are in the queue ---- */

void ids_add(struct ids *ids, struct json_slice id)
{
    if (ids->n == ids->room) {
        ids->room = ids->room ? ids->room * 2 : 64;
        ids->at = realloc(ids->at, ids->room * sizeof ids->at[0]);
        if (!ids->at)
            abort();
    }
    string_of(id, ids->at[ids->n++]);
}

void ids_add_all(struct ids *ids, struct json_slice array)
{
    struct json_iter it = json_iter(array);
    struct json_slice id;

    while (json_next_item(&it, &id))
        ids_add(ids, id);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Takes `n` jobs out of the queue and remembers their ids; their text goes to `texts` if wanted. */
void case_fetch(const char *queue, size_t n, struct ids *ids, struct buf *texts)
{
    struct faktory_talk *talk =
        faktory_talk_open(faktory_server_port(tc.faktory), NULL, "test-api-fetcher", NULL);
    char line[80];

    CU_ASSERT_PTR_NOT_NULL_FATAL(talk);
    snprintf(line, sizeof line, "FETCH %s", queue);
    for (size_t i = 0; i < n; i++) {
        char *job = faktory_talk_command(talk, line);

        if (!job || job[0] != '{') {
            free(job);
            break;
        }
        ids_add(ids, json_member(case_parse(job), "jid"));
        if (texts)
            buf_addf(texts, "%s\n", job);
        free(job);
    }
    faktory_talk_close(talk);
}

bool ids_same(struct ids *a, struct ids *b)
{
    bool same = a->n == b->n;

    qsort(a->at, a->n, sizeof a->at[0], by_text);
    qsort(b->at, b->n, sizeof b->at[0], by_text);
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->at[i], b->at[i]) == 0;
    if (!same)
        fprintf(stderr, "%zu ids answered, %zu in the queue, or others\n", a->n, b->n);
    return same;
}

/* Is each of a in b? */
bool ids_contain(struct ids *b, const struct ids *a)
{
    qsort(b->at, b->n, sizeof b->at[0], by_text);
    for (size_t i = 0; i < a->n; i++)
        if (!bsearch(a->at[i], b->at, b->n, sizeof b->at[0], by_text))
            return false;
    return true;
}

struct faktory_info case_info(void)
{
    struct faktory_info now;

    CU_ASSERT_EQUAL(faktory_server_info(tc.faktory, &now, NULL), 0);
    return now;
}

/* ---- many requests ---- */

static void make_add(int n, struct buf *path, struct buf *body, void *arg)
{
    (void)arg;
    buf_add_str(path, "/jobs/add");
    buf_addf(body, "{\"a\":%d,\"b\":1}", n);
}

struct http_load_run *case_load(int connections, int requests)
{
    struct http_load l = {.port = service_port(tc.api),
                          .connections = connections,
                          .requests = requests,
                          .make = make_add};
    struct http_load_run *run = http_load_start(&l);

    CU_ASSERT_PTR_NOT_NULL_FATAL(run);
    return run;
}

bool case_thousand_done(void *run)
{
    return http_load_progress(run) >= 1000;
}

/* Remembers the ids of the answers with 202; returns how many there were with `status`. */
int case_collect(struct http_load_run *run, int requests, struct ids *ids, int status)
{
    const struct http_load_answer *a = http_load_finish(run);
    int n = 0;

    for (int i = 0; i < requests; i++) {
        n += a[i].status == status;
        if (ids && a[i].status == 202)
            ids_add(ids, json_member(case_parse(a[i].body), "job_id"));
    }
    return n;
}

/* So many requests; returns how many were answered with 202. */
int case_send_adds(int connections, int requests)
{
    struct http_load_run *run = case_load(connections, requests);
    int stored = case_collect(run, requests, NULL, 202);

    http_load_free(run);
    return stored;
}

bool case_answers_202(void *arg)
{
    (void)arg;
    return case_post("/jobs/add", ADD) == 202;
}

int case_post_to(int port, const char *path, const char *body)
{
    const char *const headers[] = {"Content-Type: application/json", NULL};
    char url[128];
    struct http_call c = {.method = "POST", .url = url, .headers = headers, .body = body};

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    http_answer_fini(&tc.answer);
    memset(&tc.answer, 0, sizeof tc.answer);
    return http_request(&c, &tc.answer, NULL) == 0 ? tc.answer.status : 0;
}

/* Of the API after it got its signal; -1 when it does not end. */
int case_exit_status(void)
{
    int status = -1;

    CU_ASSERT_EQUAL(process_wait(service_process(tc.api), LONG_MS, &status), 0);
    return status;
}
