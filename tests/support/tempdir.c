// SPDX-License-Identifier: MIT
#include "tests/support/tempdir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"

#define PATTERN "/wf-XXXXXX"

int tempdir_init(struct tempdir *t, struct err_text *why)
{
    const char *base = getenv("TMPDIR");

    if (!base || base[0] != '/' || strlen(base) + sizeof PATTERN > sizeof t->path)
        base = "/tmp";
    snprintf(t->path, sizeof t->path, "%s%s", base, PATTERN);
    if (!mkdtemp(t->path)) {
        t->path[0] = '\0';
        return err_set(why, ERR_IO, "no temporary folder in %s: %s", base, strerror(errno));
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    remove(path);
    return 0; /* what cannot be removed must not stop the rest */
}

void tempdir_fini(struct tempdir *t)
{
    if (t->path[0] == '\0')
        return;
    if (getenv("WF_KEEP_TMP"))
        fprintf(stderr, "kept %s\n", t->path);
    else
        nftw(t->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    t->path[0] = '\0';
}

char *file_text(const char *path)
{
    struct buf text = BUF_INIT(0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    char *to;

    if (fd < 0)
        return NULL;
    while ((to = buf_reserve(&text, 4096)) != NULL && (n = read(fd, to, 4096)) > 0)
        buf_commit(&text, (size_t)n);
    close(fd);
    to = n == 0 ? buf_take(&text) : NULL;
    buf_fini(&text);
    return to;
}
