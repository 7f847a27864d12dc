// SPDX-License-Identifier: MIT
/*
 * procfs - what /proc says about processes and sockets: who really listens on a port, which child a
 * program started, and whether a process that is not our child is gone. Any thread.
 */
#ifndef TESTS_SUPPORT_PROCFS_H
#define TESTS_SUPPORT_PROCFS_H

#include <stdbool.h>
#include <sys/types.h>

/* True when this very process has the socket that listens on 127.0.0.1:port. */
bool procfs_owns_listener(pid_t pid, int port);

/* The pid of a child of `parent` whose command is `name` ("redis-server"), or 0. */
pid_t procfs_child(pid_t parent, const char *name);

/* True when the process with the command `name` has ended; a zombie has. */
bool procfs_gone(pid_t pid, const char *name);

/* True when every thread of the process is stopped: SIGSTOP reaches them one after the other. */
bool procfs_stopped(pid_t pid);

#endif
