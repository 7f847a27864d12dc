// SPDX-License-Identifier: MIT
#include "common/config/env_value.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "common/base/err.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct unit {
    const char *name;
    int64_t factor;
};

/* Ascending: formatting takes the last one that divides the value. */
static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
static const struct unit sizes[] = {{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

/* ---- numbers ---- */

/* Reads one or more decimal digits at *at and moves on; false when there are none or too many. */
static bool take_number(const char **at, int64_t *value)
{
    const char *first = *at;

    for (*value = 0; **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, **at - '0', value))
            return false;
    return *at > first;
}

static bool in_range(const struct env_var *var, int64_t value)
{
    return value >= var->min && value <= var->max;
}

static int parse_int(const struct env_var *var, const char *text, void *field)
{
    bool negative = *text == '-';
    int64_t value;

    text += negative;
    if (!take_number(&text, &value) || *text != '\0')
        return ERR_INVALID;
    if (negative)
        value = -value;
    if (!in_range(var, value))
        return ERR_INVALID;
    *(int64_t *)field = value;
    return 0;
}

static void format_int(const struct env_var *var, const void *field, struct buf *out)
{
    (void)var;
    buf_addf(out, "%" PRId64, *(const int64_t *)field);
}

static void expect_int(const struct env_var *var, struct buf *out)
{
    buf_addf(out, "a whole number from %" PRId64 " to %" PRId64, var->min, var->max);
}

static int parse_auto_int(const struct env_var *var, const char *text, void *field)
{
    if (strcasecmp(text, "auto") != 0)
        return parse_int(var, text, field);
    *(int64_t *)field = ENV_AUTO;
    return 0;
}

static void format_auto_int(const struct env_var *var, const void *field, struct buf *out)
{
    if (*(const int64_t *)field == ENV_AUTO)
        buf_add_str(out, "auto");
    else
        format_int(var, field, out);
}

static void expect_auto_int(const struct env_var *var, struct buf *out)
{
    buf_add_str(out, "auto or ");
    expect_int(var, out);
}

/* ---- numbers with a unit ---- */

static int parse_units(const struct env_var *var, const char *text, const struct unit *units,
                       size_t n, int64_t bare, void *field)
{
    int64_t value, factor = 0;

    if (!take_number(&text, &value))
        return ERR_INVALID;
    if (*text == '\0')
        factor = bare;
    for (size_t i = 0; factor == 0 && i < n; i++)
        if (strcmp(text, units[i].name) == 0)
            factor = units[i].factor;
    if (factor == 0 || __builtin_mul_overflow(value, factor, &value) || !in_range(var, value))
        return ERR_INVALID;
    *(int64_t *)field = value;
    return 0;
}

static void format_units(int64_t value, const struct unit *units, size_t n, struct buf *out)
{
    const struct unit *unit = units;

    for (size_t i = 1; i < n && value != 0; i++)
        if (value % units[i].factor == 0)
            unit = &units[i];
    buf_addf(out, "%" PRId64 "%s", value / unit->factor, unit->name);
}

static bool named_in_ms(const struct env_var *var)
{
    size_t len = strlen(var->name);

    return len > 3 && strcmp(var->name + len - 3, "_MS") == 0;
}

static int parse_ms(const struct env_var *var, const char *text, void *field)
{
    return parse_units(var, text, durations, COUNT(durations), named_in_ms(var) ? 1 : 1000, field);
}

static void format_ms(const struct env_var *var, const void *field, struct buf *out)
{
    if (named_in_ms(var))
        format_int(var, field, out);
    else
        format_units(*(const int64_t *)field, durations, COUNT(durations), out);
}

static void expect_ms(const struct env_var *var, struct buf *out)
{
    buf_add_str(out, "a duration from ");
    format_units(var->min, durations, COUNT(durations), out);
    buf_add_str(out, " to ");
    format_units(var->max, durations, COUNT(durations), out);
    buf_addf(out, ", such as 250ms, 5s, 2m or 1h (a bare number counts %s)",
             named_in_ms(var) ? "milliseconds" : "seconds");
}

static int parse_bytes(const struct env_var *var, const char *text, void *field)
{
    return parse_units(var, text, sizes, COUNT(sizes), 1, field);
}

static void format_bytes(const struct env_var *var, const void *field, struct buf *out)
{
    (void)var;
    format_units(*(const int64_t *)field, sizes, COUNT(sizes), out);
}

static void expect_bytes(const struct env_var *var, struct buf *out)
{
    buf_add_str(out, "a size from ");
    format_units(var->min, sizes, COUNT(sizes), out);
    buf_add_str(out, " to ");
    format_units(var->max, sizes, COUNT(sizes), out);
    buf_add_str(out, ", such as 512, 64KiB, 8MiB or 1GiB");
}

/* ---- words ---- */

static int parse_bool(const struct env_var *var, const char *text, void *field)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

    (void)var;
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcasecmp(text, words[i]) == 0) {
            *(bool *)field = i % 2 == 1;
            return 0;
        }
    return ERR_INVALID;
}

