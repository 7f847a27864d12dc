// SPDX-License-Identifier: MIT
/*
 * handler - the contract between the worker and the functions that do its jobs.
 *
 * A handler gets a job, reads its arguments, does the work, and says once how it went:
 *
 *     void greet(struct wf_job *job)
 *     {
 *         const char *name;
 *
 *         if (wf_string(wf_member(wf_arg(job, 1), "name"), &name))
 *             wf_succeed_string(job, name);
 *     }
 *
 * It may be called for several jobs at the same time, and for one job more than once (a worker that
 * crashed did not say that it was done): wf_jid() is the key to recognise that by. It may block; it
 * has at least 64 KiB of stack. All that it is given lives until it returns.
 *
 * The first word counts: after one of the wf_succeed and wf_fail functions, or after a reader below
 * returned false, later words about the same job are ignored. A handler that says nothing has
 * failed, for good.
 */
#ifndef WORKER_HANDLER_H
#define WORKER_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wf_job;

typedef void wf_handler(struct wf_job *job);

/* ---- the job ---- */

/* The id that whoever submitted the job was given; the same in every attempt. */
const char *wf_jid(struct wf_job *job);

const char *wf_type(const struct wf_job *job);

/* 1 for the first execution. */
int64_t wf_attempt(const struct wf_job *job);

/* Milliseconds until somebody else may be given the job, or until this worker stops, whichever is
 * first; 0 when that is over. */
int64_t wf_ms_left(const struct wf_job *job);

/* True when it is time to give up: no time is left, or the worker is stopping and waited long
 * enough. A long job asks now and then, and says wf_fail() so that it is tried again elsewhere. */
bool wf_should_stop(const struct wf_job *job);

/* ---- its arguments ---- */

enum wf_kind { WF_ABSENT, WF_NULL, WF_BOOL, WF_NUMBER, WF_STRING, WF_ARRAY, WF_OBJECT };

/* A value somewhere in the arguments; passed by value, the fields are private. */
struct wf_value {
    struct wf_job *job;
    const char *at, *parent, *name, *expected;
    size_t len, number;
};

/* All arguments as one JSON array. NUL-terminated. */
const char *wf_args(struct wf_job *job);
size_t wf_arg_count(struct wf_job *job);

/* Argument n, item n of an array (both from 1), or the member of an object. What is not there is
 * WF_ABSENT, and so is everything inside it. `name` is kept, not copied. */
struct wf_value wf_arg(struct wf_job *job, size_t n);
struct wf_value wf_item(struct wf_value array, size_t n);
struct wf_value wf_member(struct wf_value object, const char *name);

enum wf_kind wf_kind(struct wf_value v);
size_t wf_count(struct wf_value v); /* items or members; 0 for anything else */

/*
 * Read a value. False when it is something else: the job has then failed for good, with the type
 * "InvalidArguments" and a message that says where and why, such as
 * `argument 1: "a": expected a number, got a string`; the handler just returns. Ask wf_kind() first
 * where several kinds will do.
 */
bool wf_number(struct wf_value v, double *out);
bool wf_integer(struct wf_value v, int64_t *out); /* a whole number that fits */
bool wf_boolean(struct wf_value v, bool *out);
bool wf_string(struct wf_value v, const char **out); /* UTF-8, without NUL inside */
bool wf_json(struct wf_value v, const char **out);   /* anything that is there, as JSON text */

/* Fails the job like a reader: "argument 1: "a": expected <expected>, got a number". */
void wf_refuse(struct wf_value v, const char *expected);

/* ---- how it went ---- */

/* The work is done. `result` is JSON text (copied), or NULL: there is none. */
void wf_succeed(struct wf_job *job, const char *result);
void wf_succeed_number(struct wf_job *job, double result);
void wf_succeed_string(struct wf_job *job, const char *result);

/* It failed, and trying again later may help. `type` is one word for all errors of this kind, up to
 * 100 bytes ("Timeout"); the message is for people, up to 1,000 bytes. */
__attribute__((format(printf, 3, 4))) void wf_fail(struct wf_job *job, const char *type,
                                                   const char *format, ...);

/* It failed, and would fail again: people see it among the dead jobs, nothing tries it again. */
__attribute__((format(printf, 3, 4))) void wf_fail_for_good(struct wf_job *job, const char *type,
                                                            const char *format, ...);

#endif
