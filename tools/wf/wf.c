// SPDX-License-Identifier: MIT
#include "tools/wf/wf.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

struct http *wf_http(struct wf *wf)
{
    if (!wf->http && !(wf->http = http_new(wf->settings.api_url)))
        out_error(&wf->out, "out of memory for HTTP");
    return wf->http;
}

struct server *wf_server(struct wf *wf)
{
    if (!wf->server && !(wf->server = server_new(&wf->settings.faktory, wf->settings.timeout_ms)))
        out_error(&wf->out, "out of memory for a connection");
    return wf->server;
}

int wf_wrong(const struct wf *wf, const char *fmt, ...)
{
    struct err_text text;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text.text, sizeof text.text, fmt, ap);
    va_end(ap);
    out_error(&wf->out, "%s", text.text);
    return WF_WRONG;
}

int wf_api_away(const struct wf *wf, const struct err_text *why)
{
    out_error(&wf->out,
              "cannot reach the API at %s; is api-service running there? WF_API_URL or --api says "
              "where it is, wf doctor looks closer",
              why->text);
    return WF_AWAY;
}

int wf_faktory_away(const struct wf *wf, const struct err_text *why)
{
    out_error(&wf->out,
              "%s; is it running there? FAKTORY_URL or --faktory says where it is, wf doctor looks "
              "closer",
              why->text);
    return WF_AWAY;
}

bool wf_sure(const struct wf *wf, const char *fmt, ...)
{
    char answer[16] = "";
    va_list ap;

    if (args_given(&wf->args, "yes"))
        return true;
    if (!isatty(STDIN_FILENO)) {
        out_error(&wf->out, "there is no terminal to ask on: say --yes if you are sure");
        return false;
    }
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs(" [y/N] ", stderr);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}
