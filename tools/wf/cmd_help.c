// SPDX-License-Identifier: MIT
/* wf help - what there is, from the tables of commands, options and settings. */
#include <string.h>

#include "common/json/json_write.h"
#include "tools/wf/commands.h"
#include "tools/wf/wf.h"

enum { OPTION_COLUMN = 22 };

static void add_options(struct buf *out, const struct wf_option *options)
{
    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++) {
        size_t start = out->len;

        if (o->brief)
            buf_addf(out, "  -%c, --%s", o->brief, o->name);
        else
            buf_addf(out, "      --%s", o->name);
        if (o->value)
            buf_addf(out, " %s", o->value);
        buf_addf(out, "%*s%s\n",
                 (int)(out->len - start < OPTION_COLUMN + 4 ? OPTION_COLUMN + 6 - (out->len - start)
                                                            : 2),
                 "", o->help);
    }
}

static void add_usage(struct buf *out, const struct wf_command *c)
{
    buf_addf(out, "Usage: wf %s%s%s%s\n", c->name, *c->args ? " " : "", c->args,
             c->options ? " [OPTION]..." : "");
}

static void add_json_options(struct buf *out, const struct wf_option *options)
{
    const char *comma = "";

    buf_add_str(out, "\"options\":[");
    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++) {
        buf_addf(out, "%s{\"name\":\"--%s\",\"value\":", comma, o->name);
        json_write_cstr(out, o->value);
        buf_add_str(out, ",\"help\":");
        json_write_cstr(out, o->help);
        buf_add_char(out, '}');
        comma = ",";
    }
    buf_add_char(out, ']');
}

static void add_json_command(struct buf *out, const struct wf_command *c)
{
    buf_addf(out, "{\"name\":\"%s\",\"args\":", c->name);
    json_write_cstr(out, c->args);
    buf_add_str(out, ",\"summary\":");
    json_write_cstr(out, c->summary);
    buf_add_char(out, ',');
    add_json_options(out, c->options);
    buf_add_char(out, '}');
}

static int print(struct wf *wf, struct buf *text)
{
    int code = text->failed ? WF_NOT_DONE : WF_DONE;

    if (wf->out.json || text->failed)
        out_json(&wf->out, text);
    else
        out_text(&wf->out, "%s", buf_str(text));
    buf_fini(text);
    return code;
}

static int print_json_all(struct wf *wf)
{
    struct buf out = BUF_INIT(0);

    buf_add_str(&out, "{\"commands\":[");
    for (size_t i = 0; i < commands_n; i++) {
        buf_add_str(&out, i ? "," : "");
        add_json_command(&out, &commands[i]);
    }
    buf_add_str(&out, "],");
    add_json_options(&out, global_options);
    buf_add_char(&out, '}');
    return print(wf, &out);
}

int help_all(struct wf *wf)
{
    struct buf out = BUF_INIT(0);

    if (wf->out.json)
        return print_json_all(wf);
    buf_add_str(&out, "wf - the command line of Work Factory\n\n"
                      "Usage: wf COMMAND [ARGUMENT]... [OPTION]...\n\nCommands:\n");
    for (size_t i = 0; i < commands_n; i++)
        buf_addf(&out, "  %-12s%s\n", commands[i].name, commands[i].summary);
    buf_add_str(&out, "\nOptions of all commands, before or behind the name:\n");
    add_options(&out, global_options);
    buf_add_str(&out, "\nSettings (environment variables) and their defaults:\n");
    env_help(settings_vars, settings_vars_n, &out);
    buf_add_str(
        &out,
        "\nExit codes: 0 done; 1 something was not done; 2 wrong usage or settings;\n"
        "3 cannot be reached, nothing was stored; 4 it may be stored. \"man wf\" says more.\n");
    return print(wf, &out);
}

int help_one(struct wf *wf, const struct wf_command *c)
{
    struct buf out = BUF_INIT(0);

    if (wf->out.json) {
        add_json_command(&out, c);
        return print(wf, &out);
    }
    buf_addf(&out, "wf %s - %s\n\n", c->name, c->summary);
    add_usage(&out, c);
    if (c->options) {
        buf_add_str(&out, "\nOptions:\n");
        add_options(&out, c->options);
    }
    buf_add_str(&out, "\nOptions of all commands:\n");
    add_options(&out, global_options);
    return print(wf, &out);
}

int cmd_help(struct wf *wf, int argc, char **argv)
{
    const struct wf_command *c = argc > 0 ? command_find(argv[0]) : NULL;

    if (argc > 0 && !c)
        return wf_wrong(wf, "there is no command \"%.80s\" (see wf help)", argv[0]);
    return c ? help_one(wf, c) : help_all(wf);
}
