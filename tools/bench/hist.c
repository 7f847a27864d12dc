// SPDX-License-Identifier: MIT
#include "tools/bench/hist.h"

#include <stddef.h>

/* Bits of a value beyond the seven that are kept. */
static int shift_of(int64_t value)
{
    return value < HIST_EXACT ? 0 : 64 - __builtin_clzll((unsigned long long)value) - 7;
}

static size_t cell_of(int64_t value)
{
    int shift = shift_of(value);

    if (shift > HIST_DOUBLINGS)
        return HIST_CELLS - 1;
    if (shift == 0)
        return (size_t)value;
    return HIST_EXACT + (size_t)(shift - 1) * HIST_HALF + (size_t)(value >> shift) - HIST_HALF;
}

/* The highest value that falls into the cell. */
static int64_t top_of(size_t cell)
{
    size_t beyond, shift;

    if (cell < HIST_EXACT)
        return (int64_t)cell;
    beyond = cell - HIST_EXACT;
    shift = beyond / HIST_HALF + 1;
    return ((int64_t)(beyond % HIST_HALF + HIST_HALF + 1) << shift) - 1;
}

void hist_record(struct hist *h, int64_t value)
{
    if (value < 0)
        value = 0;
    h->cells[cell_of(value)]++;
    h->count++;
    if (value > h->max)
        h->max = value;
}

void hist_add(struct hist *to, const struct hist *from)
{
    for (size_t i = 0; i < HIST_CELLS; i++)
        to->cells[i] += from->cells[i];
    to->count += from->count;
    if (from->max > to->max)
        to->max = from->max;
}

int64_t hist_quantile(const struct hist *h, double share)
{
    double wanted = share * (double)h->count;
    uint64_t seen = 0;

    for (size_t i = 0; i < HIST_CELLS - 1; i++) {
        seen += h->cells[i];
        if (seen > 0 && (double)seen >= wanted)
            return top_of(i) < h->max ? top_of(i) : h->max;
    }
    return h->max;
}
