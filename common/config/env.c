// SPDX-License-Identifier: MIT
#include "common/config/env.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/config/env_value.h"

enum { SHOWN_MAX = 120, HELP_COLUMNS = 80, HELP_INDENT = 6 };

static const char *fallback(const struct env_var *var)
{
    return var->fallback ? var->fallback : "";
}

/* ---- showing values ---- */

/* Adds the bytes in one line that a terminal can take. */
static void add_printable(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        buf_add_char(out, c < 0x20 || c == 0x7f ? '?' : text[i]);
    }
}

/* tcp://:secret@host becomes tcp://:***@host: from "://" to the last "@", whatever is between. */
static void add_redacted(struct buf *out, const char *text)
{
    const char *authority = strstr(text, "://"), *at = authority ? strrchr(authority, '@') : NULL;

    if (!authority) {
        buf_add_str(out, *text ? "***" : "");
        return;
    }
    add_printable(out, text, (size_t)(authority + 3 - text));
    if (at)
        buf_add_str(out, ":***");
    else
        at = authority + 3;
    add_printable(out, at, strlen(at));
}

static void add_shown(const struct env_var *var, struct buf *out, const char *text, size_t most)
{
    struct buf shown = BUF_INIT(0);
    size_t len = strlen(text);

    if (var->secret) {
        add_redacted(out, text);
        return;
    }
    if (var->kind == ENV_SECRET) {
        env_secret_show(text, &shown);
        text = buf_str(&shown);
        len = shown.len;
    }
    add_printable(out, text, len < most ? len : most);
    if (len > most)
        buf_add_str(out, "...");
    buf_fini(&shown);
}

/* ---- reading ---- */

static int read_var(const struct env_var *var, void *config, struct buf *errors)
{
    void *field = (char *)config + var->offset;
    const char *text = getenv(var->name);
    struct buf expected = BUF_INIT(0);
    int code = ERR_INVALID;

    if (text && *text)
        code = env_value_parse(var, text, field, &expected);
    if (code != 0 && env_value_parse(var, fallback(var), field, NULL) != 0)
        abort(); /* the table's own default does not fit its kind: our fault */
    if (code != 0 && text && *text) {
        buf_addf(errors, "%s=\"", var->name);
        add_shown(var, errors, text, SHOWN_MAX);
        buf_addf(errors, "\": expected %s\n", buf_str(&expected));
    } else
        code = 0;
    buf_fini(&expected);
    return code;
}

int env_read(const struct env_var *vars, size_t n, void *config, struct buf *errors)
{
    int code = 0;

    for (size_t i = 0; i < n; i++)
        if (read_var(&vars[i], config, errors) != 0)
            code = ERR_INVALID;
    return code;
}

void env_show(const struct env_var *vars, size_t n, const void *config, struct buf *out)
{
    struct buf value = BUF_INIT(0);

    for (size_t i = 0; i < n; i++) {
        buf_clear(&value);
        env_value_format(&vars[i], (const char *)config + vars[i].offset, &value);
        buf_addf(out, "%s=", vars[i].name);
        add_shown(&vars[i], out, buf_str(&value), SIZE_MAX);
        buf_add_char(out, '\n');
    }
    buf_fini(&value);
}

/* ---- help ---- */

/* Adds the text in lines of at most HELP_COLUMNS, indented, broken at blanks. */
static void add_wrapped(struct buf *out, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column > 0 && column + 1 + len > HELP_COLUMNS) {
            buf_add_char(out, '\n');
            column = 0;
        }
        buf_addf(out, "%*s%.*s", column ? 1 : HELP_INDENT, "", (int)len, text);
        column += (column ? 1 : HELP_INDENT) + len;
        text += len;
        text += strspn(text, " ");
    }
    buf_add_char(out, '\n');
}

static size_t widest_name(const struct env_var *vars, size_t n)
{
    size_t widest = 0;

    for (size_t i = 0; i < n; i++)
        if (strlen(vars[i].name) > widest)
            widest = strlen(vars[i].name);
    return widest;
}

void env_help(const struct env_var *vars, size_t n, struct buf *out)
{
    size_t width = widest_name(vars, n);
    struct buf text = BUF_INIT(0), expected = BUF_INIT(0);

    for (size_t i = 0; i < n; i++) {
        const char *value = fallback(&vars[i]);

        buf_addf(out, "  %-*s  %s\n", (int)width, vars[i].name, *value ? value : "(empty)");
        buf_clear(&text);
        buf_clear(&expected);
        buf_add_str(&text, vars[i].help);
        env_value_expected(&vars[i], &expected);
        if (expected.len > 0)
            buf_addf(&text, " Takes %s.", buf_str(&expected));
        add_wrapped(out, buf_str(&text));
    }
    buf_fini(&text);
    buf_fini(&expected);
}
