// SPDX-License-Identifier: MIT
/* wf status - how the API and Faktory are, once. */
#include <string.h>

#include "tools/wf/commands.h"
#include "tools/wf/snapshot.h"
#include "tools/wf/status.h"
#include "tools/wf/wf.h"

int cmd_status(struct wf *wf, int argc, char **argv)
{
    struct snapshot s = {.wall_ms = 0};
    struct buf json = BUF_INIT(0);
    int code;

    (void)argc, (void)argv;
    snapshot_take(&s, wf);
    if (wf->out.json) {
        snapshot_json(&s, wf, &json);
        out_json(&wf->out, &json);
    } else
        status_print(&s, wf);
    code = snapshot_code(&s);
    buf_fini(&json);
    snapshot_fini(&s);
    return code;
}
