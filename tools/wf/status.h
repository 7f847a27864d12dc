// SPDX-License-Identifier: MIT
/* status - a snapshot as people read it, on standard output. */
#ifndef TOOLS_WF_STATUS_H
#define TOOLS_WF_STATUS_H

#include "tools/wf/snapshot.h"

void status_print(const struct snapshot *s, const struct wf *wf);

#endif
