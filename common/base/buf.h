// SPDX-License-Identifier: MIT
/*
 * buf - a growable run of bytes with a hard cap. The first failure (no memory, over the cap)
 * sticks: later appends do nothing and `failed` stays set, so a builder checks once, at its end.
 * Not locked: one thread at a time.
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Embedded by value. All fields may be read; only buf.c writes them. */
struct buf {
    char *data; /* `len` bytes, followed by a NUL when len > 0; NULL while nothing was added */
    size_t len;
    size_t cap;
    size_t max; /* most bytes it may hold; 0: no cap of its own */
    bool failed;
};

/* An empty buffer that may hold at most `max` bytes (0: as many as memory has). */
#define BUF_INIT(max_bytes)                                                                        \
    {                                                                                              \
        .max = (max_bytes)                                                                         \
    }

/* Frees the bytes and makes the buffer empty and usable again; the cap stays. */
void buf_fini(struct buf *b);

/* Forgets the contents and the failure, keeps the memory. */
void buf_clear(struct buf *b);

/* Makes room for `more` bytes behind len and returns where they go, or NULL (failed is set). */
char *buf_reserve(struct buf *b, size_t more);

/* Says that `n` bytes of what buf_reserve returned are now written. */
void buf_commit(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_add_str(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
__attribute__((format(printf, 2, 3))) void buf_addf(struct buf *b, const char *fmt, ...);

/* Drops the first `n` bytes (n <= len) and moves the rest to the front. */
void buf_consume(struct buf *b, size_t n);

/* The contents as a C string; "" when empty. Valid until the next change. */
const char *buf_str(const struct buf *b);

/* Hands the bytes (malloc'd, NUL-terminated) to the caller and empties the buffer; NULL if failed.
 */
char *buf_take(struct buf *b);

#endif
