// SPDX-License-Identifier: MIT
#include "common/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- environment ---- */

/* Does `change` ("NAME=value", "NAME" or "NAME*") concern this variable? */
static bool concerns(const char *change, const char *variable)
{
    size_t n = strcspn(change, "=*");

    if (strncmp(change, variable, n) != 0)
        return false;
    return change[n] == '*' || variable[n] == '=';
}

/* Makes one change to the first `n` of `env`; how many there are then. */
static size_t make_change(char **env, size_t n, const char *change)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (!concerns(change, env[i]))
            env[kept++] = env[i];
    if (strchr(change, '='))
        env[kept++] = (char *)change;
    return kept;
}

static size_t length(const char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

char **spawn_env(const char *const *changes, const char *const *more)
{
    size_t n = length((const char *const *)environ), first = length(changes), then = length(more);
    char **env = calloc(n + first + then + 1, sizeof *env);

    if (!env)
        return NULL;
    memcpy(env, environ, n * sizeof *env);
    for (size_t i = 0; i < first; i++)
        n = make_change(env, n, changes[i]);
    for (size_t i = 0; i < then; i++)
        n = make_change(env, n, more[i]);
    env[n] = NULL;
    return env;
}

/* ---- the program ---- */

/* In the child, between fork and exec: system calls only. Comes back only when one failed. */
static void become(const struct spawn *s, pid_t parent)
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
    if (s->own_group)
        setpgid(0, 0);
    if (s->netns > 0 && setns(s->netns, CLONE_NEWNET) != 0)
        return;
    if ((null = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(s->output, STDOUT_FILENO) < 0 || dup2(s->output, STDERR_FILENO) < 0)
        return;
    /* A child that held a socket of ours would keep the other side from seeing it closed. */
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execvpe(s->argv[0], (char *const *)s->argv, s->env);
}

/* A pipe that exec closes tells whether the program really runs. */
pid_t spawn_start(const struct spawn *s, struct err_text *why)
{
    pid_t parent = getpid(), pid;
    int report[2], code = 0;
    ssize_t n;

    if (pipe2(report, O_CLOEXEC) != 0)
        return err_set(why, ERR_IO, "pipe: %s", strerror(errno));
    if ((pid = fork()) == 0) {
        become(s, parent);
        code = errno;
        n = write(report[1], &code, sizeof code);
        _exit(n == (ssize_t)sizeof code ? 127 : 126);
    }
    code = errno; /* of the fork, should it have failed */
    close(report[1]);
    do
        n = pid > 0 ? read(report[0], &code, sizeof code) : 1;
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n == 0)
        return pid;
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return err_set(why, ERR_IO, "%s cannot be run: %s", s->argv[0], strerror(code));
}

int spawn_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
