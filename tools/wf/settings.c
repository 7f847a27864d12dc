// SPDX-License-Identifier: MIT
#include "tools/wf/settings.h"

#include <string.h>

#include "common/config/env_file.h"
#include "common/faktory/settings_vars.h"

/* http[s]://host[:port][/path], without user, query or blanks. */
static int api_url_check(const char *text, struct buf *expected)
{
    const char *host = strstr(text, "://");
    bool known = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;

    if (known && host[3] != '\0' && host[3] != '/' && host[3] != ':' &&
        strpbrk(text, " \t\r\n?#@") == NULL)
        return 0;
    buf_add_str(expected, "http://host[:port]");
    return ERR_INVALID;
}

const struct env_var settings_vars[] = {
    {.name = "WF_API_URL",
     .kind = ENV_STRING,
     .offset = offsetof(struct settings, api_url),
     .fallback = "http://127.0.0.1:3000",
     .secret = true, /* a password in it is refused, and not shown then */
     .check = api_url_check,
     .help = "Where api-service is: http://host[:port]."},
    {.name = "WF_TIMEOUT",
     .kind = ENV_MS,
     .offset = offsetof(struct settings, timeout_ms),
     .fallback = "40s",
     .min = 100,
     .max = 3600000,
     .help = "Longest wait for an answer. Longer than API_REQUEST_TIMEOUT of the service, or wf "
             "gives up on what the service is still about to answer."},
    FAKTORY_SETTINGS_VARS(struct settings, faktory_url, faktory_password, faktory),
};

const size_t settings_vars_n = sizeof settings_vars / sizeof settings_vars[0];

typedef int check_fn(const char *value, struct buf *expected);

/* An option's value in place of a variable's. */
static void take(const char *name, const char *value, check_fn *check, const char **field,
                 struct buf *errors)
{
    struct buf expected = BUF_INIT(0);

    if (!value)
        return;
    *field = value;
    if (check(value, &expected) != 0) /* one with an @ is not shown: it may hold a password */
        buf_addf(errors, "--%s \"%.80s\": expected %s\n", name, strchr(value, '@') ? "***" : value,
                 buf_str(&expected));
    buf_fini(&expected);
}

int settings_read(struct settings *s, const char *env_file, const char *api, const char *faktory,
                  struct buf *errors)
{
    memset(s, 0, sizeof *s);
    if (env_file)
        env_file_load(env_file, errors);
    env_read(settings_vars, settings_vars_n, s, errors);
    take("api", api, api_url_check, &s->api_url, errors);
    take("faktory", faktory, url_check, &s->faktory_url, errors);
    url_check_with(s->faktory_url, s->faktory_password.text,
                   faktory ? "--faktory " : "FAKTORY_URL=", errors);
    if (errors->len > 0 || errors->failed)
        return ERR_INVALID;
    return url_parse_with(s->faktory_url, s->faktory_password.text, &s->faktory.url, NULL);
}
