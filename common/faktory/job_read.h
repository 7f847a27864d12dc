// SPDX-License-Identifier: MIT
/* job_read - for those who keep the memory of jobs themselves, such as a pack; others take
 * job_parse(). */
#ifndef COMMON_FAKTORY_JOB_READ_H
#define COMMON_FAKTORY_JOB_READ_H

#include "common/faktory/job.h"

/* What the strings of a job need at *room beyond the length of its text. */
enum { JOB_READ_STRINGS = 3 };

/* Fills in a job from checked JSON that lives as long as the job, its strings at *room, which moves
 * behind them. 0 or ERR_PROTOCOL. */
int job_read(struct job *job, struct json_slice text, char **room, struct err_text *why);

#endif
