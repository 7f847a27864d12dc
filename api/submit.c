// SPDX-License-Identifier: MIT
#include "api/submit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/faktory/jid.h"
#include "common/json/json_write.h"
#include "common/pack/pack.h"

enum { RETRY_AWAY_S = 2 }; /* about the longest pause between two attempts to connect */

struct submit_job {
    struct push_job push; /* first: settled() gets the job back from the pusher */
    struct submission *owner;
    size_t offset; /* of its text */
    enum push_outcome outcome;
    char *why; /* malloc'd when not stored; NULL: none, or no memory for it */
    int queue;
    bool scheduled; /* a job for later does not make its queue now */
    char jid[JID_CHARS + 1];
};

struct submission {
    struct api *api;
    struct http_request *request;
    enum submit_kind kind;
    unsigned pack_max;
    struct buf text; /* of all jobs, back to back */

    /* of a single one, for its message */
    const struct math_op *op;
    double a, b;

    struct queues_creation creation;
    bool creates; /* some job goes to a queue that may not exist */

    int refused; /* what pusher_add() said when it took nothing; 0: it took all */
    struct err_text why;
    struct pusher_state then; /* the pusher's state at that moment */

    atomic_uint pending; /* jobs not settled; who takes it to 0 resumes the request */
    size_t n;
    struct submit_job jobs[];
};

const struct submit_fate submit_fates[] = {
    [PUSH_STORED] = {202, "yes", "stored"},
    [PUSH_REFUSED] = {502, "no", "Faktory refused the job"},
    [PUSH_AWAY] = {503, "no", "Faktory cannot be reached"},
    [PUSH_LATE] = {504, "no", "the job could not be sent to Faktory in time"},
    [PUSH_UNKNOWN] = {504, "unknown", "Faktory gave no clear answer, the job may be stored"},
};

const size_t submit_fates_n = sizeof submit_fates / sizeof submit_fates[0];

/* ---- gathering ---- */

struct submission *submission_new(struct api *api, struct http_request *r, enum submit_kind kind,
                                  size_t n, size_t text_bytes)
{
    struct submission *s = malloc(sizeof *s + n * sizeof s->jobs[0]);

    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    s->api = api;
    s->request = r;
    s->kind = kind;
    s->pack_max = (unsigned)api->config->pack_size;
    (void)buf_reserve(&s->text, text_bytes);
    return s;
}

void submission_pack(struct submission *s, unsigned pack_max)
{
    s->pack_max = pack_max;
}

void submission_free(struct submission *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        free(s->jobs[i].why);
    buf_fini(&s->text);
    free(s);
}

/* A command to Faktory is one line. The texts that came in may have line breaks, but only between
 * the tokens of JSON, never inside strings: a blank means the same there. */
static void join_lines(char *text, size_t len)
{
    for (char *at = text; (at = memchr(at, '\n', len - (size_t)(at - text))) != NULL;)
        *at = ' ';
    for (char *at = text; (at = memchr(at, '\r', len - (size_t)(at - text))) != NULL;)
        *at = ' ';
}

static int too_large(const struct job_input *in, size_t len, struct job_input_error *error)
{
    const char *field = in->op ? "request_id" : "args";

    if (!in->op && in->spec.custom.len > in->spec.args.len)
        field = "custom";
    memcpy(error->field, field, strlen(field) + 1);
    return err_set(&error->why, ERR_FULL,
                   "is too large: the job would have %zu bytes, and at most %d fit into one "
                   "command to Faktory",
                   len, SUBMIT_JOB_BYTES_MAX);
}

static void allow_pack(struct submit_job *job, const struct job_spec *spec, unsigned pack_max)
{
    if (!pack_takes(spec))
        return;
    job->push.pack_max = pack_max;
    job->push.queue = spec->queue;
    job->push.reserve_for_s = (unsigned)spec->reserve_for_s;
    job->push.retry = (int)spec->retry;
}

int submission_add(struct submission *s, const struct job_input *in, struct job_input_error *error)
{
    struct submit_job *job = &s->jobs[s->n];
    struct job_spec spec = in->spec;
    size_t len;

    memset(job, 0, sizeof *job);
    jid_make(job->jid);
    job->owner = s;
    job->offset = s->text.len;
    job->queue = in->queue;
    job->scheduled = spec.at != NULL;
    spec.jid = job->jid;
    if (s->pack_max > 1)
        allow_pack(job, &spec, s->pack_max);
    job_write(&s->text, &spec);
    if (s->text.failed)
        return ERR_NOMEM;
    len = s->text.len - job->offset;
    if (len > SUBMIT_JOB_BYTES_MAX)
        return too_large(in, len, error);
    join_lines(s->text.data + job->offset, len);
    job->push.len = len;
    s->creates = s->creates || (!job->scheduled && !queues_exists(s->api->queues, job->queue));
    s->op = in->op;
    s->a = in->a;
    s->b = in->b;
    s->n++;
    return 0;
}

