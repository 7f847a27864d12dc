// SPDX-License-Identifier: MIT
#include "common/json/json_write.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json_text.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Writes the one character at `at` that cannot be copied, and returns what is behind it. */
static const char *write_special(struct buf *out, const char *at)
{
    static const char letters[] = "bfnrt\"\\", meanings[] = "\b\f\n\r\t\"\\";
    const char *meaning = *at ? strchr(meanings, *at) : NULL;

    if (meaning) {
        char pair[2] = {'\\', letters[meaning - meanings]};

        buf_add(out, pair, sizeof pair);
    } else if (*at > 0 && *at < 0x20)
        buf_addf(out, "\\u%04x", (unsigned)*at);
    else /* a byte that is no UTF-8, or NUL, which json_check() would not let in either */
        buf_add(out, replacement, sizeof replacement - 1);
    return at + 1;
}

/* Moves over the characters that may be copied as they are. */
static const char *plain_run(const char *at, const char *end)
{
    while (at < end) {
        unsigned char c = (unsigned char)*at;

        if (c < 0x20 || c == '"' || c == '\\')
            break;
        if (c < 0x80)
            at++;
        else if (json_text_utf8(&at, end) < 0)
            break;
    }
    return at;
}

void json_write_string(struct buf *out, const char *text, size_t len)
{
    const char *at = text, *end = text + len;

    buf_add_char(out, '"');
    while (at < end) {
        const char *plain = at;

        at = plain_run(at, end);
        buf_add(out, plain, (size_t)(at - plain));
        if (at < end)
            at = write_special(out, at);
    }
    buf_add_char(out, '"');
}

void json_write_cstr(struct buf *out, const char *text)
{
    if (text)
        json_write_string(out, text, strlen(text));
    else
        buf_add(out, "null", 4);
}

void json_write_unblank(struct buf *out, const char *text, size_t len)
{
    struct buf quoted = BUF_INIT(0);

    json_write_string(&quoted, text, len);
    for (size_t i = 0; i < quoted.len; i++)
        if (quoted.data[i] == ' ')
            buf_add_str(out, "\\u0020");
        else
            buf_add_char(out, quoted.data[i]);
    out->failed = out->failed || quoted.failed;
    buf_fini(&quoted);
}

void json_write_int(struct buf *out, int64_t value)
{
    char digits[20]; /* of INT64_MIN, with its sign */
    char *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        *--at = '-';
    buf_add(out, at, (size_t)(digits + sizeof digits - at));
}

/* The shortest of 15, 16, 17 digits that reads back; 17 always do. */
static int format_double(char *text, size_t room, double value)
{
    int n = 0;

    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, room, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return n;
}

void json_write_double(struct buf *out, double value)
{
    char text[32];
    locale_t c, before;
    int n;

    if (!isfinite(value)) {
        buf_add(out, "null", 4);
    } else if (value == 0 && signbit(value)) {
        buf_add(out, "-0", 2);
    } else if (fabs(value) < 0x1p53 && value == trunc(value)) {
        json_write_int(out, (int64_t)value);
    } else {
        /* The whole "C" locale is a constant of the C library: this costs nothing to free. */
        c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        before = uselocale(c);
        n = format_double(text, sizeof text, value);
        uselocale(before);
        freelocale(c);
        buf_add(out, text, (size_t)n);
    }
}
