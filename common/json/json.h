// SPDX-License-Identifier: MIT
/*
 * json - strict reading of JSON text, without building a tree.
 *
 * json_check() says once whether a whole text is JSON under our rules. After that every value is a
 * slice of that text: cheap to cut out, and `args` leaves the program as the very text that came in
 * (1.10 stays 1.10). Decoding a string with escapes or a double is json-c's work (json_decode.c). A
 * slice points into the caller's text and lives as long as that does.
 *
 * Refused, beyond RFC 8259's grammar: NaN and Infinity, single quotes, control characters and
 * invalid UTF-8 in strings, lone surrogates, \u0000, the same key twice in one object, nesting
 * deeper than the limit, trailing text. No state, no locks: any thread.
 */
#ifndef COMMON_JSON_JSON_H
#define COMMON_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"

enum json_type {
    JSON_ABSENT, /* an empty slice: the member that was asked for is not there */
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* A value inside checked text, without white space around it. Copied by value. */
struct json_slice {
    const char *at;
    size_t len;
};

enum { JSON_DEPTH_MAX = 32 };

/*
 * Checks the text and sets *root to its one value. 0; ERR_INVALID with a sentence that names what
 * is wrong and the byte offset ("duplicate key \"a\" at byte 12"); ERR_NOMEM.
 */
int json_check(const char *text, size_t len, struct json_slice *root, struct err_text *why);

/* The calls below take slices of checked text only. */

enum json_type json_type(struct json_slice v);

/* "an object", "a string", ... for messages; "nothing" for JSON_ABSENT. */
const char *json_type_name(enum json_type type);

/* The member of an object (decoded key), or an empty slice. O(size of the object). */
struct json_slice json_member(struct json_slice object, const char *key);

/* Walks the items of an array or the members of an object in order. */
struct json_iter {
    const char *at;
    const char *end;
};
struct json_iter json_iter(struct json_slice container);
bool json_next_item(struct json_iter *it, struct json_slice *item);
/* `key` is the key's slice with its quotes. */
bool json_next_member(struct json_iter *it, struct json_slice *key, struct json_slice *value);

/* How many items or members a container has. O(size). */
size_t json_count(struct json_slice container);

/* True for a string whose decoded bytes are `text`. */
bool json_string_is(struct json_slice v, const char *text);

/* Appends the decoded string (UTF-8, may not contain NUL) to `out`. 0, or ERR_INVALID: no string.
 */
int json_read_string(struct json_slice v, struct buf *out);

/* 0; ERR_INVALID when it is no number, or outside the range of a finite double; ERR_NOMEM. */
int json_read_double(struct json_slice v, double *out);

/* 0; ERR_INVALID when it is no number, has a fraction or exponent, or does not fit int64_t. */
int json_read_int64(struct json_slice v, int64_t *out);

/* 0; ERR_INVALID when it is neither true nor false. */
int json_read_bool(struct json_slice v, bool *out);

/*
 * Looks for a number that a double cannot hold: an integer beyond 2^53 or a number that overflows.
 * Faktory decodes args into doubles and would round it silently.
 * True when one is inside `v`; *number is then its slice.
 */
bool json_has_unsafe_number(struct json_slice v, struct json_slice *number);

#endif
