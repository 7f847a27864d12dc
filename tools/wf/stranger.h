// SPDX-License-Identifier: MIT
/*
 * stranger - what listens on a port where Faktory was expected: asks it in the words of those that
 * are found there most often. Each attempt is a connection of its own; blocks for a few seconds at
 * the most. Any thread.
 */
#ifndef TOOLS_WF_STRANGER_H
#define TOOLS_WF_STRANGER_H

#include "common/faktory/net.h"
#include "common/faktory/url.h"
#include "tools/wf/doctor.h"

enum doctor_stranger stranger_ask(const struct url *url, const struct net_options *net);

#endif
