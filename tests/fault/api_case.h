// SPDX-License-Identifier: MIT
/*
 * api_case - what the tests of the running API share: a Faktory and an API of the test's own,
 * requests and their answers, the ids that were answered and those that are in the queue. Asserts
 * on the way, so it is for the test's thread only.
 */
#ifndef TESTS_FAULT_API_CASE_H
#define TESTS_FAULT_API_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/json/json.h"
#include "tests/support/faktory_server.h"
#include "tests/support/http_client.h"
#include "tests/support/http_load.h"
#include "tests/support/services.h"

enum { SHORT_MS = 10000, LONG_MS = 40000, ID_MAX = 40 };

#define ADD "{\"a\":1,\"b\":2}"

/* The body of a batch of three. */
#define THREE                                                                                      \
    "{\"jobs\":[{\"operation\":\"add\",\"a\":1,\"b\":2},{\"operation\":\"add\",\"a\":2,"           \
    "\"b\":2},{\"operation\":\"add\",\"a\":3,\"b\":2}]}"

/* Of the test that runs; case_teardown() ends and frees all of it. */
struct api_case {
    struct faktory_server *faktory;
    struct service *api;
    struct http_answer answer; /* the last one */
};
extern struct api_case tc;

void case_teardown(void);

/* A Faktory alone; or both, with the API ready. False after having skipped or failed the test. */
bool case_start_faktory(const struct faktory_options *options);
bool case_start(const char *const *env);

/* Sends SIGTERM to nobody: waits for the API to end; its exit status, -1 when it does not end. */
int case_exit_status(void);

/* ---- one request; the status, 0 without an answer, which is kept in tc.answer ---- */

/* `header` NULL: Content-Type is JSON. */
int case_call(const char *method, const char *path, const char *body, const char *header);
int case_get(const char *path);
int case_post(const char *path, const char *body);
/* To an API that case_start() did not start. */
int case_post_to(int port, const char *path, const char *body);

/* Does the last answer hold this text? Prints the answer if not. */
bool case_says(const char *text);
struct json_slice case_parse(const char *text);
/* -1 for what is no whole number. */
long long case_number(struct json_slice v);

/* For wait_until(): one more job is stored. */
bool case_answers_202(void *arg);

struct faktory_info case_info(void);

/* ---- ids ---- */

struct ids {
    char (*at)[ID_MAX]; /* malloc'd */
    size_t n, room;
};

void ids_add(struct ids *ids, struct json_slice id);
void ids_add_all(struct ids *ids, struct json_slice array);
/* Sorts both. */
bool ids_same(struct ids *a, struct ids *b);
/* Is each of `a` in `b`? Sorts `b`. */
bool ids_contain(struct ids *b, const struct ids *a);

/* Takes `n` jobs out of the queue and remembers their ids; their text goes to `texts` if wanted. */
void case_fetch(const char *queue, size_t n, struct ids *ids, struct buf *texts);

/* ---- many requests of POST /jobs/add ---- */

struct http_load_run *case_load(int connections, int requests);
/* For wait_until(): a thousand of the run's requests are answered. */
bool case_thousand_done(void *run);
/* Remembers the ids of the answers with 202 (NULL: does not); how many there were with `status`. */
int case_collect(struct http_load_run *run, int requests, struct ids *ids, int status);
/* All at once; how many were answered with 202. */
int case_send_adds(int connections, int requests);

#endif
