// SPDX-License-Identifier: MIT
#include "common/fetch/consumer_shape.h"

/*
 * Faktory works off one connection in order, and an ACK costs it twice what a FETCH does. Far, all
 * connections are eight. Near, nothing but its CPU is in the way, and the more connections it has
 * side by side, the less a job costs it.
 */
enum {
    LANES_FAR = 2,
    LANES_NEAR = 5,
    SETTLERS_FAR = 5,
    SETTLERS_NEAR = 10,
    BEATS = 1,
    NEAR_US = 2000, /* a round trip below that is near */
};

bool consumer_is_near(int64_t rtt_us)
{
    return rtt_us < NEAR_US;
}

struct consumer_shape consumer_shape(unsigned lanes, int64_t rtt_us)
{
    struct consumer_shape shape = {.lanes = lanes, .settlers = SETTLERS_FAR};
    bool near = consumer_is_near(rtt_us);

    if (lanes == 0)
        shape.lanes = near ? LANES_NEAR : LANES_FAR;
    if (near && shape.lanes * 2 > shape.settlers)
        shape.settlers = shape.lanes * 2 < SETTLERS_NEAR ? shape.lanes * 2 : SETTLERS_NEAR;
    shape.connections = shape.lanes + shape.settlers + BEATS;
    return shape;
}
