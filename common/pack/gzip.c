// SPDX-License-Identifier: MIT
#include "common/pack/gzip.h"

#include <limits.h>
#include <zlib.h>

#include "common/base/err.h"

enum {
    LEVEL = 1,             /* the items of a pack are so alike that more effort finds little more */
    GZIP_WINDOW = 15 + 16, /* zlib's way to say: gzip, the usual window */
    MEMORY = 8,
    STEP = 16 << 10, /* least room to grow by while reading */
};

/* zlib counts in unsigned int and takes its input without const. */
static bool begin(z_stream *z, const void *bytes, size_t len)
{
    *z = (z_stream){.next_in = (Bytef *)(size_t)bytes, .avail_in = (uInt)len};
    return len <= INT_MAX;
}

int gzip_write(struct buf *out, const void *bytes, size_t len)
{
    z_stream z;
    size_t bound;
    int said = Z_ERRNO;

    if (!begin(&z, bytes, len) ||
        deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NOMEM;
    bound = deflateBound(&z, (uLong)len);
    z.next_out = (Bytef *)buf_reserve(out, bound);
    if (z.next_out) {
        z.avail_out = (uInt)bound;
        said = deflate(&z, Z_FINISH);
        buf_commit(out, bound - z.avail_out);
    }
    deflateEnd(&z);
    return said == Z_STREAM_END ? 0 : ERR_NOMEM;
}

/* Makes room for a good guess of what is left, within the cap. */
static int make_room(struct buf *out, z_stream *z)
{
    size_t room = out->max - out->len, want = (size_t)z->avail_in * 4 + STEP;

    if (room == 0)
        return ERR_FULL;
    if (want > room)
        want = room;
    z->next_out = (Bytef *)buf_reserve(out, want);
    z->avail_out = (uInt)want;
    return z->next_out ? 0 : ERR_NOMEM;
}

int gzip_read(struct buf *out, const void *bytes, size_t len)
{
    z_stream z;
    int said = Z_OK, code = 0;

    if (!begin(&z, bytes, len))
        return ERR_INVALID;
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return ERR_NOMEM;
    while (code == 0 && said == Z_OK) {
        size_t room;

        if ((code = make_room(out, &z)) != 0)
            break;
        room = z.avail_out;
        said = inflate(&z, Z_NO_FLUSH);
        buf_commit(out, room - z.avail_out);
        if (said == Z_OK && z.avail_out > 0 && z.avail_in == 0)
            said = Z_BUF_ERROR; /* the end is missing */
    }
    if (code == 0 && (said != Z_STREAM_END || z.avail_in > 0))
        code = said == Z_MEM_ERROR ? ERR_NOMEM : ERR_INVALID;
    inflateEnd(&z);
    return code;
}
