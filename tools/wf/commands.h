// SPDX-License-Identifier: MIT
/* commands - the table of all commands, in the order in which help shows them. A new one is a row
 * here, a file cmd_<name>.c, and its part of wf.1. */
#ifndef TOOLS_WF_COMMANDS_H
#define TOOLS_WF_COMMANDS_H

#include "tools/wf/command.h"

extern const struct wf_command commands[];
extern const size_t commands_n;

/* The options that every command takes, before or behind its name. */
extern const struct wf_option global_options[];

int cmd_push(struct wf *wf, int argc, char **argv);
int cmd_batch(struct wf *wf, int argc, char **argv);
int cmd_status(struct wf *wf, int argc, char **argv);
int cmd_watch(struct wf *wf, int argc, char **argv);
int cmd_queues(struct wf *wf, int argc, char **argv);
int cmd_version(struct wf *wf, int argc, char **argv);
int cmd_help(struct wf *wf, int argc, char **argv);
int cmd_completion(struct wf *wf, int argc, char **argv);

int cmd_workers(struct wf *wf, int argc, char **argv);
int cmd_set(struct wf *wf, int argc, char **argv); /* retries, dead, scheduled */
int cmd_doctor(struct wf *wf, int argc, char **argv);
int cmd_bench(struct wf *wf, int argc, char **argv);

extern const struct wf_option sets_options[], doctor_options[], bench_options[];

/* `wf help` without a command: all of them, options and settings, on standard output. */
int help_all(struct wf *wf);
int help_one(struct wf *wf, const struct wf_command *command);

#endif
