// SPDX-License-Identifier: MIT
#include "tools/wf/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const escapes[] = {
    [OUT_PLAIN] = "",       [OUT_BOLD] = "\033[1m",   [OUT_DIM] = "\033[2m",
    [OUT_RED] = "\033[31m", [OUT_GREEN] = "\033[32m", [OUT_YELLOW] = "\033[33m",
};

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

void out_init(struct out *o, bool json, bool quiet, bool no_color)
{
    const char *term = getenv("TERM");
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;

    memset(o, 0, sizeof *o);
    o->json = json;
    o->quiet = quiet;
    o->terminal = isatty(STDOUT_FILENO) && !dumb && !json;
    o->err_terminal = isatty(STDERR_FILENO) && !dumb;
    o->color = o->terminal && !no_color && !is_set("NO_COLOR");
}

void out_text(const struct out *o, const char *fmt, ...)
{
    va_list ap;

    (void)o;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
}

/* One line, one write: it does not get mixed up with the lines of others. */
static void complain(const char *fmt, va_list ap)
{
    char line[1024];
    int n = vsnprintf(line, sizeof line, fmt, ap);

    if (n < 0)
        return;
    (void)fflush(stdout); /* what was printed before stands before */
    fprintf(stderr, "wf: %s\n", line);
}

void out_error(const struct out *o, const char *fmt, ...)
{
    va_list ap;

    (void)o;
    va_start(ap, fmt);
    complain(fmt, ap);
    va_end(ap);
}

void out_note(const struct out *o, const char *fmt, ...)
{
    va_list ap;

    if (o->quiet)
        return;
    va_start(ap, fmt);
    complain(fmt, ap);
    va_end(ap);
}

void out_json(const struct out *o, const struct buf *json)
{
    (void)o;
    if (json->failed) {
        out_error(o, "out of memory for the output");
        return;
    }
    (void)fwrite(json->data, 1, json->len, stdout);
    (void)fputc('\n', stdout);
    (void)fflush(stdout); /* whoever reads a stream wants each line when it is there */
}

const char *out_on(const struct out *o, enum out_color color)
{
    return o->color ? escapes[color] : "";
}

const char *out_off(const struct out *o)
{
    return o->color ? "\033[0m" : "";
}

/* ---- tables ---- */

/* Characters, not bytes: UTF-8's continuation bytes take no room. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (; text && *text; text++)
        n += ((unsigned char)*text & 0xC0U) != 0x80U;
    return n;
}

static void print_cell(const char *text, size_t width, bool right, bool last)
{
    size_t n = width_of(text), pad = width > n ? width - n : 0;

    if (right)
        printf("%*s", (int)pad, "");
    fputs(text ? text : "", stdout);
    if (!right && !last)
        printf("%*s", (int)pad, "");
    fputs(last ? "\n" : "  ", stdout);
}

void out_table(const struct out *o, const struct out_column *heads, size_t columns,
               const char *const *cells, size_t rows)
{
    size_t *width = calloc(columns, sizeof *width);

    if (!width) {
        out_error(o, "out of memory for a table");
        return;
    }
    for (size_t c = 0; c < columns; c++) {
        width[c] = width_of(heads[c].head);
        for (size_t r = 0; r < rows; r++)
            if (width_of(cells[r * columns + c]) > width[c])
                width[c] = width_of(cells[r * columns + c]);
    }
    fputs(out_on(o, OUT_BOLD), stdout);
    for (size_t c = 0; c < columns; c++)
        print_cell(heads[c].head, width[c], heads[c].right, c + 1 == columns);
    fputs(out_off(o), stdout);
    for (size_t i = 0; i < rows * columns; i++)
        print_cell(cells[i], width[i % columns], heads[i % columns].right,
                   i % columns + 1 == columns);
    free(width);
}

bool out_finish(const struct out *o)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    out_error(o, "cannot write to standard output: %s", strerror(errno));
    return false;
}
