// SPDX-License-Identifier: MIT
#include "common/config/env_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"

struct line {
    const char *at;
    size_t len;
    unsigned number;
};

/* Iterates: starts with {text, 0, 0}. */
static bool next_line(struct line *line, const char *end)
{
    const char *newline;

    if (line->number > 0)
        line->at += line->len + 1;
    if (line->at >= end)
        return false;
    newline = memchr(line->at, '\n', (size_t)(end - line->at));
    line->len = (size_t)((newline ? newline : end) - line->at);
    line->number++;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What no shell, and none of the other readers, gives a meaning to inside NAME=value. */
static bool is_plain(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("-.,:/@%+=#*?![]", c));
}

static bool is_ignored(const struct line *line)
{
    size_t i = 0;

    if (line->len > 0 && line->at[0] == '#')
        return true;
    while (i < line->len && (line->at[i] == ' ' || line->at[i] == '\t'))
        i++;
    return i == line->len;
}

/* The length of the name, 0 when the line does not start with NAME= */
static size_t name_len(const struct line *line)
{
    size_t n = 0;

    if (line->len == 0 || !is_letter(line->at[0]))
        return 0;
    while (n < line->len && (is_letter(line->at[n]) || is_digit(line->at[n])))
        n++;
    return n < line->len && line->at[n] == '=' ? n : 0;
}

static bool is_set_before(const char *text, const struct line *line, size_t n)
{
    struct line before = {.at = text};

    while (next_line(&before, line->at))
        if (name_len(&before) == n && memcmp(before.at, line->at, n) == 0)
            return true;
    return false;
}

/* Adds an error unless the line is right. Values are not quoted: one may be a password. */
static void check_line(const char *text, const struct line *line, const char *path,
                       struct buf *errors)
{
    size_t n = name_len(line);
    char last = line->len > 0 ? line->at[line->len - 1] : '\0';

    if (last == '\r') {
        buf_addf(errors, "%s:%u: the line ends with CR LF\n", path, line->number);
    } else if (is_ignored(line)) {
        if (last == '\\') /* systemd takes the next line for a part of the comment */
            buf_addf(errors, "%s:%u: a comment ends with a backslash\n", path, line->number);
        if (memchr(line->at, '\0', line->len))
            buf_addf(errors, "%s:%u: a NUL byte\n", path, line->number);
    } else if (n == 0) {
        buf_addf(errors, "%s:%u: expected NAME=value\n", path, line->number);
    } else if (is_set_before(text, line, n)) {
        buf_addf(errors, "%s:%u: %.*s is set twice\n", path, line->number, (int)n, line->at);
    } else {
        for (size_t i = n + 1; i < line->len; i++)
            if (!is_plain(line->at[i])) {
                char c = line->at[i];

                buf_addf(errors, "%s:%u: %.*s: ", path, line->number, (int)n, line->at);
                buf_addf(errors, c > ' ' && c < 0x7f ? "%c" : "a blank, control or non-ASCII byte",
                         c);
                buf_add_str(errors, " is not allowed in a value\n");
                return;
            }
    }
}

int env_file_parse(const char *text, size_t len, const char *path, env_file_setting *fn, void *ctx,
                   struct buf *errors)
{
    struct line line = {.at = text};
    struct buf name = BUF_INIT(0), value = BUF_INIT(0);
    size_t before = errors->len;
    int code = 0;

    while (next_line(&line, text + len))
        check_line(text, &line, path, errors);
    if (errors->len > before || errors->failed)
        return ERR_INVALID;
    line = (struct line){.at = text};
    while (code == 0 && next_line(&line, text + len)) {
        size_t n = name_len(&line);

        if (n == 0)
            continue;
        buf_clear(&name);
        buf_clear(&value);
        buf_add(&name, line.at, n);
        buf_add(&value, line.at + n + 1, line.len - n - 1);
        code = name.failed || value.failed ? ERR_NOMEM : fn(ctx, buf_str(&name), buf_str(&value));
    }
    buf_fini(&name);
    buf_fini(&value);
    return code;
}

/* An empty variable counts as unset everywhere, so here too. */
static int set_unless_held(void *ctx, const char *name, const char *value)
{
    const char *held = getenv(name);

    (void)ctx;
    if (held && *held)
        return 0;
    return setenv(name, value, 1) == 0 ? 0 : ERR_NOMEM;
}

static int read_file(const char *path, struct buf *text)
{
    FILE *file = fopen(path, "re");
    char part[4096];
    size_t n;
    int saved;

    if (!file)
        return ERR_IO;
    while ((n = fread(part, 1, sizeof part, file)) > 0 && !text->failed)
        buf_add(text, part, n);
    saved = ferror(file) ? errno : 0;
    fclose(file);
    errno = saved;
    return saved ? ERR_IO : 0;
}

int env_file_load(const char *path, struct buf *errors)
{
    struct buf text = BUF_INIT(ENV_FILE_MAX_BYTES);
    int code = read_file(path, &text);

    if (code != 0)
        buf_addf(errors, "%s: %s\n", path, strerror(errno));
    else if (text.failed) {
        buf_addf(errors, "%s: larger than %d KiB\n", path, ENV_FILE_MAX_BYTES / 1024);
        code = ERR_INVALID;
    } else {
        code = env_file_parse(buf_str(&text), text.len, path, set_unless_held, NULL, errors);
        if (code == ERR_NOMEM)
            buf_addf(errors, "%s: out of memory\n", path);
    }
    buf_fini(&text);
    return code;
}
