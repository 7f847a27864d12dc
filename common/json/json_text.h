// SPDX-License-Identifier: MIT
/*
 * json_text - single characters of JSON strings: UTF-8 and escapes to code points, strictly.
 * Inside this room only. No state: any thread.
 */
#ifndef COMMON_JSON_JSON_TEXT_H
#define COMMON_JSON_JSON_TEXT_H

#include <stdint.h>

/* What json_text_char returns instead of a code point; json_text_fault() puts it into words. */
enum {
    JSON_TEXT_UTF8 = -1,
    JSON_TEXT_CONTROL = -2,
    JSON_TEXT_ESCAPE = -3,
    JSON_TEXT_SURROGATE = -4,
    JSON_TEXT_NUL = -5,
};

/*
 * Reads the UTF-8 sequence at *at (which is before `end`) and moves behind it. JSON_TEXT_UTF8, and
 * no move, for what is no UTF-8: stray bytes, overlong forms, surrogates, beyond U+10FFFF.
 */
int32_t json_text_utf8(const char **at, const char *end);

/* The same for a character inside a JSON string, where a backslash starts an escape; a surrogate
 * pair is one character. */
int32_t json_text_char(const char **at, const char *end);

/* "invalid UTF-8", ... for a negative result; never NULL. */
const char *json_text_fault(int32_t fault);

#endif
