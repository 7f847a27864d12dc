// SPDX-License-Identifier: MIT
/*
 * redis_look - looks at the Redis that a Faktory on this machine has started for itself: does it
 * keep what it was given?
 *
 * Faktory says nothing about its Redis. But it starts it as a child, on a Unix socket alone; so
 * whoever is allowed to look at Faktory's process finds it: the other end of our own connection,
 * its process, that one's child redis-server, and the socket on which that listens. Linux only,
 * blocks for a few seconds at the most, asks Redis for INFO and changes nothing.
 */
#ifndef TOOLS_WF_REDIS_LOOK_H
#define TOOLS_WF_REDIS_LOOK_H

#include "tools/wf/doctor.h"

/* `fd` is a connection to Faktory; `socket` (may be NULL) is where its Redis listens, and spares
 * the search. */
void redis_look(int fd, const char *socket, struct doctor_storage *out);

/* What INFO persistence says, in Redis' own words; for the test. 0 or ERR_PROTOCOL. */
int redis_look_read(const char *text, size_t len, struct doctor_storage *out);

#endif
