// SPDX-License-Identifier: MIT
/*
 * mutation - which jobs of a set are to be moved where, as Faktory's MUTATE: pure text.
 *
 * MUTATE walks through one of Faktory's three sets and moves what fits. Its rules are odd, and a
 * slip empties the whole set, so they are kept here: an empty filter means every job; the JSON may
 * hold no blank; a job type is matched as a glob over the job's text; a job that is "killed" while
 * it is dead only starts its time among the dead anew.
 */
#ifndef TOOLS_WF_MUTATION_H
#define TOOLS_WF_MUTATION_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/err.h"

struct mutation_set {
    const char *name; /* as Faktory and the command line call it */
    const char *page; /* of Faktory's web page */
    bool kill;        /* makes sense there */
};

/* The set of that name, or NULL. */
const struct mutation_set *mutation_set(const char *name);

/* Plain values, borrowed. Exactly one of the last four says which jobs. */
struct mutation {
    const struct mutation_set *set;
    const char *action;  /* "requeue", "kill", "discard" */
    const char *ids;     /* jids separated by commas */
    const char *type;    /* the job type, as it is */
    const char *pattern; /* glob (* ? [...]) over the job's JSON text, anywhere in it */
    bool all;
};

/* 0, or ERR_INVALID with a sentence. */
int mutation_check(const struct mutation *m, struct err_text *why);

/* Appends the command line without its end. Only what mutation_check() has passed. */
void mutation_write(const struct mutation *m, struct buf *out);

#endif
