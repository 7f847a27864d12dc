// SPDX-License-Identifier: MIT
/*
 * The check of Faktory's Redis: does a job that was stored survive a crash?
 *
 * Faktory 1.9.4 starts it with snapshots alone: after 30 s with five changes, after 120 s with one.
 * What was accepted since the last one is gone when Redis or the machine crashes. A file to which
 * every write is appended closes that gap to a second. It must be switched on
 * in the running Redis first: one that starts with the setting and finds only a snapshot comes up
 * empty (Redis 7.0).
 */
#include <inttypes.h>

#include "tools/wf/doctor.h"

/* `%s` is the socket. */
#define SWITCH_ON                                                                                  \
    "redis-cli -s %s CONFIG SET appendonly yes makes it append every write from now on, until "    \
    "Faktory restarts. To keep it so, have `appendonly yes` in the redis.conf that Faktory "       \
    "starts it with (1.9.4: /tmp/redis.conf, which it writes only where there is none) - but "     \
    "never that alone: a Redis that starts with it and has only a snapshot comes up empty, so "    \
    "CONFIG SET first, wait until INFO persistence says aof_rewrite_in_progress:0, then restart."

static void seen(const struct doctor_storage *s, struct doctor_report *r)
{
    if (s->append_only && s->append_good)
        doctor_found(r, DOCTOR_OK, "Faktory's Redis (%s) appends every write to a file.",
                     s->socket);
    else if (s->append_only)
        doctor_change(
            doctor_found(r, DOCTOR_BROKEN,
                         "The last write of Faktory's Redis (%s) to its append-only "
                         "file failed.",
                         s->socket),
            "Is the disk full? Its log, redis.log in Faktory's storage folder, says why.");
    else
        doctor_change(doctor_found(r, DOCTOR_ADVICE,
                                   "Faktory's Redis keeps snapshots only (appendonly no): a crash "
                                   "loses what was stored in the last 30 to 120 s, %" PRId64
                                   " changes at this moment.",
                                   s->unsaved),
                      SWITCH_ON, s->socket);
    if (!s->snapshot_good)
        doctor_change(doctor_found(r, DOCTOR_BROKEN,
                                   "The last snapshot of Faktory's Redis failed; as it is set up, "
                                   "it refuses writes until one succeeds."),
                      "Is the disk full, or vm.overcommit_memory=0 with little memory? redis.log "
                      "in Faktory's storage folder says why.");
}

void doctor_check_storage(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct doctor_storage *s = &facts->storage;
    struct doctor_finding *f;

    if (s->sight == STORAGE_SEEN) {
        seen(s, r);
        return;
    }
    if (s->sight == STORAGE_MUTE) {
        f = doctor_found(r, DOCTOR_BROKEN, "Faktory's Redis (%s) cannot be asked: %s.", s->socket,
                         s->why);
        doctor_change(f, "Does it hang, or may this user not open the socket?");
        return;
    }
    if (s->sight == STORAGE_HIDDEN)
        f = doctor_found(r, DOCTOR_ADVICE,
                         "Whether Faktory's Redis keeps what it stores cannot be seen: Faktory's "
                         "process belongs to another user.");
    else
        f = doctor_found(r, DOCTOR_ADVICE,
                         "Whether Faktory's Redis keeps what it stores cannot be seen from here: "
                         "%s.",
                         s->why[0] ? s->why : "Faktory is on another machine, or in a container");
    doctor_change(f,
                  "Run wf doctor %s, or say --redis-socket PATH (redis.sock in Faktory's storage "
                  "folder; INFO persistence there should say aof_enabled:1). --skip storage "
                  "leaves this out.",
                  s->sight == STORAGE_HIDDEN ? "as that user or as root" : "where Faktory runs");
}