/* ---- answering ---- */

static int64_t at_least_1(int64_t seconds)
{
    if (seconds < 1)
        return 1;
    return seconds < SUBMIT_RETRY_AFTER_MAX_S ? seconds : SUBMIT_RETRY_AFTER_MAX_S;
}

/* How long until the full queue has been worked off: so many jobs are in flight during one round
 * trip, which is the rate right now. */
static int64_t seconds_to_drain(const struct pusher_state *then)
{
    int64_t us;

    if (then->in_flight == 0)
        return 1;
    us = (int64_t)then->waiting * then->push_us / then->in_flight;
    return at_least_1((us + 999999) / 1000000);
}

static void add_retry_after(struct submission *s)
{
    struct buf text = BUF_INIT(0);

    json_write_int(&text, s->refused == ERR_FULL ? seconds_to_drain(&s->then) : RETRY_AWAY_S);
    http_add_header(s->request, "Retry-After", buf_str(&text));
    buf_fini(&text);
}

static void write_error(struct buf *out, const char *text, const char *why)
{
    struct buf sentence = BUF_INIT(0);

    buf_addf(&sentence, "%s%s%s", text, why && *why ? ": " : "", why ? why : "");
    json_write_string(out, buf_str(&sentence), sentence.len);
    buf_fini(&sentence);
}

/* "Job enqueued to add 1 + 2" */
static void write_message(struct buf *out, const struct submission *s)
{
    if (!s->op) {
        buf_addf(out, "\"Job enqueued to queue %s\"",
                 queues_name(s->api->queues, s->jobs[0].queue));
        return;
    }
    buf_addf(out, "\"Job enqueued to %s ", s->op->name);
    json_write_double(out, s->a);
    buf_addf(out, " %s ", s->op->sign);
    json_write_double(out, s->b);
    buf_add_char(out, '"');
}

static void answer_single(struct submission *s, unsigned status, struct buf *out)
{
    const struct submit_job *job = &s->jobs[0];

    buf_add_char(out, '{');
    if (status != 202) {
        buf_add_str(out, "\"error\":");
        write_error(out, s->refused ? "not accepted" : submit_fates[job->outcome].text,
                    s->refused ? s->why.text : job->why);
        buf_add_char(out, ',');
    }
    buf_addf(out, "\"job_id\":\"%s\",", job->jid);
    if (status == 202) {
        buf_add_str(out, "\"message\":");
        write_message(out, s);
    } else
        buf_addf(out, "\"stored\":\"%s\"", submit_fates[job->outcome].stored);
    buf_add_char(out, '}');
}

/* How many jobs ended how. */
struct tally {
    size_t stored, unknown;
    const struct submit_job *worst;
};

static struct tally count_outcomes(const struct submission *s)
{
    struct tally t = {.worst = &s->jobs[0]};

    for (size_t i = 0; i < s->n; i++) {
        t.stored += s->jobs[i].outcome == PUSH_STORED;
        t.unknown += s->jobs[i].outcome == PUSH_UNKNOWN;
        if (s->jobs[i].outcome > t.worst->outcome)
            t.worst = &s->jobs[i];
    }
    return t;
}

static void write_stored_ids(const struct submission *s, size_t stored, struct buf *out)
{
    const char *comma = "";

    buf_add_str(out, "\"job_ids\":[");
    for (size_t i = 0; i < s->n; i++)
        if (s->jobs[i].outcome == PUSH_STORED) {
            buf_addf(out, "%s\"%s\"", comma, s->jobs[i].jid);
            comma = ",";
        }
    buf_addf(out, "],\"count\":%zu,\"total_enqueued\":%zu", stored, stored);
}

