// SPDX-License-Identifier: MIT
#include "tools/wf/disk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int disk_append(int fd, const char *path, const struct buf *bytes, struct err_text *why)
{
    size_t done = 0;

    if (bytes->failed)
        return err_set(why, ERR_NOMEM, "out of memory for %s", path);
    while (done < bytes->len) {
        ssize_t n = write(fd, bytes->data + done, bytes->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
        done += (size_t)n;
    }
    if (fdatasync(fd) != 0 && errno != EINVAL && errno != EROFS) /* a device, a pipe */
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    return 0;
}
