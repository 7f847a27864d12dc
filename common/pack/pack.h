// SPDX-License-Identifier: MIT
/*
 * pack - one Faktory job that carries many jobs of one queue, as text and back.
 *
 *   {"jid","jobtype":"wf_pack","queue","args":[item,...],"retry","reserve_for",
 *    "custom":{"wf_pack":{"items":N,"encoding":"json"}}}
 *
 * An item is a job as job_write() makes it. A list of items of more than 1 KiB is compressed:
 * "encoding" is then "gzip", and args holds one string, the base64 of the gzip of the list's text.
 * Pure data, no locks. docs/packs.md says what packs are for, and what they cost.
 */
#ifndef COMMON_PACK_PACK_H
#define COMMON_PACK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/faktory/job.h"

enum {
    PACK_ITEMS_MAX = 500,
    PACK_TEXT_MAX = 4 << 20, /* of the list of items; ours are smaller than a command */
    PACK_ZIP_FROM = 1 << 10,
    PACK_FRAME_MAX = 512, /* what a pack has besides its items, at most */
};

extern const char pack_type[]; /* "wf_pack" */

/* May this job travel in a pack? Not one for later (`at`), whose time would be lost; not one that
 * is to be run at most once (retry 0) or buried at its first failure (negative), since a pack may
 * be repeated; not one whose arguments are nested so deeply that the pack could not be read. */
bool pack_takes(const struct job_spec *spec);

/* Strings are borrowed. */
struct pack_spec {
    const char *jid, *queue;
    int64_t retry, reserve_for_s;
    size_t n;               /* items */
    struct json_slice list; /* "[item,...]" */
};

/* Appends the pack as one JSON object, at most PACK_FRAME_MAX longer than the list. */
void pack_write(struct buf *out, const struct pack_spec *spec);

/* An opened pack: one allocation, independent of the job it came in. The items are jobs like
 * fetched ones, but that time runs by the pack's reservation: reserve_for_s and fetched_ms are the
 * pack's. They are not to be freed one by one. */
struct pack {
    size_t n;
    struct job items[];
};

/* NULL with `why` set; *code (ERR_NOMEM: another try may help; ERR_INVALID: none will). */
struct pack *pack_open(const struct job *job, int *code, struct err_text *why);
void pack_free(struct pack *p); /* NULL is fine */

#endif
