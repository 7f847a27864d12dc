// SPDX-License-Identifier: MIT
/*
 * fuzz_resp - whatever comes, the reader gives the same replies for it in one piece and in small
 * ones, a reply lies inside its bounds, and an error stays.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/faktory/resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void write_down(struct buf *out, const struct resp_reply *reply)
{
    char shown[64];

    must(reply->kind == RESP_BULK ? reply->len <= RESP_BULK_MAX : reply->len <= RESP_LINE_MAX);
    must(reply->kind != RESP_NIL || reply->len == 0);
    must(!resp_is_ok(reply) || reply->kind == RESP_STATUS);
    resp_show(reply, shown, sizeof shown);
    must(strlen(shown) < sizeof shown);
    buf_addf(out, "%d %zu ", (int)reply->kind, reply->len);
    buf_add(out, reply->text, reply->len);
}

/* All replies in `data`, read in pieces of 1 to `most` bytes (0: all at once), and how it ended. */
static void read_all(const uint8_t *data, size_t size, size_t most, struct buf *out)
{
    struct resp_reader *r = resp_new();
    size_t at = 0, piece = most == 0 ? size : 1;
    int code = 0;

    while (at < size && code == 0) {
        struct resp_reply reply;
        size_t room, n = piece < size - at ? piece : size - at;
        char *to = resp_room(r, n, &room);

        must(to && room >= n);
        memcpy(to, data + at, n);
        resp_fed(r, n);
        at += n;
        piece = piece < most ? piece + 1 : 1;
        while ((code = resp_next(r, &reply, NULL)) > 0)
            write_down(out, &reply);
    }
    must(code == 0 || code == ERR_PROTOCOL);
    if (code != 0) {
        struct resp_reply reply;

        must(resp_next(r, &reply, NULL) == ERR_PROTOCOL);
        buf_add_str(out, "broken");
    }
    resp_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t sizes[] = {1, 3, 64};
    struct buf whole = BUF_INIT(0);

    read_all(data, size, 0, &whole);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf pieces = BUF_INIT(0);

        read_all(data, size, sizes[i], &pieces);
        must(pieces.len == whole.len);
        must(whole.len == 0 || memcmp(pieces.data, whole.data, whole.len) == 0);
        buf_fini(&pieces);
    }
    buf_fini(&whole);
    return 0;
}
