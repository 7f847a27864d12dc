// SPDX-License-Identifier: MIT
#include "api/status.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"
#include "common/faktory/info.h"
#include "common/faktory/job.h"
#include "common/faktory/link.h"
#include "common/json/json.h"

enum { QUESTIONS = 2, SETTLE_MS = 1000 };

struct waiter {
    struct http_request *request;
    struct waiter *next;
};

struct probe {
    struct link_command command; /* first: done() gets the probe back from the link */
    struct status *status;
    int64_t max_age_ms;                                       /* of an answer that is given again */
    bool (*begin)(struct status *s);                          /* NULL: may always be asked */
    void (*end)(struct status *s);                            /* NULL, or called after the answer */
    void (*take)(struct status *s, struct json_slice answer); /* NULL, or what is in it */
    /* guarded by the lock */
    bool asking, good;
    int64_t asked_ms, answered_ms; /* 0: never */
    char why[160];
    struct waiter *waiters;
};

struct status {
    struct outlet *outlet; /* immutable, like the next two */
    struct queues *queues;
    int64_t read_ms;
    char latency[JOB_QUEUE_NAME_MAX + 32];

    /* loop thread */
    unsigned long reconnects; /* at the last look */
    int64_t settled_ms;       /* no INFO before this */

    pthread_mutex_t lock;
    struct probe probes[QUESTIONS];
    struct buf info; /* guarded by the lock */
};

/* ---- INFO: when it may be asked, and what is learnt from it ---- */

static void take_info(struct status *s, struct json_slice info)
{
    struct buf text = BUF_INIT(0), old;
    struct json_slice data = json_member(info, "faktory");

    if (json_type(data) == JSON_OBJECT && json_type(json_member(data, "queues")) == JSON_OBJECT)
        queues_learn(s->queues, json_member(data, "queues"));
    info_write(info, &text);
    mutex_lock(&s->lock);
    old = s->info;
    s->info = text;
    mutex_unlock(&s->lock);
    buf_fini(&old);
}

/* Loop thread. After a reconnection Faktory may have come back empty: what is known of its queues
 * is forgotten, and pushes that set out before that get a moment to arrive. */
static bool begin_info(struct status *s)
{
    struct pusher_state state;

    outlet_look(s->outlet, &state);
    if (state.reconnects != s->reconnects) {
        s->reconnects = state.reconnects;
        queues_forget(s->queues);
        s->settled_ms = clock_ms() + (state.waiting + state.in_flight > 0 ? SETTLE_MS : 0);
    }
    return clock_ms() >= s->settled_ms && queues_begin_poll(s->queues);
}

static void end_info(struct status *s)
{
    queues_end_poll(s->queues);
}

/* ---- asking ---- */

static void resume_all(struct waiter *w)
{
    while (w) {
        struct waiter *next = w->next;

        http_resume(w->request);
        free(w);
        w = next;
    }
}

static void finish(struct probe *p, bool good, const char *why)
{
    struct status *s = p->status;
    struct waiter *waiters;

    if (p->end)
        p->end(s);
    mutex_lock(&s->lock);
    p->asking = false;
    p->good = good;
    p->answered_ms = clock_ms();
    snprintf(p->why, sizeof p->why, "%s", why);
    waiters = p->waiters;
    p->waiters = NULL;
    mutex_unlock(&s->lock);
    resume_all(waiters);
}

/* On a link's thread. */
static void answered(struct link_command *command, enum link_fate fate,
                     const struct resp_reply *reply, const char *why)
{
    struct probe *p = (struct probe *)command;
    struct json_slice root;
    char shown[120];

    if (fate != LINK_ANSWERED) {
        finish(p, false, why);
    } else if (reply->kind != RESP_BULK || json_check(reply->text, reply->len, &root, NULL) != 0 ||
               json_type(root) != JSON_OBJECT) {
        resp_show(reply, shown, sizeof shown);
        finish(p, false, shown);
    } else {
        if (p->take)
            p->take(p->status, root);
        finish(p, true, "");
    }
}

static bool overdue_locked(const struct probe *p)
{
    return p->asking && clock_ms() - p->asked_ms >= STATUS_PATIENCE_MS;
}

/* True when nobody needs to ask: there is a fresh answer, or the one under way is overdue. */
static bool has_answer_locked(const struct probe *p)
{
    if (p->asking)
        return overdue_locked(p);
    return p->answered_ms > 0 && clock_ms() - p->answered_ms < p->max_age_ms;
}

