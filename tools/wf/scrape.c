// SPDX-License-Identifier: MIT
#include "tools/wf/scrape.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 63 };

struct scrape scrape_text(const char *text, size_t len)
{
    return (struct scrape){.at = text, .end = text + len};
}

bool scrape_is(const struct scrape_sample *sample, const char *name)
{
    return sample->name.len == strlen(name) && memcmp(sample->name.at, name, sample->name.len) == 0;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* Behind a name: letters, digits, _ and :, no digit first. `at` itself when there is none. */
static const char *skip_name(const char *at, const char *end)
{
    const char *start = at;

    while (at < end && (isalpha((unsigned char)*at) || *at == '_' || *at == ':' ||
                        (at > start && isdigit((unsigned char)*at))))
        at++;
    return at;
}

/* Behind a quoted value, where a backslash takes the next byte along; NULL without its end. */
static const char *skip_quoted(const char *at, const char *end)
{
    if (at == end || *at != '"')
        return NULL;
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : NULL;
}

/* One of name="value", name="value"; moves *at behind it and its comma. False at the end, and
 * for what is no label: then *at is NULL. */
static bool next_label(const char **at, const char *end, struct scrape_slice *name,
                       struct scrape_slice *quoted)
{
    const char *start = skip_blanks(*at, end), *behind;

    *at = start;
    if (start == end || *start == '}')
        return false;
    *at = NULL;
    *name = (struct scrape_slice){start, (size_t)(skip_name(start, end) - start)};
    start = skip_blanks(start + name->len, end);
    if (name->len == 0 || start == end || *start != '=')
        return false;
    start = skip_blanks(start + 1, end);
    if (!(behind = skip_quoted(start, end)))
        return false;
    *quoted = (struct scrape_slice){start, (size_t)(behind - start)};
    behind = skip_blanks(behind, end);
    if (behind < end && *behind == ',')
        behind++;
    *at = behind;
    return true;
}

/* {labels}: moves *at behind it. False when it is not well formed. */
static bool read_labels(const char **at, const char *end, struct scrape_slice *labels)
{
    struct scrape_slice name, value;
    const char *start = *at + 1, *now = start;

    while (next_label(&now, end, &name, &value))
        ;
    if (!now || now == end)
        return false;
    *labels = (struct scrape_slice){start, (size_t)(now - start)};
    *at = now + 1;
    return true;
}

/* A number, and perhaps a time behind it. */
static bool read_value(const char *at, const char *end, double *value)
{
    char number[NUMBER_MAX + 1];
    size_t len = 0;
    char *rest;

    at = skip_blanks(at, end);
    while (at + len < end && !isspace((unsigned char)at[len]))
        len++;
    if (len == 0 || len > NUMBER_MAX)
        return false;
    memcpy(number, at, len);
    number[len] = '\0';
    *value = strtod(number, &rest);
    if (*rest)
        return false;
    at = skip_blanks(at + len, end);
    while (at < end && (isdigit((unsigned char)*at) || *at == '-'))
        at++;
    return skip_blanks(at, end) == end;
}

static bool read_sample(const char *at, const char *end, struct scrape_sample *sample)
{
    const char *start = at;

    at = skip_name(at, end);
    sample->name = (struct scrape_slice){start, (size_t)(at - start)};
    sample->labels = (struct scrape_slice){at, 0};
    at = skip_blanks(at, end);
    if (sample->name.len == 0 ||
        (at < end && *at == '{' && !read_labels(&at, end, &sample->labels)))
        return false;
    return read_value(at, end, &sample->value);
}

int scrape_next(struct scrape *s, struct scrape_sample *sample, struct err_text *why)
{
    while (s->at < s->end) {
        const char *start = s->at, *end = memchr(start, '\n', (size_t)(s->end - start));

        end = end ? end : s->end;
        s->at = end < s->end ? end + 1 : end;
        s->line++;
        if (end > start && end[-1] == '\r')
            end--;
        start = skip_blanks(start, end);
        if (start == end || *start == '#')
            continue;
        if (read_sample(start, end, sample))
            return 1;
        return err_set(why, ERR_INVALID, "line %d is no metric: %.*s", s->line,
                       (int)(end - start > 60 ? 60 : end - start), start);
    }
    return 0;
}

bool scrape_label(const struct scrape_sample *sample, const char *label, struct buf *out)
{
    const char *at = sample->labels.at, *end = at + sample->labels.len;
    struct scrape_slice name, value;

    while (next_label(&at, end, &name, &value)) {
        if (name.len != strlen(label) || memcmp(name.at, label, name.len) != 0)
            continue;
        for (size_t i = 1; i + 1 < value.len; i++) {
            bool escaped = value.at[i] == '\\';

            i += escaped;
            buf_add_char(out, escaped && value.at[i] == 'n' ? '\n' : value.at[i]);
        }
        return true;
    }
    return false;
}
