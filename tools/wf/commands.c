// SPDX-License-Identifier: MIT
#include "tools/wf/commands.h"

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

const struct wf_command commands[] = {
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
