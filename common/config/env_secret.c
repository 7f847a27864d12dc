// SPDX-License-Identifier: MIT
#include "common/config/env_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"

enum { FILE_BYTES_MAX = 4096 }; /* with the white space around it */

/* What is wrong with this secret, or NULL. */
static const char *fault(const char *text, size_t len)
{
    if (memchr(text, '\0', len))
        return "there is a NUL byte in it";
    if (memchr(text, '\n', len) || memchr(text, '\r', len))
        return "there is a line break in it";
    return len >= ENV_SECRET_MAX ? "it is longer" : NULL;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads at most `room` bytes of a regular file: their number, or -1 and what is wrong. */
static ssize_t read_file(const char *path, char *text, size_t room, const char **wrong)
{
    /* Without O_NONBLOCK a pipe that nobody writes to would hold up the start for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;
    ssize_t n = -1;
    size_t len = 0;

    *wrong = NULL;
    if (fd >= 0 && fstat(fd, &about) == 0 && !S_ISREG(about.st_mode))
        *wrong = "that is no regular file";
    while (fd >= 0 && !*wrong && len < room && (n = read(fd, text + len, room - len)) > 0)
        len += (size_t)n;
    if (n < 0 && !*wrong)
        *wrong = strerror(errno);
    if (fd >= 0)
        close(fd);
    return *wrong ? -1 : (ssize_t)len;
}

static int read_secret_file(const char *path, struct env_secret *out, struct buf *why)
{
    char text[FILE_BYTES_MAX + 1];
    const char *wrong, *at = text;
    ssize_t len = read_file(path, text, sizeof text, &wrong);

    while (len > 0 && is_space(at[len - 1]) && len <= FILE_BYTES_MAX)
        len--;
    for (; len > 0 && is_space(*at); at++)
        len--;
    if (len == 0)
        wrong = "the file is empty";
    else if (len > 0)
        wrong = fault(at, (size_t)len);
    if (wrong)
        buf_add_str(why, wrong);
    else {
        memcpy(out->text, at, (size_t)len);
        out->text[len] = '\0';
        out->file = path;
    }
    explicit_bzero(text, sizeof text);
    return wrong ? ERR_INVALID : 0;
}

int env_secret_read(const char *value, struct env_secret *out, struct buf *why)
{
    size_t len = strlen(value);
    const char *wrong;

    if (*value == '/')
        return read_secret_file(value, out, why);
    if ((wrong = fault(value, len)) != NULL) {
        buf_add_str(why, wrong);
        return ERR_INVALID;
    }
    memcpy(out->text, value, len + 1);
    out->file = NULL;
    return 0;
}

/* Is there what the first part of this path names? */
static bool begins_like_a_path(const char *value)
{
    char first[ENV_SECRET_MAX];
    size_t len = strspn(value, "/");

    len += strcspn(value + len, "/");
    if (*value != '/' || len >= sizeof first)
        return false;
    memcpy(first, value, len);
    first[len] = '\0';
    return access(first, F_OK) == 0;
}

void env_secret_show(const char *value, struct buf *out)
{
    if (*value)
        buf_add_str(out, begins_like_a_path(value) ? value : "***");
}
