// SPDX-License-Identifier: MIT
#include "common/json/json_text.h"

#include <stddef.h>
#include <string.h>

int32_t json_text_utf8(const char **at, const char *end)
{
    /* The lead byte's mask and value, and the least code point that may take so many bytes. */
    static const struct {
        unsigned char mask, lead;
        int32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    const unsigned char *bytes = (const unsigned char *)*at;
    int n = 0;
    int32_t c;

    while (n < 4 && (bytes[0] & forms[n].mask) != forms[n].lead)
        n++;
    if (n == 4 || end - *at <= n)
        return JSON_TEXT_UTF8;
    c = bytes[0] & (unsigned char)~forms[n].mask;
    for (int i = 1; i <= n; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return JSON_TEXT_UTF8;
        c = c << 6 | (bytes[i] & 0x3f);
    }
    if (c < forms[n].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return JSON_TEXT_UTF8;
    *at += n + 1;
    return c;
}

/* Four hexadecimal digits to their value, or -1. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];

        value <<= 4;
        if (c >= '0' && c <= '9')
            value |= c - '0';
        else if (c >= 'a' && c <= 'f')
            value |= c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            value |= c - 'A' + 10;
        else
            return -1;
    }
    return value;
}

/* `at` is behind "\u". */
static int32_t unicode_escape(const char **at, const char *end)
{
    int32_t high = hex4(*at, end), low;

    if (high < 0)
        return JSON_TEXT_ESCAPE;
    if (high == 0)
        return JSON_TEXT_NUL;
    *at += 4;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return JSON_TEXT_SURROGATE;
    low = hex4(*at + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return JSON_TEXT_SURROGATE;
    *at += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

int32_t json_text_char(const char **at, const char *end)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter;

    if ((unsigned char)**at < 0x20)
        return JSON_TEXT_CONTROL;
    if (**at != '\\')
        return json_text_utf8(at, end);
    if (end - *at < 2 || (*at)[1] == '\0')
        return JSON_TEXT_ESCAPE;
    (*at) += 2;
    if ((*at)[-1] == 'u')
        return unicode_escape(at, end);
    letter = strchr(letters, (*at)[-1]);
    return letter ? meanings[letter - letters] : JSON_TEXT_ESCAPE;
}

const char *json_text_fault(int32_t fault)
{
    static const char *const sentences[] = {
        [0] = "invalid string",
        [-JSON_TEXT_UTF8] = "invalid UTF-8",
        [-JSON_TEXT_CONTROL] = "control character in a string",
        [-JSON_TEXT_ESCAPE] = "invalid escape",
        [-JSON_TEXT_SURROGATE] = "lone surrogate",
        [-JSON_TEXT_NUL] = "\\u0000 is not allowed",
    };
    size_t i = (size_t)-fault;

    return sentences[i < sizeof sentences / sizeof sentences[0] ? i : 0];
}