static void ask_now(struct status *s, struct probe *p)
{
    p->command.deadline_ms = clock_ms() + s->read_ms;
    if (!outlet_ask(s->outlet, &p->command))
        finish(p, false, "the service is stopping");
}

void status_ask(struct status *s, enum status_question question, struct http_request *r,
                http_resume_fn *fn, void *state)
{
    struct probe *p = &s->probes[question];
    struct waiter *w;
    bool asking, has_answer;

    mutex_lock(&s->lock);
    asking = p->asking;
    has_answer = has_answer_locked(p);
    mutex_unlock(&s->lock);
    /* Only the loop thread starts questions, so `asking` does not become true meanwhile. */
    if (has_answer || (!asking && p->begin && !p->begin(s))) {
        fn(r, state);
        return;
    }
    if (!(w = malloc(sizeof *w))) {
        if (!asking && p->end)
            p->end(s);
        http_reply_error(r, 503, "out of memory");
        return;
    }
    w->request = r;
    http_defer(r, fn, state);
    mutex_lock(&s->lock);
    if (!asking) {
        p->asking = true;
        p->asked_ms = clock_ms();
    }
    if (asking && !p->asking) { /* answered in between */
        mutex_unlock(&s->lock);
        free(w);
        http_resume(r);
        return;
    }
    w->next = p->waiters;
    p->waiters = w;
    mutex_unlock(&s->lock);
    if (!asking)
        ask_now(s, p);
}

void status_tick(struct status *s)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        struct probe *p = &s->probes[i];
        struct waiter *waiters = NULL;

        mutex_lock(&s->lock);
        if (overdue_locked(p)) {
            waiters = p->waiters;
            p->waiters = NULL;
        }
        mutex_unlock(&s->lock);
        resume_all(waiters);
    }
}

/* ---- the answers ---- */

bool status_ready(struct status *s, struct err_text *why)
{
    struct probe *p = &s->probes[STATUS_READY];
    struct pusher_state state;
    bool good;

    outlet_look(s->outlet, &state);
    mutex_lock(&s->lock);
    good = p->good && state.connections_up > 0 && !overdue_locked(p);
    if (p->good && state.connections_up == 0) /* the good answer is older than that */
        err_set(why, ERR_CLOSED, "there is no connection to Faktory");
    else if (overdue_locked(p))
        err_set(why, ERR_TIMEOUT, "no answer from Faktory for %lld ms",
                (long long)(clock_ms() - p->asked_ms));
    else
        err_set(why, ERR_CLOSED, "%s", p->why);
    mutex_unlock(&s->lock);
    return good;
}

void status_write_info(struct status *s, struct buf *out)
{
    struct probe *p = &s->probes[STATUS_INFO];

    mutex_lock(&s->lock);
    if (p->good && !overdue_locked(p) && s->info.len > 0 && !s->info.failed)
        buf_add(out, s->info.data, s->info.len);
    else
        buf_add_str(out, "null");
    mutex_unlock(&s->lock);
}

/* ---- life ---- */

struct status *status_new(const struct faktory_settings *settings, struct outlet *outlet,
                          struct queues *queues)
{
    static const char info[] = "INFO\r\n";
    struct status *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->outlet = outlet;
    s->queues = queues;
    s->read_ms = settings->net.read_ms;
    snprintf(s->latency, sizeof s->latency, "QUEUE LATENCY %s\r\n",
             queues_name(queues, queues_default(queues)));
    mutex_init(&s->lock);
    s->probes[STATUS_READY] =
        (struct probe){.command = {.text = s->latency, .len = strlen(s->latency)},
                       .max_age_ms = STATUS_READY_AGE_MS};
    s->probes[STATUS_INFO] = (struct probe){.command = {.text = info, .len = sizeof info - 1},
                                            .max_age_ms = STATUS_INFO_AGE_MS,
                                            .begin = begin_info,
                                            .end = end_info,
                                            .take = take_info};
    for (size_t i = 0; i < QUESTIONS; i++) {
        s->probes[i].status = s;
        s->probes[i].command.done = answered;
    }
    return s;
}

void status_free(struct status *s)
{
    if (!s)
        return;
    buf_fini(&s->info);
    mutex_fini(&s->lock);
    free(s);
}
