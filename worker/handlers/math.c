// SPDX-License-Identifier: MIT
/* math - the four operations on {"a": number, "b": number, "request_id": string or null}. */
#include <math.h>

#include "worker/handlers/handlers.h"

/* Reads the one argument; false: it was refused. */
static bool read_operands(struct wf_job *job, double *a, double *b)
{
    struct wf_value operands = wf_arg(job, 1), id = wf_member(operands, "request_id");
    enum wf_kind kind = wf_kind(id);

    if (wf_arg_count(job) > 1) {
        wf_fail_for_good(job, "InvalidArguments", "expected 1 argument, got %zu",
                         wf_arg_count(job));
        return false;
    }
    if (!wf_number(wf_member(operands, "a"), a) || !wf_number(wf_member(operands, "b"), b))
        return false;
    if (kind == WF_STRING || kind == WF_NULL || kind == WF_ABSENT)
        return true;
    wf_refuse(id, "a string or null");
    return false;
}

static void succeed(struct wf_job *job, double result)
{
    if (isfinite(result))
        wf_succeed_number(job, result);
    else
        wf_fail_for_good(job, "Overflow", "the result is too large for a double");
}

void math_add(struct wf_job *job)
{
    double a, b;

    if (read_operands(job, &a, &b))
        succeed(job, a + b);
}

void math_subtract(struct wf_job *job)
{
    double a, b;

    if (read_operands(job, &a, &b))
        succeed(job, a - b);
}

void math_multiply(struct wf_job *job)
{
    double a, b;

    if (read_operands(job, &a, &b))
        succeed(job, a * b);
}

void math_divide(struct wf_job *job)
{
    double a, b;

    if (!read_operands(job, &a, &b))
        return;
    if (b == 0)
        wf_fail_for_good(job, "DivisionByZero", "cannot divide %.17g by zero", a);
    else
        succeed(job, a / b);
}
