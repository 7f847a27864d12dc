// SPDX-License-Identifier: MIT
#include "api/outlet.h"

#include <string.h>
#include <time.h>

void outlet_init(struct outlet *o, struct pusher *pusher)
{
    o->pusher = pusher;
    atomic_init(&o->users, 0);
    atomic_init(&o->closed, false);
}

/* The user counts himself before he looks, outlet_close() looks at the count after it closed: one
 * of the two sees the other. A count and no lock, since a settled push may lead to the next. */
static bool enter(struct outlet *o)
{
    atomic_fetch_add(&o->users, 1);
    return !atomic_load(&o->closed);
}

static void leave(struct outlet *o)
{
    atomic_fetch_sub(&o->users, 1);
}

void outlet_close(struct outlet *o)
{
    static const struct timespec moment = {.tv_nsec = 1000000};

    atomic_store(&o->closed, true);
    while (atomic_load(&o->users) > 0)
        nanosleep(&moment, NULL); /* calls inside do not block, so this is over at once */
}

int outlet_add(struct outlet *o, struct push_job *first, unsigned n, struct err_text *why)
{
    int code = ERR_STOPPED;

    if (enter(o))
        code = pusher_add(o->pusher, first, n, why);
    else
        err_set(why, code, "the service is stopping");
    leave(o);
    return code;
}

bool outlet_ask(struct outlet *o, struct link_command *command)
{
    bool taken = enter(o) && pusher_ask(o->pusher, command);

    leave(o);
    return taken;
}

void outlet_look(struct outlet *o, struct pusher_state *state)
{
    memset(state, 0, sizeof *state);
    if (enter(o))
        pusher_look(o->pusher, state);
    leave(o);
}
