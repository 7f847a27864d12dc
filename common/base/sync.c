// SPDX-License-Identifier: MIT
#include "common/base/sync.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/log.h"

/* pthread calls return their code; a code here means that our own use is wrong. */
static void must(int code, const char *what)
{
    if (code == 0)
        return;
    log_error("%s: %s", what, strerror(code));
    abort();
}

void mutex_init(pthread_mutex_t *m)
{
    must(pthread_mutex_init(m, NULL), "mutex_init");
}

void mutex_fini(pthread_mutex_t *m)
{
    must(pthread_mutex_destroy(m), "mutex_fini");
}

void mutex_lock(pthread_mutex_t *m)
{
    must(pthread_mutex_lock(m), "mutex_lock");
}

void mutex_unlock(pthread_mutex_t *m)
{
    must(pthread_mutex_unlock(m), "mutex_unlock");
}

void cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;

    must(pthread_condattr_init(&attr), "condattr_init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condattr_setclock");
    must(pthread_cond_init(c, &attr), "cond_init");
    must(pthread_condattr_destroy(&attr), "condattr_destroy");
}

void cond_fini(pthread_cond_t *c)
{
    must(pthread_cond_destroy(c), "cond_fini");
}

void cond_signal(pthread_cond_t *c)
{
    must(pthread_cond_signal(c), "cond_signal");
}

void cond_broadcast(pthread_cond_t *c)
{
    must(pthread_cond_broadcast(c), "cond_broadcast");
}

void cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    must(pthread_cond_wait(c, m), "cond_wait");
}

bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ms)
{
    struct timespec at;
    int code;

    if (deadline_ms == CLOCK_NEVER) {
        cond_wait(c, m);
        return true;
    }
    at = clock_timespec(deadline_ms);
    code = pthread_cond_timedwait(c, m, &at);
    if (code == ETIMEDOUT)
        return false;
    must(code, "cond_wait_until");
    return true;
}

int thread_start(pthread_t *thread, const char *name, size_t stack_bytes, void *(*fn)(void *),
                 void *arg)
{
    pthread_attr_t attr;
    sigset_t all, before;
    char short_name[16];
    int code;

    must(pthread_attr_init(&attr), "attr_init");
    if (stack_bytes > 0)
        must(pthread_attr_setstacksize(&attr, stack_bytes), "attr_setstacksize");
    /* The new thread inherits this mask; main alone takes signals. */
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    must(pthread_sigmask(SIG_BLOCK, &all, &before), "sigmask");
    code = pthread_create(thread, &attr, fn, arg);
    must(pthread_sigmask(SIG_SETMASK, &before, NULL), "sigmask");
    must(pthread_attr_destroy(&attr), "attr_destroy");
    if (code != 0)
        return ERR_NOMEM;
    snprintf(short_name, sizeof short_name, "%s", name);
    pthread_setname_np(*thread, short_name);
    return 0;
}

void thread_join(pthread_t thread)
{
    must(pthread_join(thread, NULL), "thread_join");
}
