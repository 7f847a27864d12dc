// SPDX-License-Identifier: MIT
/*
 * tempdir - a folder for one test, under $TMPDIR or /tmp, removed with all that is in it at the
 * end. Its path is short on purpose: Redis' socket lies in it, and a socket's path has 107 bytes at
 * most. WF_KEEP_TMP=1 keeps the folder, to look at the logs of a test that failed.
 */
#ifndef TESTS_SUPPORT_TEMPDIR_H
#define TESTS_SUPPORT_TEMPDIR_H

#include "common/base/err.h"

enum { TEMPDIR_MAX = 72 };

/* Embedded by value; `path` may be read, "" means that there is none. */
struct tempdir {
    char path[TEMPDIR_MAX];
};

/* Makes the folder. 0, or ERR_IO. */
int tempdir_init(struct tempdir *t, struct err_text *why);

/* Removes it. Works on one that was never made, and twice. */
void tempdir_fini(struct tempdir *t);

/* The contents of a file as a malloc'd string, or NULL. A file that is still growing is fine. */
char *file_text(const char *path);

#endif
