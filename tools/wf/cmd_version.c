// SPDX-License-Identifier: MIT
/* wf version - the version of this program. */
#include "common/base/version.h"
#include "common/json/json_write.h"
#include "tools/wf/commands.h"
#include "tools/wf/wf.h"

int cmd_version(struct wf *wf, int argc, char **argv)
{
    struct buf json = BUF_INIT(0);

    (void)argc, (void)argv;
    if (!wf->out.json) {
        out_text(&wf->out, "wf %s\n", version);
        return WF_DONE;
    }
    buf_add_str(&json, "{\"version\":");
    json_write_cstr(&json, version);
    buf_add_char(&json, '}');
    out_json(&wf->out, &json);
    buf_fini(&json);
    return WF_DONE;
}
