// SPDX-License-Identifier: MIT
/*
 * sync - pthread mutexes, condition variables and threads, used rightly in one place: every failure
 * of a lock is a bug of ours and aborts, timed waits use the monotonic clock, threads have a name
 * and start with the signals of shutdown blocked.
 */
#ifndef COMMON_BASE_SYNC_H
#define COMMON_BASE_SYNC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void mutex_init(pthread_mutex_t *m);
void mutex_fini(pthread_mutex_t *m);
void mutex_lock(pthread_mutex_t *m);
void mutex_unlock(pthread_mutex_t *m);

/* Waits on it are on CLOCK_MONOTONIC. */
void cond_init(pthread_cond_t *c);
void cond_fini(pthread_cond_t *c);
void cond_signal(pthread_cond_t *c);
void cond_broadcast(pthread_cond_t *c);
void cond_wait(pthread_cond_t *c, pthread_mutex_t *m);

/* Waits until signalled or until clock_ms() reaches the deadline; false when the deadline passed.
 * CLOCK_NEVER waits without one. Like any wait it may also return early: check the condition. */
bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ms);

/*
 * Starts fn(arg) on a thread called `name` (cut at 15 bytes) with `stack_bytes` of stack (0: the
 * system's default) and every signal blocked that the program handles in main. 0, or ERR_NOMEM
 * when the system has no room for one more thread. The caller joins it.
 */
int thread_start(pthread_t *thread, const char *name, size_t stack_bytes, void *(*fn)(void *),
                 void *arg);
void thread_join(pthread_t thread);

#endif
