// SPDX-License-Identifier: MIT
#include "tools/wf/leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/wf/disk.h"

int leftover_init(struct leftover *l, const char *base, const char *ending)
{
    struct buf path = BUF_INIT(0);

    buf_addf(&path, "%s%s", base, ending);
    *l = (struct leftover){.path = buf_take(&path), .fd = -1};
    return l->path ? 0 : ERR_NOMEM;
}

void leftover_fini(struct leftover *l)
{
    if (l->fd >= 0)
        close(l->fd);
    free(l->path);
    buf_fini(&l->text);
    *l = (struct leftover){.fd = -1};
}

bool leftover_exists(const struct leftover *l)
{
    struct stat st;

    return stat(l->path, &st) == 0 && st.st_size > 0;
}

void leftover_add(struct leftover *l, const char *line, size_t len)
{
    buf_add(&l->text, line, len);
    buf_add_char(&l->text, '\n');
}

int leftover_sync(struct leftover *l, struct err_text *why)
{
    int code;

    if (l->text.len == 0 && !l->text.failed)
        return 0;
    if (l->fd < 0)
        l->fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (l->fd < 0)
        return err_set(why, ERR_IO, "%s: %s", l->path, strerror(errno));
    code = disk_append(l->fd, l->path, &l->text, why);
    buf_clear(&l->text);
    return code;
}
