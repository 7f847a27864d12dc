// SPDX-License-Identifier: MIT
#include "tools/wf/answer.h"

#include <stdlib.h>
#include <string.h>

enum { RETRY_AFTER_MAX_S = 60 };

/* What a status says by itself. The API adds "stored" to the uncertain ones; where a proxy stands
 * between and answers in its place, there is none, and only the word of the API can say "no". */
static const struct {
    int status;
    enum answer_fate said_no, silent; /* with "stored":"no" in the answer, and without */
} judgements[] = {
    {202, ANSWER_STORED, ANSWER_STORED}, {400, ANSWER_REFUSED, ANSWER_REFUSED},
    {408, ANSWER_LATER, ANSWER_LATER},   {413, ANSWER_REFUSED, ANSWER_REFUSED},
    {429, ANSWER_LATER, ANSWER_LATER},   {502, ANSWER_REFUSED, ANSWER_UNKNOWN},
    {503, ANSWER_LATER, ANSWER_LATER},   {504, ANSWER_LATER, ANSWER_UNKNOWN},
};

static enum answer_fate fate_of(int status, struct json_slice root)
{
    bool object = json_type(root) == JSON_OBJECT;
    bool no = object && json_string_is(json_member(root, "stored"), "no");

    for (size_t i = 0; i < sizeof judgements / sizeof judgements[0]; i++)
        if (judgements[i].status == status)
            return no ? judgements[i].said_no : judgements[i].silent;
    return status >= 300 && status < 500 ? ANSWER_STRANGE : ANSWER_UNKNOWN;
}

/* The API's own sentence, or what can be said without one. */
static void set_why(struct answer *a)
{
    struct buf text = BUF_INIT(0);

    if (json_type(a->root) == JSON_OBJECT &&
        json_read_string(json_member(a->root, "error"), &text) == 0)
        err_set(&a->why, 0, "%s", buf_str(&text));
    else
        err_set(&a->why, 0, "an answer with status %d that is not api-service's", a->status);
    buf_fini(&text);
}

static void judge(struct answer *a, int status, const char *body, size_t len)
{
    *a = (struct answer){.reached = true, .status = status};
    if (json_check(body, len, &a->root, NULL) != 0)
        a->root = (struct json_slice){NULL, 0};
    a->fate = fate_of(status, a->root);
    if (a->fate == ANSWER_STORED && json_type(a->root) != JSON_OBJECT)
        a->fate = ANSWER_UNKNOWN; /* 202 is not enough: some other service says it lightly */
    set_why(a);
}

static int64_t retry_after_ms(struct http *h)
{
    char text[32];
    long s = http_header(h, "Retry-After", text, sizeof text) ? strtol(text, NULL, 10) : 0;

    if (s < 0)
        return 0;
    return (s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S) * 1000LL;
}

void answer_ask(struct http *h, const struct http_ask *ask, struct answer *a)
{
    struct http_answer_view view;
    struct err_text why = {""};
    int code = http_do(h, ask, &view, &why);

    if (code == 0) {
        judge(a, view.status, view.body, view.len);
        a->retry_after_ms = retry_after_ms(h);
        return;
    }
    *a = (struct answer){.fate = code == ERR_ABSENT ? ANSWER_LATER : ANSWER_UNKNOWN, .why = why};
}

const char *answer_stored(enum answer_fate fate)
{
    return fate == ANSWER_STORED ? "yes" : fate == ANSWER_UNKNOWN ? "unknown" : "no";
}
