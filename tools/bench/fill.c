// SPDX-License-Identifier: MIT
#include "tools/bench/fill.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/jid.h"
#include "common/faktory/job.h"

enum { CONNECTIONS_MAX = 16, STACK_BYTES = 256 << 10 };

struct shared {
    const struct server *server;
    unsigned jobs, batch;
    int64_t started_us; /* once all are connected */
    atomic_uint next;
    atomic_bool failed;
};

struct pusher_thread {
    pthread_t thread;
    struct shared *shared;
    struct faktory *talk;
    struct err_text why; /* of the thread, once it has ended */
};

void fill_write_job(struct buf *out, const char *jid, unsigned n)
{
    char args[96];
    int len = snprintf(args, sizeof args, "[{\"a\":%u,\"b\":2,\"request_id\":null}]", n);
    struct job_spec spec = {.jid = jid,
                            .type = "math_add",
                            .queue = "default",
                            .args = {args, (size_t)len},
                            .retry = JOB_RETRY_DEFAULT,
                            .reserve_for_s = JOB_RESERVE_DEFAULT_S};

    job_write(out, &spec);
}

static void write_command(struct buf *out, unsigned from, unsigned to)
{
    char jid[JID_CHARS + 1];

    buf_clear(out);
    buf_add_str(out, "PUSHB [");
    for (unsigned n = from; n < to; n++) {
        jid_make(jid);
        if (n > from)
            buf_add_char(out, ',');
        fill_write_job(out, jid, n);
    }
    buf_add_char(out, ']');
}

static int push(struct faktory *talk, const char *command, struct err_text *why)
{
    struct resp_reply reply;
    char shown[120];
    int code = faktory_call(talk, command, &reply, why);

    if (code != 0)
        return code;
    if (reply.kind == RESP_BULK && reply.len == 2 && memcmp(reply.text, "{}", 2) == 0)
        return 0;
    resp_show(&reply, shown, sizeof shown);
    return err_set(why, ERR_REFUSED, "PUSHB was answered with %s", shown);
}

static void *push_ranges(void *arg)
{
    struct pusher_thread *t = arg;
    struct shared *s = t->shared;
    struct buf command = BUF_INIT(0);
    unsigned from;

    while (!atomic_load(&s->failed) && (from = atomic_fetch_add(&s->next, s->batch)) < s->jobs) {
        write_command(&command, from, s->jobs - from < s->batch ? s->jobs : from + s->batch);
        if (command.failed || push(t->talk, buf_str(&command), &t->why) != 0)
            atomic_store(&s->failed, true);
    }
    buf_fini(&command);
    return NULL;
}

/* Starts the threads once all are connected, and waits for them. */
static int push_all(struct shared *s, struct pusher_thread *threads, unsigned n,
                    struct err_text *why)
{
    unsigned started = 0;

    for (unsigned i = 0; i < n; i++) {
        threads[i].shared = s;
        if (!(threads[i].talk = faktory_connect(server_settings(s->server), NULL, NULL, why)))
            return ERR_IO;
    }
    s->started_us = clock_us();
    while (started < n && thread_start(&threads[started].thread, "fill", STACK_BYTES, push_ranges,
                                       &threads[started]) == 0)
        started++;
    for (unsigned i = 0; i < started; i++) {
        thread_join(threads[i].thread);
        if (threads[i].why.text[0] && why)
            *why = threads[i].why;
    }
    return started < n || atomic_load(&s->failed) ? ERR_IO : 0;
}

int fill_run(const struct server *s, struct fill *f, struct err_text *why)
{
    struct shared shared = {.server = s, .jobs = f->jobs, .batch = f->batch};
    struct pusher_thread threads[CONNECTIONS_MAX] = {{0}};
    unsigned n = f->connections < CONNECTIONS_MAX ? f->connections : CONNECTIONS_MAX;
    int code = push_all(&shared, threads, n, why);

    f->seconds = (double)(clock_us() - shared.started_us) * 1e-6;
    for (unsigned i = 0; i < n; i++)
        faktory_close(threads[i].talk);
    return code;
}
