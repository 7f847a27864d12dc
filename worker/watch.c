// SPDX-License-Identifier: MIT
#include "worker/watch.h"

int64_t watch_silence_ms(const struct consumer_state *state, int64_t started_ms, int64_t now_ms)
{
    return now_ms - (state->heard_ms > 0 ? state->heard_ms : started_ms);
}

enum watch_event watch_step(struct watch *w, const struct consumer_state *state, int64_t now_ms)
{
    bool silent = watch_silence_ms(state, w->started_ms, now_ms) >= WATCH_SILENCE_MS;

    if (!w->connected && state->lanes_up > 0) {
        w->connected = true;
        w->warned_ms = 0;
        return WATCH_CONNECTED;
    }
    if (silent && (w->warned_ms == 0 || now_ms - w->warned_ms >= WATCH_REPEAT_MS)) {
        w->warned_ms = now_ms;
        return WATCH_SILENT;
    }
    if (!silent && w->warned_ms != 0) {
        w->warned_ms = 0;
        return WATCH_BACK;
    }
    return WATCH_NOTHING;
}
