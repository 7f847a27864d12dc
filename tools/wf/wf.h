// SPDX-License-Identifier: MIT
/*
 * wf - what every command works with: the command line, settings, output, and the two it talks to.
 * main.c makes one; the commands read it. One thread.
 */
#ifndef TOOLS_WF_WF_H
#define TOOLS_WF_WF_H

#include <stdbool.h>

#include "tools/wf/args.h"
#include "tools/wf/command.h"
#include "tools/wf/http.h"
#include "tools/wf/out.h"
#include "tools/wf/server.h"
#include "tools/wf/settings.h"

struct wf {
    struct args args;
    struct settings settings;
    struct out out;
    struct http *http;     /* made by wf_http() */
    struct server *server; /* made by wf_server() */
};

/* The clients, made at the first call; they connect when they are asked something. NULL: out of
 * memory, which was said. */
struct http *wf_http(struct wf *wf);
struct server *wf_server(struct wf *wf);

/* Says on standard error what is wrong and returns WF_WRONG, for `return wf_wrong(...)`. */
__attribute__((format(printf, 2, 3))) int wf_wrong(const struct wf *wf, const char *fmt, ...);

/* Says why the API, or Faktory, gave no answer, and what to try. Returns WF_AWAY. */
int wf_api_away(const struct wf *wf, const struct err_text *why);
int wf_faktory_away(const struct wf *wf, const struct err_text *why);

/* Asks a person; true for yes. --yes among the command's options answers for them; without a
 * terminal to ask on the answer is no, which is said. */
__attribute__((format(printf, 2, 3))) bool wf_sure(const struct wf *wf, const char *fmt, ...);

/* The row of the option that wf_sure() looks for, for tables of commands that ask. */
#define WF_OPTION_YES                                                                              \
    {                                                                                              \
        "yes", 'y', NULL, "do not ask, do it"                                                      \
    }

#endif
