// SPDX-License-Identifier: MIT
/* info - what Faktory's INFO says, cut down to what our programs show, under names that say it.
 * Pure text; any thread. */
#ifndef COMMON_FAKTORY_INFO_H
#define COMMON_FAKTORY_INFO_H

#include "common/base/buf.h"
#include "common/json/json.h"

/*
 * Appends {"version","uptime_seconds","connections","command_count","total_processed",
 * "total_failures","total_enqueued","queues":{name:size},"scheduled","retries","dead","working"}
 * of a checked INFO. What it does not hold is left out.
 */
void info_write(struct json_slice info, struct buf *out);

#endif
