// SPDX-License-Identifier: MIT
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void buf_fini(struct buf *b)
{
    size_t max = b->max;

    free(b->data);
    *b = (struct buf)BUF_INIT(max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t more)
{
    size_t most = b->max ? b->max : SIZE_MAX / 2;

    if (b->failed || more > most || b->len > most - more) {
        b->failed = true;
        return NULL;
    }
    if (b->len + more >= b->cap) {
        size_t cap = b->cap ? b->cap : FIRST_CAP;
        char *data;

        while (cap <= b->len + more)
            cap *= 2;
        if (!(data = realloc(b->data, cap))) {
            b->failed = true;
            return NULL;
        }
        b->data = data;
        b->cap = cap;
        b->data[b->len] = '\0';
    }
    return b->data + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
    b->len += n;
    b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    char *to = buf_reserve(b, n);

    if (!to)
        return;
    if (n > 0)
        memcpy(to, bytes, n);
    buf_commit(b, n);
}

void buf_add_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    int n;
    char *to;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        b->failed = true;
    else if ((to = buf_reserve(b, (size_t)n)) != NULL) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        buf_commit(b, (size_t)n);
    }
    va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

const char *buf_str(const struct buf *b)
{
    return b->len > 0 ? b->data : "";
}

char *buf_take(struct buf *b)
{
    char *data;

    if (b->failed || (!b->data && !buf_reserve(b, 0)))
        return NULL;
    data = b->data;
    data[b->len] = '\0';
    b->data = NULL;
    b->len = b->cap = 0;
    return data;
}
