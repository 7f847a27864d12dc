// SPDX-License-Identifier: MIT
/*
 * forecast - how many jobs a worker will finish in a round trip, from those that it finished.
 *
 * The rate is measured over a round trip. While it grows the forecast leaps ahead of it, so that a
 * far worker is busy after a few round trips and not after twenty; but never beyond what the
 * threads can do if each job stays in hand as long as those before (Little's law): fifty threads
 * with jobs of 100 ms do 500 a second, however fast the first fifty came.
 *
 * Arithmetic only: no lock, no clock. Times are monotonic, in microseconds, and never go back.
 */
#ifndef COMMON_FETCH_FORECAST_H
#define COMMON_FETCH_FORECAST_H

#include <stdint.h>

/* All of it is forecast.c's, but for `threads` and `rtt_us`, which the owner may set. */
struct forecast {
    unsigned threads;
    int64_t rtt_us; /* 0: not known */

    unsigned in_hand;
    int64_t start_us; /* of the sample */
    unsigned finished;
    double rate; /* jobs a microsecond, smoothed */
    double start_rate;
    double leap;
    int64_t held_until_us;
    double held_us, held_jobs; /* lately counts more */
};

void forecast_init(struct forecast *f, unsigned threads, int64_t now_us);

/* A job came into the worker's hands. */
void forecast_begun(struct forecast *f, int64_t now_us);

/* A job left them. */
void forecast_finished(struct forecast *f, int64_t now_us);

/* Jobs that will be finished in a round trip; one of less than 5 ms counts as that. */
double forecast_jobs(const struct forecast *f);

#endif
