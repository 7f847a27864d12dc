// SPDX-License-Identifier: MIT
/*
 * Operation
 *   A thread that takes a pack from the crew opens it and runs its items, one after the other, by
 *   counting `next` up. While it leaves items behind, one ticket of the pack waits in the crew; the
 *   thread that takes the ticket does the same. So a pack of long jobs spreads over as many threads
 *   as it has items, as fast as the crew wakes them, and takes one place in the crew's ring. Who
 *   ends the last item settles the pack.
 *
 * Safety
 *   A pack lives as long as somebody holds a reference: each thread that works on it, and its
 *   ticket. While it is on the list of open packs, some item has not ended and so its thread, or
 *   whoever stops the pack, holds one. An item is settled by whoever changes its state from RUNNING
 *   first: its thread, or packs_cut(). packs_stop() takes what is not started by moving `next` to
 *   the end. The crew's own claim is made at once: the seat shall not be given up in our stead.
 */
#include "worker/packs.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/pack/pack.h"
#include "common/pack/verdict.h"

enum item_state { WAITING, RUNNING, ENDED, TAKEN };

struct item_run {
    _Atomic unsigned char state; /* enum item_state */
    int64_t started_us;          /* written before the state is RUNNING */
};

struct open_pack {
    struct job ticket; /* first: a ticket is the address of its pack */
    struct packs *owner;
    struct job *job; /* as it was fetched; given to the consumer at the end */
    struct pack *pack;

    pthread_mutex_t lock;
    struct buf texts; /* guarded by lock: items to be stored, one a line */

    atomic_uint refs, next, ended;
    atomic_bool ticketed; /* its ticket is in the crew */

    /* guarded by the owner's lock */
    struct open_pack *before, *behind; /* on the list */

    struct open_pack *next_held; /* for_all()'s: only the thread that stops the worker uses it */

    struct item_run runs[];
};

struct packs {
    /* fixed before the crew is opened */
    struct attempts *attempts;
    struct packs_metrics metrics;
    struct consumer *consumer;
    struct crew *crew;

    pthread_mutex_t lock;
    /* guarded by lock */
    struct open_pack *open;
    bool stopping;
};

static const char ticket_type[] = "ticket of a pack";

struct packs *packs_new(struct attempts *attempts, const struct packs_metrics *metrics)
{
    struct packs *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->attempts = attempts;
    p->metrics = *metrics;
    mutex_init(&p->lock);
    return p;
}

void packs_free(struct packs *p)
{
    if (!p)
        return;
    mutex_fini(&p->lock);
    free(p);
}

void packs_connect(struct packs *p, struct consumer *consumer, struct crew *crew)
{
    p->consumer = consumer;
    p->crew = crew;
}

bool packs_is_pack(const struct job *item)
{
    return strcmp(item->type, pack_type) == 0;
}

bool packs_is_ticket(const struct job *item)
{
    return item->type == ticket_type;
}

/* ---- life of an open pack ---- */

static void unref(struct open_pack *o)
{
    if (atomic_fetch_sub(&o->refs, 1) > 1)
        return;
    buf_fini(&o->texts);
    mutex_fini(&o->lock);
    pack_free(o->pack);
    free(o);
}

void packs_drop_ticket(struct job *ticket)
{
    unref((struct open_pack *)ticket);
}

/* NULL: no memory. Takes `pack` over then only. */
static struct open_pack *new_open(struct packs *p, struct job *job, struct pack *pack)
{
    struct open_pack *o = calloc(1, sizeof *o + pack->n * sizeof o->runs[0]);

    if (!o)
        return NULL;
    o->ticket.type = ticket_type;
    o->owner = p;
    o->job = job;
    o->pack = pack;
    mutex_init(&o->lock);
    atomic_init(&o->refs, 1);
    return o;
}

/* False: the worker is stopping, and nothing is to be started. */
static bool enlist(struct open_pack *o)
{
    struct packs *p = o->owner;
    bool stopping;

    mutex_lock(&p->lock);
    stopping = p->stopping;
    if (!stopping) {
        o->behind = p->open;
        if (p->open)
            p->open->before = o;
        p->open = o;
    }
    mutex_unlock(&p->lock);
    return !stopping;
}

static void delist(struct open_pack *o)
{
    struct packs *p = o->owner;

    mutex_lock(&p->lock);
    *(o->before ? &o->before->behind : &p->open) = o->behind;
    if (o->behind)
        o->behind->before = o->before;
    mutex_unlock(&p->lock);
}

/* Everything has ended: what failed is stored, then the pack is acknowledged. */
static void settle(struct open_pack *o)
{
    struct consumer *consumer = o->owner->consumer;

    delist(o);
    if (o->texts.len > 0 || o->texts.failed)
        consumer_store(consumer, o->job, &o->texts);
    else
        consumer_ack(consumer, o->job);
    o->job = NULL;
}

static void note_ended(struct open_pack *o, size_t n)
{
    if (atomic_fetch_add(&o->ended, (unsigned)n) + n == o->pack->n)
        settle(o);
}

/* ---- items that come again ---- */

static void add_text(struct buf *texts, const struct job *item)
{
    buf_add(texts, item->text.at, item->text.len);
    buf_add_char(texts, '\n');
}

static void add_verdict(struct open_pack *o, const struct job *item, const char *errtype,
                        const char *message, bool permanent)
{
    mutex_lock(&o->lock);
    verdict_write(&o->texts, item, errtype, message, permanent);
    buf_add_char(&o->texts, '\n');
    mutex_unlock(&o->lock);
}

/* ---- the work ---- */