static void write_failed(const struct submission *s, struct buf *out)
{
    const char *comma = "";

    buf_add_str(out, ",\"failed\":[");
    for (size_t i = 0; i < s->n; i++) {
        const struct submit_job *job = &s->jobs[i];

        if (job->outcome == PUSH_STORED)
            continue;
        buf_addf(out, "%s{\"index\":%zu,\"job_id\":\"%s\",\"stored\":\"%s\",\"error\":", comma, i,
                 job->jid, submit_fates[job->outcome].stored);
        write_error(out, submit_fates[job->outcome].text, job->why);
        buf_add_char(out, '}');
        comma = ",";
    }
    buf_add_char(out, ']');
}

static void write_batch_error(const struct submission *s, const struct tally *t, struct buf *out)
{
    const char *stored = t->stored > 0 ? "partly" : t->unknown > 0 ? "unknown" : "no";
    struct buf text = BUF_INIT(0);

    buf_add_str(out, "\"error\":");
    if (s->refused)
        write_error(out, "no job was accepted", s->why.text);
    else {
        buf_addf(&text, "%zu of %zu jobs were not stored, or not surely (%s)", s->n - t->stored,
                 s->n, submit_fates[t->worst->outcome].text);
        write_error(out, buf_str(&text), t->worst->why);
    }
    buf_addf(out, ",\"stored\":\"%s\",", stored);
    buf_fini(&text);
}

static void answer_batch(struct submission *s, const struct tally *t, struct buf *out)
{
    (void)buf_reserve(out, 128 + s->n * (JID_CHARS + 3));
    buf_add_char(out, '{');
    if (t->stored < s->n)
        write_batch_error(s, t, out);
    write_stored_ids(s, t->stored, out);
    if (t->stored == s->n)
        buf_addf(out, ",\"message\":\"Enqueued %zu job%s in one batch\"", s->n,
                 s->n == 1 ? "" : "s");
    else if (!s->refused)
        write_failed(s, out);
    buf_add_char(out, '}');
}

/* Loop thread, when every job is settled. */
static void answer(struct http_request *r, void *state)
{
    struct submission *s = state;
    struct tally t = count_outcomes(s);
    unsigned status = submit_fates[t.worst->outcome].status;
    struct buf out = BUF_INIT(0);

    if (status == 503)
        add_retry_after(s);
    if (s->kind == SUBMIT_SINGLE)
        answer_single(s, status, &out);
    else
        answer_batch(s, &t, &out);
    http_reply(r, status, HTTP_JSON, &out);
    submission_free(s);
}

/* ---- on the way ---- */

static void settled(struct push_job *push, enum push_outcome outcome, const char *why)
{
    struct submit_job *job = (struct submit_job *)push;
    struct submission *s = job->owner;

    job->outcome = outcome;
    if (outcome != PUSH_STORED)
        job->why = why ? strdup(why) : NULL;
    else if (s->creates && !job->scheduled)
        queues_note_exists(s->api->queues, job->queue);
    if (atomic_fetch_sub_explicit(&s->pending, 1, memory_order_acq_rel) != 1)
        return;
    if (s->creates)
        queues_end_create(s->api->queues);
    http_resume(s->request);
}

/* Nothing was taken: for every job it is as if Faktory were away. */
static void not_taken(struct submission *s, int code)
{
    s->refused = code;
    outlet_look(&s->api->outlet, &s->then);
    for (size_t i = 0; i < s->n; i++)
        s->jobs[i].outcome = PUSH_AWAY;
    if (s->creates)
        queues_end_create(s->api->queues);
    http_resume(s->request);
}

static void push(struct submission *s)
{
    int code = outlet_add(&s->api->outlet, &s->jobs[0].push, (unsigned)s->n, &s->why);

    if (code != 0)
        not_taken(s, code); /* else it may be answered and gone already */
}

static void push_creation(struct queues_creation *c)
{
    push((struct submission *)((char *)c - offsetof(struct submission, creation)));
}

void submission_go(struct submission *s)
{
    int64_t deadline_ms = clock_ms() + s->api->config->request_ms;

    for (size_t i = 0; i < s->n; i++) {
        struct submit_job *job = &s->jobs[i];

        job->push.jid = job->jid;
        job->push.text = s->text.data + job->offset;
        job->push.deadline_ms = deadline_ms;
        job->push.settled = settled;
        job->push.next = i + 1 < s->n ? &s->jobs[i + 1].push : NULL;
    }
    atomic_init(&s->pending, (unsigned)s->n);
    http_defer(s->request, answer, s);
    if (s->creates) {
        s->creation.go = push_creation;
        queues_begin_create(s->api->queues, &s->creation);
    } else
        push(s);
}
