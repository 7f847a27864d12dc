// SPDX-License-Identifier: MIT
/* info - what Faktory's INFO says, cut down to what our programs show, under names that say it.
 * Pure text; any thread. */
#ifndef COMMON_FAKTORY_INFO_H
#define COMMON_FAKTORY_INFO_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/json/json.h"

/* What is kept of an INFO: where it is there, and what it is here. */
struct info_member {
    const char *section, *group, *name; /* group NULL: in the section itself */
    const char *as;
    enum json_type type; /* JSON_NUMBER: a whole one; JSON_OBJECT: of such numbers */
    const char *help;
};
extern const struct info_member info_members[];
extern const size_t info_members_n;

/*
 * Appends {"version","uptime_seconds","connections","command_count","total_processed",
 * "total_failures","total_enqueued","queues":{name:size},"scheduled","retries","dead","working"}
 * of a checked INFO. What it does not hold is left out.
 */
void info_write(struct json_slice info, struct buf *out);

#endif
