// SPDX-License-Identifier: MIT
#include "common/pack/base64.h"

#include <stdint.h>

#include "common/base/err.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Writes four letters of three bytes in the low 24 bits. */
static char *put_letters(char *to, uint32_t three)
{
    for (int shift = 18; shift >= 0; shift -= 6)
        *to++ = letters[three >> shift & 63];
    return to;
}

void base64_write(struct buf *out, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    size_t n = (len + 2) / 3 * 4;
    char *to = buf_reserve(out, n);

    if (!to)
        return;
    for (; len >= 3; at += 3, len -= 3)
        to = put_letters(to, (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]);
    if (len > 0) {
        to = put_letters(to, (uint32_t)at[0] << 16 | (len > 1 ? (uint32_t)at[1] << 8 : 0));
        to[-1] = '=';
        if (len == 1)
            to[-2] = '=';
    }
    buf_commit(out, n);
}

/* The six bits of each letter, and one more: of what is none there are no bits. */
static const signed char meanings[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* The six bits of a letter, or -1. */
static int bits_of(char c)
{
    return meanings[(unsigned char)c] - 1;
}

/* The bits of `n` letters (up to 4), from the top of 24; -1: one of them is none. */
static int32_t read_letters(const char *at, int n)
{
    int32_t all = 0;

    for (int i = 0; i < 4; i++) {
        int bits = i < n ? bits_of(at[i]) : 0;

        if (bits < 0)
            return -1;
        all = all << 6 | bits;
    }
    return all;
}

int base64_read(struct buf *out, const char *text, size_t len)
{
    const char *end = text + len;
    int padding = 0;
    unsigned char *to;

    if (len % 4 != 0)
        return ERR_INVALID;
    while (padding < 2 && len > 0 && end[-1 - padding] == '=')
        padding++;
    to = (unsigned char *)buf_reserve(out, len / 4 * 3);
    if (!to)
        return ERR_NOMEM;
    for (; text < end; text += 4) {
        int here = text + 4 == end ? 3 - padding : 3; /* bytes */
        int32_t three = read_letters(text, here + 1);

        /* the bits behind the last byte must be 0, else one value had several texts */
        if (three < 0 || (here < 3 && (three & (here == 1 ? 0xffff : 0xff)) != 0))
            return ERR_INVALID;
        for (int i = 0; i < here; i++)
            *to++ = (unsigned char)(three >> (16 - 8 * i));
    }
    buf_commit(out, len / 4 * 3 - (size_t)padding);
    return 0;
}
