// SPDX-License-Identifier: MIT
#include "tools/wf/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "tools/wf/stop.h"

enum { READ_BYTES = 64 << 10 };

struct lines {
    int fd;
    const char *path;
    bool ended;
    int64_t size, number, offset;
    SHA2_CTX sha;          /* of what was taken */
    struct buf text;       /* read and not yet dropped */
    size_t from, searched; /* where the next line starts in it; no end of it is before that */
};

static int64_t size_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

struct lines *lines_open(const char *path, struct err_text *why)
{
    struct lines *l = calloc(1, sizeof *l);

    if (!l) {
        err_set(why, ERR_NOMEM, "out of memory");
        return NULL;
    }
    l->path = strcmp(path, "-") == 0 ? "standard input" : path;
    l->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (l->fd < 0) {
        err_set(why, ERR_IO, "%s: %s", l->path, strerror(errno));
        free(l);
        return NULL;
    }
    l->size = size_of(l->fd);
    SHA256Init(&l->sha);
    return l;
}

void lines_close(struct lines *l)
{
    if (!l)
        return;
    close(l->fd);
    buf_fini(&l->text);
    free(l);
}

/* Reads more behind what is there. 0, ERR_STOPPED or an error; sets `ended`. */
static int read_more(struct lines *l, struct err_text *why)
{
    char *to;
    ssize_t n;

    if (l->from > 0) {
        buf_consume(&l->text, l->from);
        l->searched -= l->from;
        l->from = 0;
    }
    if (!(to = buf_reserve(&l->text, READ_BYTES)))
        return err_set(why, ERR_NOMEM, "out of memory for a line");
    do
        n = read(l->fd, to, READ_BYTES);
    while (n < 0 && errno == EINTR && !stop_asked());
    if (n < 0 && errno == EINTR)
        return ERR_STOPPED;
    if (n < 0)
        return err_set(why, ERR_IO, "%s: %s", l->path, strerror(errno));
    l->ended = n == 0;
    buf_commit(&l->text, (size_t)n);
    return 0;
}

/* The next `len` bytes are a line, and `ends` more its end. */
static void take(struct lines *l, struct line *line, size_t len, size_t ends)
{
    const char *text = buf_str(&l->text) + l->from;

    SHA256Update(&l->sha, (const uint8_t *)text, len + ends);
    *line = (struct line){.number = ++l->number, .text = text, .len = len};
    if (len > 0 && text[len - 1] == '\r')
        line->len--;
    l->offset += (int64_t)(len + ends);
    l->from += len + ends;
    l->searched = l->from;
}

int lines_next(struct lines *l, struct line *line, struct err_text *why)
{
    for (;;) {
        const char *at = buf_str(&l->text);
        size_t len = l->text.len, have = len - l->from;
        const char *end = memchr(at + l->searched, '\n', len - l->searched);
        int code;

        if (end || (l->ended && have > 0)) {
            take(l, line, end ? (size_t)(end - at) - l->from : have, end ? 1 : 0);
            return 1;
        }
        if (l->ended)
            return 0;
        if (have > LINE_BYTES_MAX)
            return err_set(why, ERR_FULL,
                           "%s, line %" PRId64 ": longer than %d MiB; are these lines?", l->path,
                           l->number + 1, LINE_BYTES_MAX >> 20);
        l->searched = len;
        if ((code = read_more(l, why)) != 0)
            return code;
    }
}

int64_t lines_offset(const struct lines *l)
{
    return l->offset;
}

void lines_hash(const struct lines *l, char out[LINES_HASH_CHARS + 1])
{
    SHA2_CTX copy = l->sha;
    uint8_t digest[SHA256_DIGEST_LENGTH];

    SHA256Final(digest, &copy);
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4U];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15U];
    }
    out[LINES_HASH_CHARS] = '\0';
}

int64_t lines_size(const struct lines *l)
{
    return l->size;
}
