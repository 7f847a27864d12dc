// SPDX-License-Identifier: MIT
/* command_queue - the commands of a link in a row: singly linked, appended at the tail. The room's
 * own; whoever has the queue has the lock. */
#ifndef COMMON_FAKTORY_COMMAND_QUEUE_H
#define COMMON_FAKTORY_COMMAND_QUEUE_H

#include "common/faktory/link.h"

struct command_queue {
    struct link_command *head, **tail;
};

static inline void command_queue_clear(struct command_queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

static inline void command_queue_add(struct command_queue *q, struct link_command *c)
{
    c->next = NULL;
    *q->tail = c;
    q->tail = &c->next;
}

/* The first one, or NULL. */
static inline struct link_command *command_queue_take(struct command_queue *q)
{
    struct link_command *c = q->head;

    if (c && !(q->head = c->next))
        q->tail = &q->head;
    return c;
}

/* Moves all of src behind dst. */
static inline void command_queue_move(struct command_queue *dst, struct command_queue *src)
{
    if (!src->head)
        return;
    *dst->tail = src->head;
    dst->tail = src->tail;
    command_queue_clear(src);
}

#endif
