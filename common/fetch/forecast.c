// SPDX-License-Identifier: MIT
#include "common/fetch/forecast.h"

enum {
    SAMPLE_MIN_US = 2000, /* rates are measured over a round trip, and at least this */
    NEAREST_US = 5000,    /* a round trip counts as this at least: threads wait for a core, too */
    LEAP = 8,
};

#define GROWS 1.25 /* a rate that became so many times what it was is growing */

void forecast_init(struct forecast *f, unsigned threads, int64_t now_us)
{
    *f = (struct forecast){
        .threads = threads, .leap = LEAP, .start_us = now_us, .held_until_us = now_us};
}

static double far_us(const struct forecast *f)
{
    return (double)(f->rtt_us > NEAREST_US ? f->rtt_us : NEAREST_US);
}

/* To be called before in_hand changes. */
static void hold(struct forecast *f, int64_t now_us)
{
    f->held_us += f->in_hand * (double)(now_us - f->held_until_us);
    f->held_until_us = now_us;
}

void forecast_begun(struct forecast *f, int64_t now_us)
{
    hold(f, now_us);
    f->in_hand++;
}

static void next_sample(struct forecast *f, int64_t now_us)
{
    double rate = (double)f->finished / (double)(now_us - f->start_us);

    if (rate >= f->start_rate * GROWS)
        f->leap = LEAP;
    else
        f->leap = f->leap > 2 ? f->leap / 2 : 1;
    f->rate = rate > f->rate ? rate : (rate + f->rate) / 2;
    f->start_rate = f->rate;
    f->start_us = now_us;
    f->finished = 0;
    f->held_us /= 2;
    f->held_jobs /= 2;
}

void forecast_finished(struct forecast *f, int64_t now_us)
{
    int64_t took_us = now_us - f->start_us;
    double least;

    hold(f, now_us);
    f->in_hand--;
    f->held_jobs++;
    f->finished++;
    /* a round trip that is not over yet will have seen no less */
    least = f->finished / ((double)took_us > far_us(f) ? (double)took_us : far_us(f));
    if (least > f->rate)
        f->rate = least;
    if (least >= f->start_rate * GROWS)
        f->leap = LEAP;
    if (took_us >= SAMPLE_MIN_US && took_us >= f->rtt_us)
        next_sample(f, now_us);
}

double forecast_jobs(const struct forecast *f)
{
    double leapt = f->rate * f->leap;
    double able = f->held_us > 0 ? f->threads * f->held_jobs / f->held_us : leapt;
    double rate = leapt < able ? leapt : able;

    return (rate > f->rate ? rate : f->rate) * far_us(f);
}
