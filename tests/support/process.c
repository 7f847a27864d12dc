// SPDX-License-Identifier: MIT
#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { KILL_TIMEOUT_MS = 10000 };

extern char **environ;

struct process {
    pid_t pid;
    bool ended;
    int status; /* valid once ended */
    char *log_path;
};

/* Does `change` ("NAME=value", "NAME" or "NAME*") concern this variable? */
static bool concerns(const char *change, const char *variable)
{
    size_t n = strcspn(change, "=*");

    if (strncmp(change, variable, n) != 0)
        return false;
    return change[n] == '*' || variable[n] == '=';
}

/* A copy of the environment with the changes made; the strings are borrowed. */
static char **changed_env(const char *const *changes)
{
    size_t have = 0, extra = 0, n = 0;
    char **env;

    while (environ[have])
        have++;
    while (changes && changes[extra])
        extra++;
    if (!(env = calloc(have + extra + 1, sizeof *env)))
        return NULL;
    memcpy(env, environ, have * sizeof *env);
    n = have;
    for (size_t c = 0; c < extra; c++) {
        size_t kept = 0;

        for (size_t i = 0; i < n; i++)
            if (!concerns(changes[c], env[i]))
                env[kept++] = env[i];
        n = kept;
        if (strchr(changes[c], '='))
            env[n++] = (char *)changes[c];
    }
    env[n] = NULL;
    return env;
}

/* In the child, between fork and exec: system calls only. Comes back only when one failed. */
static void become(const struct process_options *o, char **env, int log, pid_t parent)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    int null;

    /* The parent may be gone before prctl is in force; then nobody would ever end this child. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGPIPE, &plain, NULL);
    if ((null = open("/dev/null", O_RDONLY)) < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        return;
    /* A child that held a socket of the test would keep the other side from seeing it closed. */
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execve(o->argv[0], (char *const *)o->argv, env);
}

/* Forks; through a pipe that exec closes, learns whether the program really runs. */
static pid_t spawn(const struct process_options *o, char **env, int log, struct err_text *why)
{
    pid_t parent = getpid(), pid;
    int report[2], code = 0;
    ssize_t n;

    if (pipe2(report, O_CLOEXEC) != 0)
        return err_set(why, ERR_IO, "pipe: %s", strerror(errno));
    if ((pid = fork()) == 0) {
        become(o, env, log, parent);
        code = errno;
        n = write(report[1], &code, sizeof code);
        _exit(n == (ssize_t)sizeof code ? 127 : 126);
    }
    code = errno; /* of the fork, should it have failed */
    close(report[1]);
    do
        n = pid > 0 ? read(report[0], &code, sizeof code) : 0;
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (pid > 0 && n == 0)
        return pid;
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return err_set(why, ERR_IO, "%s cannot be run: %s", o->argv[0], strerror(code));
}

struct process *process_start(const struct process_options *o, struct err_text *why)
{
    struct process *p = calloc(1, sizeof *p);
    char **env = changed_env(o->env);
    int log = open(o->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t pid = ERR_NOMEM;

    if (log < 0)
        pid = err_set(why, ERR_IO, "%s: %s", o->log_path, strerror(errno));
    else if (p && env && (p->log_path = strdup(o->log_path)) != NULL)
        pid = spawn(o, env, log, why);
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
    p->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
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

const char *process_log_path(const struct process *p)
{
    return p->log_path;
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
