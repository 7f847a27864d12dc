// SPDX-License-Identifier: MIT
#include "tools/wf/command.h"

#include <string.h>

#include "tools/wf/commands.h"

const struct wf_command *command_find(const char *name)
{
    for (size_t i = 0; i < commands_n; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct wf_option *option_next(const struct wf_option *options)
{
    return options && options->name ? options : NULL;
}

const struct wf_option *option_find(const struct wf_option *options, const char *name, size_t len)
{
    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

const struct wf_option *option_brief(const struct wf_option *options, char brief)
{
    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++)
        if (o->brief == brief && brief)
            return o;
    return NULL;
}
