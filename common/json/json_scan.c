// SPDX-License-Identifier: MIT
/*
 * json_scan - json_check(): one pass over the text, recursion bounded by JSON_DEPTH_MAX.
 *
 * The keys of all open objects lie on one stack; an object's own are those above its base. Up to
 * KEYS_COMPARED keys each new one is compared with all before it; a larger object is sorted once at
 * its end, so that a hostile body costs n log n and an ordinary one no allocation.
 */
#include "common/json/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json_text.h"

enum { KEYS_INLINE = 64, KEYS_COMPARED = 16, KEY_SHOWN_MAX = 40 };

struct key {
    const char *at; /* behind the opening quote */
    unsigned len;
    bool escaped; /* holds a backslash: its bytes are not yet its meaning */
};

struct scan {
    const char *start, *at, *end;
    struct err_text *why;
    int depth;
    struct key *keys; /* `first`, or the heap */
    size_t n_keys, cap_keys;
    struct key first[KEYS_INLINE];
};

static int scan_value(struct scan *s);

static int fail(struct scan *s, const char *at, const char *what)
{
    if (at >= s->end)
        return err_set(s->why, ERR_INVALID, "the text ends in the middle, at byte %zu",
                       (size_t)(s->end - s->start));
    return err_set(s->why, ERR_INVALID, "%s at byte %zu", what, (size_t)(at - s->start));
}

/* Like fail(), for a fault that the end of the text does not explain. */
static int fault(struct scan *s, const char *at, const char *what)
{
    return err_set(s->why, ERR_INVALID, "%s at byte %zu", what, (size_t)(at - s->start));
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    if (s->at >= s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* ---- scalars ---- */

static int scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return fault(s, s->at, "expected a value");
    s->at += len;
    return 0;
}

static bool take_digits(struct scan *s)
{
    const char *first = s->at;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > first;
}

static int scan_number(struct scan *s)
{
    take(s, '-');
    if (take(s, '0')) {
        if (s->at < s->end && *s->at >= '0' && *s->at <= '9')
            return fault(s, s->at, "a digit after a leading zero");
    } else if (!take_digits(s))
        return fail(s, s->at, "expected a digit");
    if (take(s, '.') && !take_digits(s))
        return fail(s, s->at, "expected a digit");
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        if (!take_digits(s))
            return fail(s, s->at, "expected a digit");
    }
    return 0;
}

/* At the opening quote. `key` becomes the inside of the string. */
static int scan_string(struct scan *s, struct key *key)
{
    *key = (struct key){.at = ++s->at};
    for (; s->at < s->end && *s->at != '"';) {
        const char *before = s->at;
        unsigned char c = (unsigned char)*s->at;
        int32_t decoded;

        if (c >= 0x20 && c < 0x80 && c != '\\') {
            s->at++;
            continue;
        }
        key->escaped |= c == '\\';
        decoded = json_text_char(&s->at, s->end);
        if (decoded < 0)
            return fault(s, before, json_text_fault(decoded));
    }
    key->len = (unsigned)(s->at - key->at);
    return take(s, '"') ? 0 : fail(s, s->at, "");
}

/* ---- keys ---- */

/* Orders by code points, which for UTF-8 is the order of the bytes: both ways here agree. */
static int compare_keys(const struct key *a, const struct key *b)
{
    const char *at_a = a->at, *end_a = a->at + a->len;
    const char *at_b = b->at, *end_b = b->at + b->len;

    if (!a->escaped && !b->escaped) {
        unsigned common = a->len < b->len ? a->len : b->len;
        int order = memcmp(a->at, b->at, common);

        return order ? order : (a->len > b->len) - (a->len < b->len);
    }
    while (at_a < end_a && at_b < end_b) {
        int32_t order = json_text_char(&at_a, end_a) - json_text_char(&at_b, end_b);

        if (order)
            return order;
    }
    return (at_a < end_a) - (at_b < end_b);
}

static bool same_key(const struct key *a, const struct key *b)
{
    if (!a->escaped && !b->escaped)
        return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
    return compare_keys(a, b) == 0;
}

static int by_key_then_place(const void *a, const void *b)
{
    const struct key *key_a = a, *key_b = b;
    int order = compare_keys(key_a, key_b);

    return order ? order : (key_a->at > key_b->at) - (key_a->at < key_b->at);
}

static int fail_duplicate(struct scan *s, const struct key *key)
{
    int shown = key->len < KEY_SHOWN_MAX ? (int)key->len : KEY_SHOWN_MAX;

    /* Never cut inside a character. */
    while (shown < (int)key->len && ((unsigned char)key->at[shown] & 0xc0) == 0x80)
        shown--;
    return err_set(s->why, ERR_INVALID, "duplicate key \"%.*s\"%s at byte %zu", shown, key->at,
                   shown < (int)key->len ? "..." : "", (size_t)(key->at - 1 - s->start));
}

