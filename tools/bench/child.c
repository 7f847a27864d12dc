// SPDX-License-Identifier: MIT
#include "tools/bench/child.h"

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

#include "common/base/buf.h"
#include "common/base/clock.h"

enum { POLL_MS = 10, LOG_MAX = 1 << 20, KILL_MS = 10000 };

extern char **environ;

struct child {
    pid_t pid;
    bool ended;
    int status; /* once ended */
    char *log_path;
};

/* Settings of our programs and of Faktory, which must not come in from outside. */
static bool is_setting(const char *variable)
{
    static const char *const ours[] = {"FAKTORY_", "BATCH_", "WORKER_",   "API_",
                                       "LOG_",     "HTTP_",  "BIND_ADDR", "DATA_DIR"};

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
            return true;
    return false;
}

static char **make_env(const char *const *extra)
{
    size_t n = 0, have = 0, more = 0;
    char **env;

    while (environ[have])
        have++;
    while (extra && extra[more])
        more++;
    if (!(env = calloc(have + more + 1, sizeof *env)))
        return NULL;
    for (size_t i = 0; i < have; i++)
        if (!is_setting(environ[i]))
            env[n++] = environ[i];
    for (size_t i = 0; i < more; i++)
        env[n++] = (char *)extra[i];
    return env;
}

/* In the child, between fork and exec: system calls only. Comes back only when one failed. */
static void become(const struct child_options *o, char **env, int log, pid_t parent)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    int null;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGPIPE, &plain, NULL);
    setpgid(0, 0); /* Ctrl-C is for the bench, which then ends its children in order */
    if (o->netns >= 0 && setns(o->netns, CLONE_NEWNET) != 0)
        return;
    if ((null = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        return;
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execvpe(o->argv[0], (char *const *)o->argv, env);
}

/* Forks; through a pipe that exec closes, learns whether the program really runs. */
static pid_t spawn(const struct child_options *o, char **env, int log, struct err_text *why)
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
        _exit(n > 0 ? 127 : 126);
    }
    code = errno;
    close(report[1]);
    n = pid > 0 ? read(report[0], &code, sizeof code) : 1;
    close(report[0]);
    if (n == 0)
        return pid;
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return err_set(why, ERR_IO, "%s cannot be run: %s", o->argv[0], strerror(code));
}

static void child_free(struct child *c)
{
    free(c->log_path);
    free(c);
}

struct child *child_start(const struct child_options *o, struct err_text *why)
{
    struct child *c = calloc(1, sizeof *c);
    char **env = make_env(o->env);
    int log = open(o->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (c && env && (c->log_path = strdup(o->log_path)) && log >= 0)
        c->pid = spawn(o, env, log, why);
    else
        err_set(why, ERR_IO, "%s: %s", o->log_path, strerror(errno));
    if (log >= 0)
        close(log);
    free(env);
    if (c && c->pid <= 0) {
        child_free(c);
        c = NULL;
    }
    return c;
}

pid_t child_pid(const struct child *c)
{
    return c->pid;
}

bool child_alive(struct child *c)
{
    int status;

    if (!c->ended && waitpid(c->pid, &status, WNOHANG) == c->pid) {
        c->ended = true;
        c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return !c->ended;
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static bool wait_end(struct child *c, int64_t timeout_ms)
{
    int64_t deadline = clock_ms() + timeout_ms;

    while (child_alive(c) && clock_ms() < deadline)
        pause_ms(POLL_MS);
    return c->ended;
}

int child_stop(struct child *c, int64_t timeout_ms)
{
    int status;

    if (!c)
        return 0;
    if (child_alive(c))
        kill(c->pid, SIGTERM);
    if (!wait_end(c, timeout_ms)) {
        kill(c->pid, SIGKILL);
        wait_end(c, KILL_MS);
    }
    status = c->status;
    child_free(c);
    return status;
}

int child_wait(struct child *c, int64_t timeout_ms)
{
    bool in_time = wait_end(c, timeout_ms);
    int status = child_stop(c, 0);

    return in_time ? status : -1;
}

/* ---- its output ---- */

static void read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *to;
    ssize_t n = 1;

    buf_clear(out);
    while (fd >= 0 && n > 0 && (to = buf_reserve(out, 4096)) != NULL)
        if ((n = read(fd, to, 4096)) > 0)
            buf_commit(out, (size_t)n);
    if ((to = buf_reserve(out, 1)) != NULL)
        *to = '\0'; /* room that was reserved and not used is not a text yet */
    if (fd >= 0)
        close(fd);
}

static int last_words(const struct child *c, const struct buf *log, int code, struct err_text *why)
{
    size_t from = log->len > 160 ? log->len - 160 : 0;

    return err_set(why, code, "%s: ...%s", strrchr(c->log_path, '/') + 1, buf_str(log) + from);
}

static bool find_line(const struct buf *log, const char *text, char *rest, size_t room)
{
    const char *at = strstr(buf_str(log), text);
    size_t len;

    if (!at || !strchr(at, '\n'))
        return false;
    at += strlen(text);
    len = strcspn(at, "\n");
    if (rest && room > 0) {
        len = len < room ? len : room - 1;
        memcpy(rest, at, len);
        rest[len] = '\0';
    }
    return true;
}

int child_wait_line(struct child *c, const char *text, char *rest, size_t room, int64_t timeout_ms,
                    struct err_text *why)
{
    int64_t deadline = clock_ms() + timeout_ms;
    struct buf log = BUF_INIT(LOG_MAX);
    int code = 0;
    bool alive;

    for (;;) {
        alive = child_alive(c);
        read_file(c->log_path, &log);
        if (find_line(&log, text, rest, room))
            break;
        if (!alive || clock_ms() >= deadline) {
            code = last_words(c, &log, alive ? ERR_TIMEOUT : ERR_CLOSED, why);
            break;
        }
        pause_ms(POLL_MS);
    }
    buf_fini(&log);
    return code;
}
