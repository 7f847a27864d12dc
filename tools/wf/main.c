// SPDX-License-Identifier: MIT
/* wf - the command line of Work Factory: reads what is asked for, calls the row of the table. */
#include <stdio.h>
#include <string.h>

#include "tools/wf/commands.h"
#include "tools/wf/wf.h"

/* All faults of settings are said together: a person mends them at once. */
static int read_settings(struct wf *wf)
{
    const struct args *a = &wf->args;
    struct buf errors = BUF_INIT(0);
    int code = settings_read(&wf->settings, args_given(a, "env-file"), args_given(a, "api"),
                             args_given(a, "faktory"), &errors);

    for (const char *line = buf_str(&errors); *line; line += strcspn(line, "\n") + 1)
        out_error(&wf->out, "%.*s", (int)strcspn(line, "\n"), line);
    if (errors.failed)
        out_error(&wf->out, "out of memory");
    buf_fini(&errors);
    return code == 0 ? WF_DONE : WF_WRONG;
}

static int run(struct wf *wf)
{
    const struct wf_command *command = wf->args.command;
    struct err_text why;
    int code;

    if (args_given(&wf->args, "help"))
        return command ? help_one(wf, command) : help_all(wf);
    if (args_given(&wf->args, "version"))
        return cmd_version(wf, 0, NULL);
    if (!command)
        return wf_wrong(wf, "what shall be done? (see wf help)");
    if (args_check(&wf->args, &why) != 0)
        return wf_wrong(wf, "%s", why.text);
    code = read_settings(wf);
    return code == WF_DONE ? command->run(wf, wf->args.argc, wf->args.argv) : code;
}

int main(int argc, char **argv)
{
    static struct wf wf; /* zeroed */
    struct err_text why;
    int code = args_read(&wf.args, argc, argv, &why);

    out_init(&wf.out, args_given(&wf.args, "json") != NULL, args_given(&wf.args, "quiet") != NULL,
             args_given(&wf.args, "no-color") != NULL);
    code = code == 0 ? run(&wf) : wf_wrong(&wf, "%s", why.text);
    if (!out_finish(&wf.out) && code == WF_DONE)
        code = WF_NOT_DONE;
    http_free(wf.http);
    server_free(wf.server);
    return code;
}