static int push_key(struct scan *s, size_t base, const struct key *key)
{
    if (s->n_keys - base < KEYS_COMPARED)
        for (size_t i = base; i < s->n_keys; i++)
            if (same_key(&s->keys[i], key))
                return fail_duplicate(s, key);
    if (s->n_keys == s->cap_keys) {
        struct key *old = s->keys == s->first ? NULL : s->keys;
        struct key *grown = realloc(old, 2 * s->cap_keys * sizeof *grown);

        if (!grown)
            return err_set(s->why, ERR_NOMEM, "out of memory");
        if (!old)
            memcpy(grown, s->first, s->n_keys * sizeof *grown);
        s->keys = grown;
        s->cap_keys *= 2;
    }
    s->keys[s->n_keys++] = *key;
    return 0;
}

/* Takes the object's keys off the stack; finds the first duplicate of a large object. */
static int pop_keys(struct scan *s, size_t base)
{
    struct key *keys = s->keys + base;
    const struct key *duplicate = NULL;
    size_t n = s->n_keys - base;

    s->n_keys = base;
    if (n <= KEYS_COMPARED)
        return 0;
    qsort(keys, n, sizeof *keys, by_key_then_place);
    for (size_t i = 1; i < n; i++)
        if (same_key(&keys[i - 1], &keys[i]) && (!duplicate || keys[i].at < duplicate->at))
            duplicate = &keys[i];
    return duplicate ? fail_duplicate(s, duplicate) : 0;
}

/* ---- containers ---- */

static int scan_array(struct scan *s)
{
    int code;

    s->at++;
    skip_space(s);
    if (take(s, ']'))
        return 0;
    for (;;) {
        if ((code = scan_value(s)) != 0)
            return code;
        skip_space(s);
        if (take(s, ']'))
            return 0;
        if (!take(s, ','))
            return fail(s, s->at, "expected \",\" or \"]\"");
    }
}

static int scan_member(struct scan *s, size_t base)
{
    struct key key;
    int code;

    skip_space(s);
    if (s->at >= s->end || *s->at != '"')
        return fail(s, s->at, "expected a key in double quotes");
    if ((code = scan_string(s, &key)) != 0 || (code = push_key(s, base, &key)) != 0)
        return code;
    skip_space(s);
    if (!take(s, ':'))
        return fail(s, s->at, "expected \":\"");
    return scan_value(s);
}

static int scan_object(struct scan *s)
{
    size_t base = s->n_keys;
    int code;

    s->at++;
    skip_space(s);
    if (take(s, '}'))
        return 0;
    for (;;) {
        if ((code = scan_member(s, base)) != 0)
            return code;
        skip_space(s);
        if (take(s, '}'))
            return pop_keys(s, base);
        if (!take(s, ','))
            return fail(s, s->at, "expected \",\" or \"}\"");
    }
}

static int scan_container(struct scan *s)
{
    int code;

    if (s->depth == JSON_DEPTH_MAX)
        return fault(s, s->at, "nested too deeply");
    s->depth++;
    code = *s->at == '{' ? scan_object(s) : scan_array(s);
    s->depth--;
    return code;
}

static int scan_value(struct scan *s)
{
    struct key ignored;

    skip_space(s);
    if (s->at >= s->end)
        return fail(s, s->at, "");
    switch (*s->at) {
    case '{':
    case '[':
        return scan_container(s);
    case '"':
        return scan_string(s, &ignored);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        if (*s->at != '-' && (*s->at < '0' || *s->at > '9'))
            return fault(s, s->at, "expected a value");
        return scan_number(s);
    }
}

int json_check(const char *text, size_t len, struct json_slice *root, struct err_text *why)
{
    struct scan s = {.start = text, .at = text, .end = text + len, .why = why};
    int code;

    *root = (struct json_slice){NULL, 0};
    if (len >= INT_MAX) /* json-c counts in int */
        return err_set(why, ERR_INVALID, "the text is longer than 2 GiB");
    s.keys = s.first;
    s.cap_keys = KEYS_INLINE;
    skip_space(&s);
    if (s.at == s.end)
        return err_set(why, ERR_INVALID, "the text is empty");
    text = s.at;
    code = scan_value(&s);
    if (code == 0) {
        *root = (struct json_slice){text, (size_t)(s.at - text)};
        skip_space(&s);
        if (s.at < s.end) {
            *root = (struct json_slice){NULL, 0};
            code = fault(&s, s.at, "text after the value");
        }
    }
    if (s.keys != s.first)
        free(s.keys);
    return code;
}
