// SPDX-License-Identifier: MIT
#include "tools/wf/redis_look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/faktory/resp.h"
#include "tools/wf/proc_look.h"

enum { PATIENCE_S = 5, RECEIVE_LEAST = 4096, NUMBER_MAX = 24 };

/* ---- what Redis says ---- */

/* The value of the line "name:value\r\n"; false when there is none. */
static bool field(const char *text, size_t len, const char *name, char value[NUMBER_MAX])
{
    size_t name_len = strlen(name), n = 0;
    const char *end = text + len, *at = text;

    while (at && at < end) {
        if ((size_t)(end - at) > name_len && memcmp(at, name, name_len) == 0 &&
            at[name_len] == ':') {
            for (at += name_len + 1; at < end && *at != '\r' && *at != '\n' && n < NUMBER_MAX - 1;)
                value[n++] = *at++;
            value[n] = '\0';
            return true;
        }
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    return false;
}

int redis_look_read(const char *text, size_t len, struct doctor_storage *out)
{
    char aof[NUMBER_MAX], aof_write[NUMBER_MAX], rdb[NUMBER_MAX], changes[NUMBER_MAX];

    if (!field(text, len, "aof_enabled", aof) ||
        !field(text, len, "aof_last_write_status", aof_write) ||
        !field(text, len, "rdb_last_bgsave_status", rdb) ||
        !field(text, len, "rdb_changes_since_last_save", changes))
        return ERR_PROTOCOL;
    out->append_only = strcmp(aof, "1") == 0;
    out->append_good = strcmp(aof_write, "ok") == 0;
    out->snapshot_good = strcmp(rdb, "ok") == 0;
    out->unsaved = strtoll(changes, NULL, 10);
    return 0;
}

/* ---- asking it ---- */

/* A path longer than a socket's may be is reached through its folder, held open. */
static int connect_to(const char *path, struct err_text *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const char *slash = strrchr(path, '/');
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), folder = -1, n;
    char dir[PATH_MAX];

    if (slash) {
        snprintf(dir, sizeof dir, "%.*s", (int)(slash - path + 1), path);
        folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    if (folder >= 0)
        n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder,
                     slash + 1);
    else
        n = snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (n >= (int)sizeof address.sun_path)
        errno = ENAMETOOLONG;
    else if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
            n = 0;
    }
    if (n != 0)
        err_set(why, ERR_IO, "%s", strerror(errno));
    if (folder >= 0)
        close(folder);
    if (n != 0 && fd >= 0)
        close(fd);
    return n == 0 ? fd : ERR_IO;
}

static int receive(int fd, struct resp_reader *reader, struct resp_reply *reply,
                   struct err_text *why)
{
    int64_t deadline_ms = clock_ms() + INT64_C(1000) * PATIENCE_S;

    for (;;) {
        int code = resp_next(reader, reply, why);
        size_t room;
        char *to;
        ssize_t n;

        if (code != 0)
            return code > 0 ? 0 : code;
        if (!(to = resp_room(reader, RECEIVE_LEAST, &room)))
            return err_set(why, ERR_NOMEM, "out of memory");
        do
            n = recv(fd, to, room, 0);
        while (n < 0 && errno == EINTR && clock_ms() < deadline_ms);
        if (n <= 0)
            return err_set(why, ERR_TIMEOUT, "no answer: %s",
                           n == 0 ? "it closed the connection" : strerror(errno));
        resp_fed(reader, (size_t)n);
    }
}

static int ask(int fd, struct doctor_storage *out, struct err_text *why)
{
    static const char question[] = "INFO persistence\r\n";
    struct resp_reader *reader = resp_new();
    struct resp_reply reply = {.kind = RESP_NIL};
    char shown[160];
    int code = ERR_IO;

    if (!reader)
        code = err_set(why, ERR_NOMEM, "out of memory");
    else if (send(fd, question, sizeof question - 1, MSG_NOSIGNAL) != (ssize_t)sizeof question - 1)
        err_set(why, ERR_IO, "it takes no question: %s", strerror(errno));
    else
        code = receive(fd, reader, &reply, why);
    if (code == 0 &&
        (reply.kind != RESP_BULK || redis_look_read(reply.text, reply.len, out) != 0)) {
        resp_show(&reply, shown, sizeof shown);
        code = err_set(why, ERR_PROTOCOL, "INFO persistence: %s", shown);
    }
    resp_free(reader);
    return code;
}

/* Asks the Redis at `path`, which a person knows as out->socket. */
static void look_at(const char *path, struct doctor_storage *out)
{
    struct err_text why = {""};
    int fd = connect_to(path, &why);

    out->sight = fd >= 0 && ask(fd, out, &why) == 0 ? STORAGE_SEEN : STORAGE_MUTE;
    snprintf(out->why, sizeof out->why, "%s", why.text);
    if (fd >= 0)
        close(fd);
}

/* ---- finding it ---- */

static void find(int fd, struct doctor_storage *out)
{
    char path[PATH_MAX], name[64];
    pid_t server = proc_look_peer(fd), redis;

    out->sight = STORAGE_FAR;
    if (server == 0)
        return;
    if (server < 0) {
        out->sight = STORAGE_HIDDEN;
        return;
    }
    if ((redis = proc_look_child(server, "redis-server")) == 0) {
        if (proc_look_name(server, name, sizeof name))
            snprintf(out->why, sizeof out->why,
                     "the other end of the connection is %s (pid %d), which has no redis-server of "
                     "its own",
                     name, (int)server);
        return;
    }
    if (!proc_look_listener(redis, out->socket, sizeof out->socket)) {
        out->sight = STORAGE_HIDDEN;
        return;
    }
    /* as that process sees it: Faktory may run in a container */
    if (snprintf(path, sizeof path, "/proc/%d/root%s", (int)redis, out->socket) < (int)sizeof path)
        look_at(path, out);
}

void redis_look(int fd, const char *socket, struct doctor_storage *out)
{
    if (socket) {
        snprintf(out->socket, sizeof out->socket, "%s", socket);
        look_at(socket, out);
    } else
        find(fd, out);
}
