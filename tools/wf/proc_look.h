// SPDX-License-Identifier: MIT
/*
 * proc_look - whose process is at the other end of a connection on this machine, and what that one
 * has started: /proc on Linux. Takes some milliseconds, changes nothing. Any thread.
 */
#ifndef TOOLS_WF_PROC_LOOK_H
#define TOOLS_WF_PROC_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The pid at the other end of a TCP connection; 0: it is not on this machine, or not to be seen
 * from this container; -1: it is here, and belongs to another user. */
pid_t proc_look_peer(int fd);

/* The child of `parent` whose command is `name`, or 0. */
pid_t proc_look_child(pid_t parent, const char *name);

/* The command of a process ("faktory"); false when it is gone. */
bool proc_look_name(pid_t pid, char *out, size_t room);

/* The path of the Unix socket on which the process listens, as that process names it. False when
 * there is none, or it belongs to another user. */
bool proc_look_listener(pid_t pid, char *out, size_t room);

#endif
