// SPDX-License-Identifier: MIT
#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/spawn.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { KILL_TIMEOUT_MS = 10000 };

struct process {
    pid_t pid;
    bool ended;
    int status; /* valid once ended */
    char *log_path;
};

struct process *process_start(const struct process_options *o, struct err_text *why)
{
    struct process *p = calloc(1, sizeof *p);
    char **env = spawn_env(o->env, NULL);
    int log = open(o->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t pid = ERR_NOMEM;

    if (log < 0)
        pid = err_set(why, ERR_IO, "%s: %s", o->log_path, strerror(errno));
    else if (p && env && (p->log_path = strdup(o->log_path)) != NULL)
        pid = spawn_start(&(struct spawn){.argv = o->argv, .env = env, .output = log}, why);
    if (log >= 0)
        close(log);
    free(env);
    if (pid > 0) {
        p->pid = pid;
        return p;
    }
    if (p)
        free(p->log_path);
    free(p);
    return NULL;
}

static bool has_ended(void *arg)
{
    struct process *p = arg;
    int status;

    if (p->ended)
        return true;
    if (waitpid(p->pid, &status, WNOHANG) != p->pid)
        return false;
    p->status = spawn_status(status);
    p->ended = true;
    return true;
}

pid_t process_pid(const struct process *p)
{
    return p->pid;
}

bool process_alive(struct process *p)
{
    return !has_ended(p);
}

int process_signal(struct process *p, int signal_number)
{
    /* Not reaped means that the pid is still ours, whatever happens meanwhile. */
    if (has_ended(p) || kill(p->pid, signal_number) != 0)
        return ERR_ABSENT;
    return 0;
}

int process_wait(struct process *p, int64_t timeout_ms, int *status)
{
    if (!wait_until(has_ended, p, timeout_ms))
        return ERR_TIMEOUT;
    if (status)
        *status = p->status;
    return 0;
}

int process_stop(struct process *p, int64_t timeout_ms)
{
    process_signal(p, SIGTERM);
    if (process_wait(p, timeout_ms, NULL) != 0) {
        process_signal(p, SIGKILL);
        process_wait(p, KILL_TIMEOUT_MS, NULL);
    }
    return p->status;
}

void process_free(struct process *p)
{
    if (!p)
        return;
    process_signal(p, SIGKILL);
    process_wait(p, KILL_TIMEOUT_MS, NULL);
    free(p->log_path);
    free(p);
}

char *process_output(const struct process *p)
{
    return file_text(p->log_path);
}

struct awaited {
    struct process *process;
    const char *text;
    bool found;
};

static bool logged_or_ended(void *arg)
{
    struct awaited *a = arg;
    bool ended = has_ended(a->process); /* asked first: its last words are then in the file */
    char *text = process_output(a->process);

    a->found = text && strstr(text, a->text);
    free(text);
    return a->found || ended;
}

bool process_has_logged(struct process *p, const char *text, int64_t timeout_ms)
{
    struct awaited a = {.process = p, .text = text};

    wait_until(logged_or_ended, &a, timeout_ms);
    return a.found;
}
