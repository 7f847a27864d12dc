// SPDX-License-Identifier: MIT
/*
 * outlet - the pusher as handlers see it: it may be called at any time, also while main is stopping
 * the pusher. pusher_stop() frees; a handler that is just checking a large batch must not find the
 * ground gone. Any thread; nothing here blocks but outlet_close().
 */
#ifndef API_OUTLET_H
#define API_OUTLET_H

#include <stdatomic.h>
#include <stdbool.h>

#include "common/push/pusher.h"

/* Embedded by value. */
struct outlet {
    struct pusher *pusher;
    atomic_uint users;
    atomic_bool closed;
};

void outlet_init(struct outlet *o, struct pusher *pusher);

/* From now on everything is refused; returns when nobody is inside a call any more. */
void outlet_close(struct outlet *o);

/* As pusher_add(), pusher_ask() and pusher_look(); closed: ERR_STOPPED, false, zeros. */
int outlet_add(struct outlet *o, struct push_job *first, unsigned n, struct err_text *why);
bool outlet_ask(struct outlet *o, struct link_command *command);
void outlet_look(struct outlet *o, struct pusher_state *state);

#endif
