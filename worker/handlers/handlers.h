// SPDX-License-Identifier: MIT
/* handlers - every handler that the worker has; registry.c gives each its job type. */
#ifndef WORKER_HANDLERS_HANDLERS_H
#define WORKER_HANDLERS_HANDLERS_H

#include "worker/handler.h"

/* math.c */
wf_handler math_add;
wf_handler math_subtract;
wf_handler math_multiply;
wf_handler math_divide;

#endif
