// SPDX-License-Identifier: MIT
/*
 * faktory_server - a private real Faktory for one test: own folder, own free port on 127.0.0.1, own
 * redis-server. The program is $FAKTORY_BIN, which tests/run.sh sets. Start it from the test's own
 * thread (see process.h); one thread at a time uses a server.
 *
 * Whoever needs a connection that stays open takes faktory_talk; the calls here open one, use it
 * and close it, so INFO counts one connection and a few commands of the harness itself.
 */
#ifndef TESTS_SUPPORT_FAKTORY_SERVER_H
#define TESTS_SUPPORT_FAKTORY_SERVER_H

#include <stdbool.h>

#include "common/base/err.h"

struct faktory_server;
struct process;

struct faktory_options {
    const char *password; /* NULL: none is asked for */
    const char *given;    /* its FAKTORY_PASSWORD, when that is not the password but names a file */
    bool production;      /* not in development: it does not start without a password */
    bool web;             /* with the web page, which can quiet and terminate workers */
};

enum faktory_part { FAKTORY_ITSELF, FAKTORY_REDIS };

/*
 * Starts one and waits until the program that was started answers on its port. `options` may be
 * NULL. NULL with the reason on failure. Where faktory_server_missing() says something, skip.
 */
struct faktory_server *faktory_server_start(const struct faktory_options *options,
                                            struct err_text *why);

/* Why this machine cannot run a Faktory, as a sentence for suite_skip(); NULL when it can. */
const char *faktory_server_missing(void);

/* Starts one for the test that runs. NULL after the test was skipped, where this machine cannot run
 * one, or has failed, with the reason on standard error. */
struct faktory_server *faktory_server_for_test(const struct faktory_options *options);

/* Kills what still runs, removes the folder, frees. NULL is allowed. */
void faktory_server_free(struct faktory_server *s);

int faktory_server_port(const struct faktory_server *s);
int faktory_server_web_port(const struct faktory_server *s);         /* 0 without the web page */
const char *faktory_server_url(const struct faktory_server *s);      /* with the password */
const char *faktory_server_password(const struct faktory_server *s); /* "" without one */
struct process *faktory_server_process(struct faktory_server *s);

/* SIGTERM: it saves and ends. 0 once Faktory and its Redis are gone; ERR_TIMEOUT when it had to be
 * killed. */
int faktory_server_stop(struct faktory_server *s);

/* SIGKILL to Faktory, as a crash. Its Redis then saves and ends; comes back when it has. */
int faktory_server_kill(struct faktory_server *s);

/* Starts it again after a stop or a kill, on the same port and the same data. */
int faktory_server_restart(struct faktory_server *s, struct err_text *why);

/* SIGSTOP, until every thread has stopped, and SIGCONT: the part is there and does not answer. */
int faktory_server_pause(struct faktory_server *s, enum faktory_part part);
int faktory_server_resume(struct faktory_server *s, enum faktory_part part);

enum { FAKTORY_QUEUES_MAX = 32, FAKTORY_QUEUE_NAME_MAX = 64 };

/* The numbers of INFO. A plain value. */
struct faktory_info {
    long long total_processed; /* done and failed */
    long long total_failures;
    long long enqueued; /* now waiting in all queues */
    long long scheduled, retries, dead, working;
    long long connections, command_count;
    int queues;
    struct {
        char name[FAKTORY_QUEUE_NAME_MAX];
        long long size;
    } queue[FAKTORY_QUEUES_MAX];
};

int faktory_server_info(struct faktory_server *s, struct faktory_info *out, struct err_text *why);

/* Jobs in one queue; -1 when Faktory does not know the queue. */
long long faktory_info_queue(const struct faktory_info *info, const char *name);

/* Waits until `reached(info, arg)` holds; the last INFO goes to *last (may be NULL). It asks four
 * times a second, because Faktory does not like INFO while queues are being made. */
bool faktory_server_wait(struct faktory_server *s,
                         bool (*reached)(const struct faktory_info *info, void *arg), void *arg,
                         int timeout_ms, struct faktory_info *last);

/* Stores one job, given as JSON text, with PUSHB. 0, or ERR_REFUSED with Faktory's reason. */
int faktory_server_push(struct faktory_server *s, const char *job, struct err_text *why);

/* Takes one job from the queues ("default" or "a b"): its JSON text, malloc'd. NULL when none came
 * within the 2 seconds that Faktory waits, and on failure. */
char *faktory_server_fetch(struct faktory_server *s, const char *queues);

/* Says that the job is done. 0, or the reason. */
int faktory_server_ack(struct faktory_server *s, const char *jid, struct err_text *why);

/* One raw command line; the reply in the form of faktory_talk_read(), or NULL. A verb without its
 * operand crashes Faktory 1.9.4. */
char *faktory_server_command(struct faktory_server *s, const char *line);

/* Empties it of all jobs and counters. */
int faktory_server_flush(struct faktory_server *s, struct err_text *why);

/* Presses "quiet" or "terminate" for all workers on the web page. */
int faktory_server_signal_workers(struct faktory_server *s, const char *what, struct err_text *why);

#endif
