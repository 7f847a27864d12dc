// SPDX-License-Identifier: MIT
#include "tools/wf/commands.h"

#include "tools/wf/wf.h"

const struct wf_option global_options[] = {
    {"api", 0, "URL", "the API to talk to, instead of WF_API_URL"},
    {"faktory", 0, "URL", "the Faktory to talk to, instead of FAKTORY_URL"},
    {"env-file", 0, "FILE", "read NAME=value lines; what the environment holds wins"},
    {"json", 'j', NULL, "print JSON, for programs"},
    {"quiet", 'q', NULL, "print results and errors only"},
    {"no-color", 0, NULL, "no colours, as with NO_COLOR"},
    {"help", 'h', NULL, "print help, for the command if there is one"},
    {"version", 'V', NULL, "print the version"},
    {0},
};

static const struct wf_option push_options[] = {
    {"queue", 0, "NAME", "the queue it goes to, one of the service's API_QUEUES"},
    {"at", 0, "TIME", "not before then: 2030-01-31T12:00:00Z, or +90s, +5m, +2h from now"},
    {"retry", 0, "N", "how often it is tried again; 0: never, -1: to the dead at once"},
    {"reserve-for", 0, "TIME", "how long a worker may take, 60s to 24h"},
    {"custom", 0, "JSON", "an object that travels with it"},
    {"id", 0, "ID", "an id of your own: it travels as custom.request_id"},
    {0},
};

static const struct wf_option batch_options[] = {
    {"chunk", 0, "N", "lines in one request; 1000 unless said"},
    {"pack", 0, "N", "up to N short jobs travel as one, see docs/packs.md"},
    {"give-up", 0, "TIME", "longest wait while nothing can be stored; 5m unless said"},
    {"progress", 0, "FILE", "where it keeps what is done; FILE.progress unless said"},
    {0},
};

static const struct wf_option watch_options[] = {
    {"interval", 'i', "TIME", "time between two looks; 2s unless said"},
    {"count", 'n', "N", "end after N looks"},
    {0},
};

static const struct wf_option queues_options[] = {
    WF_OPTION_YES,
    {0},
};

const struct wf_command commands[] = {
    {.name = "push",
     .args = "TYPE [ARG...]",
     .least = 1,
     .most = -1,
     .summary = "store one job and print its id",
     .words = "math_add math_subtract math_multiply math_divide",
     .options = push_options,
     .run = cmd_push},
    {.name = "batch",
     .args = "FILE|-",
     .least = 1,
     .most = 1,
     .summary = "store the jobs of a file of JSON lines; safe to interrupt and to repeat",
     .options = batch_options,
     .run = cmd_batch},
    {.name = "status",
     .args = "",
     .summary = "print how the API and Faktory are",
     .run = cmd_status},
    {.name = "watch",
     .args = "",
     .summary = "print it again and again",
     .options = watch_options,
     .run = cmd_watch},
    {.name = "queues",
     .args = "[pause|resume|remove NAME...]",
     .most = -1,
     .summary = "print queues, sizes and latencies; pause, resume or remove some",
     .words = "pause resume remove",
     .options = queues_options,
     .run = cmd_queues},
    {.name = "retries",
     .args = "[requeue|kill|discard]",
     .most = 1,
     .summary = "count jobs that will be tried again; requeue, kill or discard some",
     .words = "requeue kill discard",
     .options = set_options,
     .run = cmd_set},
    {.name = "dead",
     .args = "[requeue|discard]",
     .most = 1,
     .summary = "count dead jobs; requeue or discard some",
     .words = "requeue discard",
     .options = set_options,
     .run = cmd_set},
    {.name = "scheduled",
     .args = "[requeue|kill|discard]",
     .most = 1,
     .summary = "count jobs with a start in the future; requeue, kill or discard some",
     .words = "requeue kill discard",
     .options = set_options,
     .run = cmd_set},
    {.name = "doctor",
     .args = "",
     .summary = "look at the installation, and say what to change",
     .words = "",
     .options = doctor_options,
     .run = cmd_doctor},
    {.name = "version", .args = "", .summary = "print the version", .run = cmd_version},
    {.name = "help",
     .args = "[COMMAND]",
     .most = 1,
     .summary = "print help",
     .words = "COMMAND",
     .run = cmd_help},
    {.name = "completion",
     .args = "bash|zsh",
     .least = 1,
     .most = 1,
     .summary = "print a completion script for the shell",
     .words = "bash zsh",
     .run = cmd_completion},
};

const size_t commands_n = sizeof commands / sizeof commands[0];
