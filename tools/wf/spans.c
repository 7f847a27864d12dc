// SPDX-License-Identifier: MIT
#include "tools/wf/spans.h"

#include <inttypes.h>
#include <stdlib.h>

static void close_span(struct spans *s)
{
    if (s->first == 0)
        return;
    buf_addf(&s->text, "%s%" PRId64, s->text.len > 0 ? "," : "", s->first);
    if (s->last > s->first)
        buf_addf(&s->text, "-%" PRId64, s->last);
    s->first = 0;
}

void spans_add(struct spans *s, int64_t number)
{
    s->n++;
    if (s->first > 0 && number == s->last + 1) {
        s->last = number;
        return;
    }
    close_span(s);
    s->first = s->last = number;
}

const char *spans_text(struct spans *s)
{
    close_span(s);
    return buf_str(&s->text);
}

void spans_clear(struct spans *s)
{
    buf_clear(&s->text);
    s->first = 0;
    s->n = 0;
}

void spans_fini(struct spans *s)
{
    buf_fini(&s->text);
    spans_clear(s);
}

static bool take_number(const char **at, int64_t *out)
{
    char *end;

    if (**at < '0' || **at > '9')
        return false;
    *out = strtoll(*at, &end, 10);
    *at = end;
    return *out > 0;
}

bool spans_next(const char **at, int64_t *first, int64_t *last)
{
    const char *p = *at + (**at == ',');

    if (!take_number(&p, first))
        return false;
    *last = *first;
    if (*p == '-' && (p++, !take_number(&p, last)))
        return false;
    if (*last < *first || (*p != '\0' && *p != ',' && *p != '\n'))
        return false;
    *at = p;
    return true;
}