static void format_bool(const struct env_var *var, const void *field, struct buf *out)
{
    (void)var;
    buf_add_str(out, *(const bool *)field ? "true" : "false");
}

static void expect_bool(const struct env_var *var, struct buf *out)
{
    (void)var;
    buf_add_str(out, "true or false (also yes/no, on/off, 1/0)");
}

/* Cuts the next word out of "text|json"; false behind the last one. */
static bool next_choice(const char **at, const char **word, int *len)
{
    if (!*at)
        return false;
    *word = *at;
    *len = (int)strcspn(*at, "|");
    *at = (*at)[*len] ? *at + *len + 1 : NULL;
    return true;
}

static int parse_choice(const struct env_var *var, const char *text, void *field)
{
    const char *at = var->choices, *word;
    int len;

    for (int i = 0; next_choice(&at, &word, &len); i++)
        if (strlen(text) == (size_t)len && strncasecmp(text, word, (size_t)len) == 0) {
            *(int *)field = i;
            return 0;
        }
    return ERR_INVALID;
}

static void format_choice(const struct env_var *var, const void *field, struct buf *out)
{
    const char *at = var->choices, *word;
    int len;

    for (int i = 0; next_choice(&at, &word, &len); i++)
        if (i == *(const int *)field)
            buf_add(out, word, (size_t)len);
}

static void expect_choice(const struct env_var *var, struct buf *out)
{
    const char *at = var->choices, *word, *before = "";
    int len;

    while (next_choice(&at, &word, &len)) {
        buf_addf(out, "%s%.*s", before, len, word);
        before = at && !strchr(at, '|') ? " or " : ", ";
    }
}

static int parse_string(const struct env_var *var, const char *text, void *field)
{
    (void)var;
    *(const char **)field = text;
    return 0;
}

static void format_string(const struct env_var *var, const void *field, struct buf *out)
{
    (void)var;
    buf_add_str(out, *(const char *const *)field);
}

static void expect_string(const struct env_var *var, struct buf *out)
{
    (void)var;
    (void)out;
}

/* ---- secrets ---- */

/* The one kind that is not read back: it must not be seen. */
static void format_secret(const struct env_var *var, const void *field, struct buf *out)
{
    const struct env_secret *secret = field;

    (void)var;
    if (secret->text[0] != '\0')
        buf_add_str(out, secret->file ? secret->file : "***");
}

static void expect_secret(const struct env_var *var, struct buf *out)
{
    (void)var;
    buf_addf(out,
             "one line of at most %d bytes, or the path of a file with it, which begins with a "
             "slash",
             ENV_SECRET_MAX - 1);
}

/* ---- all kinds ---- */

static const struct kind {
    int (*parse)(const struct env_var *var, const char *text, void *field);
    void (*format)(const struct env_var *var, const void *field, struct buf *out);
    void (*expect)(const struct env_var *var, struct buf *out);
} kinds[] = {
    [ENV_STRING] = {parse_string, format_string, expect_string},
    [ENV_INT] = {parse_int, format_int, expect_int},
    [ENV_AUTO_INT] = {parse_auto_int, format_auto_int, expect_auto_int},
    [ENV_BOOL] = {parse_bool, format_bool, expect_bool},
    [ENV_MS] = {parse_ms, format_ms, expect_ms},
    [ENV_BYTES] = {parse_bytes, format_bytes, expect_bytes},
    [ENV_CHOICE] = {parse_choice, format_choice, expect_choice},
    [ENV_SECRET] = {NULL, format_secret, expect_secret}, /* parsed by env_secret_read() */
};

int env_value_parse(const struct env_var *var, const char *text, void *field, struct buf *expected)
{
    struct buf unwanted = BUF_INIT(0), why = BUF_INIT(0);
    int code;

    if (!expected)
        expected = &unwanted;
    if (var->check && (code = var->check(text, expected)) != 0) {
        buf_fini(&unwanted);
        return code;
    }
    if (var->kind == ENV_SECRET)
        code = env_secret_read(text, field, &why);
    else
        code = kinds[var->kind].parse(var, text, field);
    if (code != 0) {
        kinds[var->kind].expect(var, expected);
        if (why.len > 0)
            buf_addf(expected, ": %s", buf_str(&why));
    }
    buf_fini(&unwanted);
    buf_fini(&why);
    return code;
}

void env_value_format(const struct env_var *var, const void *field, struct buf *out)
{
    kinds[var->kind].format(var, field, out);
}

void env_value_expected(const struct env_var *var, struct buf *out)
{
    kinds[var->kind].expect(var, out);
}
