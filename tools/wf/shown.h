// SPDX-License-Identifier: MIT
/* shown - numbers as people read them. Pure text. */
#ifndef TOOLS_WF_SHOWN_H
#define TOOLS_WF_SHOWN_H

#include <stdint.h>

#include "common/json/json.h"

enum { SHOWN_MAX = 48 };

/* "45 s", "2 min 5 s", "3 h 20 min", "4 d 2 h". */
const char *shown_seconds(int64_t s, char out[SHOWN_MAX]);

/* A number of an answer: as it is, or "-" when it is not there. */
const char *shown_member(struct json_slice object, const char *name, char out[SHOWN_MAX]);

/* The same as a value, or `otherwise`. */
int64_t shown_int(struct json_slice object, const char *name, int64_t otherwise);

#endif
