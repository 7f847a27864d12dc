// SPDX-License-Identifier: MIT
/*
 * packs - what is done with a job that carries many (common/pack): open it, spread its items over
 * the crew's threads, and settle it when all of them have ended.
 *
 * Properties: each item is run, counted and logged like a job of its own. Those that failed are
 * stored again with their error before the pack is acknowledged. A crash repeats at most the pack;
 * one that comes a second time is not run again but taken apart: each item becomes a job of its
 * own, so that an item that kills its worker does so alone.
 */
#ifndef WORKER_PACKS_H
#define WORKER_PACKS_H

#include <stdbool.h>

#include "common/fetch/consumer.h"
#include "worker/attempt.h"
#include "worker/crew.h"

struct packs;

/* Every pointer may be NULL. */
struct packs_metrics {
    struct counter *opened;
    struct histogram *items;     /* in each */
    struct counter *handed_back; /* items that were not started when the worker stopped */
};

/* `attempts` is borrowed, `metrics` copied. NULL: no memory. */
struct packs *packs_new(struct attempts *attempts, const struct packs_metrics *metrics);
void packs_free(struct packs *p); /* NULL is fine */

/* Before the crew is opened; both are borrowed. Without a crew (NULL) nothing is spread. */
void packs_connect(struct packs *p, struct consumer *consumer, struct crew *crew);

/*
 * What waits in the crew for a pack is either the pack as it was fetched, or a ticket: a call for
 * one more thread to help with a pack that is open. packs_run() takes both, of the crew's seat.
 */
bool packs_is_pack(const struct job *item);
bool packs_is_ticket(const struct job *item);
void packs_run(struct packs *p, struct crew_seat *seat, struct job *item);

/* For a ticket that no thread will take any more. */
void packs_drop_ticket(struct job *ticket);

/* The worker stops: items that were not started, of packs that were, are stored again; packs opened
 * from now on are handed back. Once. */
void packs_stop(struct packs *p);

/* Time is up: items that still run are failed (attempt_stopped). Once, after packs_stop(). */
void packs_cut(struct packs *p);

#endif