/* Runs one item; returns when it ended. */
static int64_t run_item(struct open_pack *o, unsigned i, int64_t started_us)
{
    const struct job *item = &o->pack->items[i];
    struct item_run *run = &o->runs[i];
    unsigned char running = RUNNING;
    struct attempt attempt;
    int64_t ended_us;

    run->started_us = started_us;
    atomic_store(&run->state, RUNNING);
    attempt_run(o->owner->attempts, item, &attempt);
    ended_us = clock_us();
    if (atomic_compare_exchange_strong(&run->state, &running, ENDED)) {
        if (attempt_note(o->owner->attempts, &attempt, started_us, ended_us))
            add_verdict(o, item, attempt.call.errtype, buf_str(&attempt.call.text),
                        attempt_is_permanent(&attempt));
        note_ended(o, 1);
    }
    attempt_end(&attempt);
    return ended_us;
}

/* Calls one more thread, unless one is called already. Without room in the crew, or when that is
 * closed, the threads that are here go on alone. */
static void call_help(struct open_pack *o)
{
    if (atomic_load_explicit(&o->ticketed, memory_order_relaxed) || !o->owner->crew ||
        atomic_exchange(&o->ticketed, true))
        return;
    atomic_fetch_add(&o->refs, 1);
    if (crew_add(o->owner->crew, &o->ticket))
        return;
    atomic_store(&o->ticketed, false);
    atomic_fetch_sub(&o->refs, 1); /* never the last one: the caller has his */
}

static void work(struct open_pack *o)
{
    unsigned n = (unsigned)o->pack->n, i;
    int64_t at_us = clock_us();

    while ((i = atomic_fetch_add(&o->next, 1)) < n) {
        if (i + 1 < n)
            call_help(o);
        at_us = run_item(o, i, at_us);
    }
}

/* ---- packs that are not run ---- */

static void refuse(struct packs *p, struct job *job, int code, const char *why)
{
    bool permanent = code != ERR_NOMEM;

    log_warn("pack cannot be opened jid=%s permanent=%s why=\"%s\"", job->jid,
             permanent ? "yes" : "no", why);
    attempts_note_refused(p->attempts, job);
    consumer_fail(p->consumer, job, permanent ? "InvalidPack" : "OutOfMemory", why, permanent);
}

static void take_apart(struct packs *p, struct job *job, const struct pack *pack)
{
    struct buf texts = BUF_INIT(0);

    log_warn("a pack comes again, a worker died or took too long: its jobs are stored one by one "
             "jid=%s jobs=%zu",
             job->jid, pack->n);
    for (size_t i = 0; i < pack->n; i++)
        add_text(&texts, &pack->items[i]);
    consumer_store(p->consumer, job, &texts);
}

static void hand_back(struct packs *p, struct job *job)
{
    counter_add(p->metrics.handed_back, 1);
    consumer_hand_back(p->consumer, job);
}

static void open_and_run(struct packs *p, struct job *job)
{
    struct err_text why = {""};
    int code = 0;
    struct pack *pack = pack_open(job, &code, &why);
    struct open_pack *o = NULL;

    if (!pack) {
        refuse(p, job, code, why.text);
        return;
    }
    if (job->attempt > 1)
        take_apart(p, job, pack);
    else if (!(o = new_open(p, job, pack)))
        refuse(p, job, ERR_NOMEM, "out of memory for the pack");
    if (!o) {
        pack_free(pack);
        return;
    }
    counter_add(p->metrics.opened, 1);
    histogram_observe(p->metrics.items, (int64_t)pack->n);
    if (enlist(o))
        work(o);
    else
        hand_back(p, job);
    unref(o);
}

void packs_run(struct packs *p, struct crew_seat *seat, struct job *item)
{
    /* Not ours any more, only at the very end of a stop: it may be looked at, so it stays. */
    if (!crew_claim(seat))
        return;
    if (packs_is_ticket(item)) {
        struct open_pack *o = (struct open_pack *)item;

        atomic_store(&o->ticketed, false);
        work(o);
        unref(o);
    } else
        open_and_run(p, item);
}

/* ---- stopping ---- */

static void stop_one(struct open_pack *o)
{
    unsigned n = (unsigned)o->pack->n, first = atomic_exchange(&o->next, n);

    if (first >= n)
        return;
    mutex_lock(&o->lock);
    for (unsigned i = first; i < n; i++)
        add_text(&o->texts, &o->pack->items[i]);
    mutex_unlock(&o->lock);
    counter_add(o->owner->metrics.handed_back, n - first);
    note_ended(o, n - first);
}

static void cut_one(struct open_pack *o)
{
    for (size_t i = 0; i < o->pack->n; i++) {
        unsigned char running = RUNNING;
        struct buf message = BUF_INIT(0);

        if (!atomic_compare_exchange_strong(&o->runs[i].state, &running, TAKEN))
            continue;
        attempt_give_up(o->owner->attempts, &o->pack->items[i], o->runs[i].started_us, &message);
        add_verdict(o, &o->pack->items[i], attempt_stopped, buf_str(&message), false);
        buf_fini(&message);
        note_ended(o, 1);
    }
}

/* Does it to every open pack, each held by a reference meanwhile, and without the lock. */
static void for_all(struct packs *p, void (*what)(struct open_pack *o))
{
    struct open_pack *all = NULL, *o;

    mutex_lock(&p->lock);
    p->stopping = true;
    for (o = p->open; o; o = o->behind) {
        atomic_fetch_add(&o->refs, 1);
        o->next_held = all;
        all = o;
    }
    mutex_unlock(&p->lock);
    while ((o = all) != NULL) {
        all = o->next_held;
        what(o);
        unref(o);
    }
}

void packs_stop(struct packs *p)
{
    for_all(p, stop_one);
}

void packs_cut(struct packs *p)
{
    for_all(p, cut_one);
}
