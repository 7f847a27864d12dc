// SPDX-License-Identifier: MIT
/* completion - scripts that make a shell complete wf's commands and options, written from the
 * tables of commands. Pure text. */
#ifndef TOOLS_WF_COMPLETION_H
#define TOOLS_WF_COMPLETION_H

#include "common/base/buf.h"

void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);

#endif
