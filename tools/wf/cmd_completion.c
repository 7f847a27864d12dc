// SPDX-License-Identifier: MIT
/* wf completion - prints the completion script of a shell. */
#include <string.h>

#include "tools/wf/commands.h"
#include "tools/wf/completion.h"
#include "tools/wf/wf.h"

static const struct {
    const char *name;
    void (*write)(struct buf *out);
} shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}};

int cmd_completion(struct wf *wf, int argc, char **argv)
{
    struct buf out = BUF_INIT(0);

    (void)argc;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(argv[0], shells[i].name) == 0)
            shells[i].write(&out);
    if (out.len == 0)
        return wf_wrong(wf, "\"%.80s\": expected bash or zsh", argv[0]);
    out_text(&wf->out, "%s", buf_str(&out));
    buf_fini(&out);
    return WF_DONE;
}
