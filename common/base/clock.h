// SPDX-License-Identifier: MIT
/*
 * clock - the two clocks. Deadlines and durations use the monotonic one, in milliseconds unless
 * the name says otherwise; wall time is for what people and other machines read. Any thread.
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* A deadline that never comes. */
#define CLOCK_NEVER INT64_MAX

/* CLOCK_MONOTONIC in milliseconds, microseconds. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* The earlier of two deadlines. */
int64_t clock_earlier(int64_t a_ms, int64_t b_ms);

/* Milliseconds since 1970, from the wall clock. */
int64_t clock_wall_ms(void);

/* The monotonic deadline as the absolute time that pthread_cond_timedwait takes. */
struct timespec clock_timespec(int64_t deadline_ms);

/* Milliseconds until the deadline as poll() takes them: 0 when it passed, at most `most_ms`. */
int clock_poll_ms(int64_t deadline_ms, int most_ms);

enum { CLOCK_RFC3339_MAX = 32 };

/* Wall milliseconds as "2026-11-21T10:18:00.123Z" (RFC 3339, UTC). */
void clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_MAX]);

/*
 * Reads an RFC 3339 date-time (fraction up to nanoseconds, Z or an offset) into wall milliseconds.
 * 0, or ERR_INVALID. Stricter than most readers on purpose: what passes here passes in Faktory.
 */
int clock_parse_rfc3339(const char *text, size_t len, int64_t *wall_ms);

#endif
