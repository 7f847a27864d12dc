// SPDX-License-Identifier: MIT
#include "tools/bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/spawn.h"

enum { POLL_MS = 10, LOG_MAX = 1 << 20, KILL_MS = 10000 };

struct child {
    pid_t pid;
    bool ended;
    int status; /* once ended */
    char *log_path;
};

/* Settings of our programs and of Faktory, which must not come in from outside. */
static const char *const no_settings[] = {"FAKTORY_*", "BATCH_*",    "WORKER_*",  "API_*", "LOG_*",
                                          "HTTP_*",    "BIND_ADDR*", "DATA_DIR*", NULL};

static void child_free(struct child *c)
{
    free(c->log_path);
    free(c);
}

struct child *child_start(const struct child_options *o, struct err_text *why)
{
    struct child *c = calloc(1, sizeof *c);
    char **env = spawn_env(no_settings, o->env);
    int log = open(o->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (c && env && (c->log_path = strdup(o->log_path)) && log >= 0)
        c->pid = spawn_start(&(struct spawn){.argv = o->argv,
                                             .env = env,
                                             .output = log,
                                             .netns = o->netns,
                                             .own_group = true}, /* Ctrl-C is for the bench */
                             why);
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
        c->status = spawn_status(status);
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
