// SPDX-License-Identifier: MIT
#include "tools/wf/proc_look.h"

#include <dirent.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATH_BYTES = 320, LINE_BYTES = 512, COMMAND_BYTES = 64, ACCEPTING = 0x10000 };

/* ---- processes ---- */

/* The next number in a folder of /proc, or 0. */
static pid_t next_number(DIR *dir)
{
    struct dirent *e;

    while ((e = readdir(dir)) != NULL)
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
            return (pid_t)strtol(e->d_name, NULL, 10);
    return 0;
}

/* "pid (command) state parent ...", where a command may hold anything. */
static bool read_stat(pid_t pid, char command[COMMAND_BYTES], pid_t *parent)
{
    char path[PATH_BYTES], line[LINE_BYTES], *open, *close;
    FILE *file;
    bool read;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!(file = fopen(path, "re")))
        return false;
    read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    open = read ? strchr(line, '(') : NULL;
    close = read ? strrchr(line, ')') : NULL;
    if (!open || !close || close < open || strlen(close) < 5)
        return false;
    snprintf(command, COMMAND_BYTES, "%.*s", (int)(close - open - 1), open + 1);
    *parent = (pid_t)strtol(close + 4, NULL, 10); /* behind ") S " */
    return true;
}

bool proc_look_name(pid_t pid, char *out, size_t room)
{
    char command[COMMAND_BYTES];
    pid_t parent;

    if (!read_stat(pid, command, &parent))
        return false;
    snprintf(out, room, "%s", command);
    return true;
}

pid_t proc_look_child(pid_t parent, const char *name)
{
    char command[COMMAND_BYTES];
    pid_t pid = 0, found = 0, of;
    DIR *dir = opendir("/proc");

    while (dir && found == 0 && (pid = next_number(dir)) > 0)
        if (read_stat(pid, command, &of) && of == parent && strcmp(command, name) == 0)
            found = pid;
    if (dir)
        closedir(dir);
    return found;
}

/* ---- sockets of a process ---- */

/* Calls fn with the inode of each socket that the process has, until it says true. False also when
 * the process may not be looked at: *allowed. */
static bool each_socket(pid_t pid, bool (*fn)(void *ctx, unsigned long inode), void *ctx,
                        bool *allowed)
{
    char path[PATH_BYTES], target[64];
    struct dirent *e;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    *allowed = (dir = opendir(path)) != NULL;
    while (dir && !found && (e = readdir(dir)) != NULL) {
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/fd/%.20s", (int)pid, e->d_name);
        n = readlink(path, target, sizeof target - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        if (strncmp(target, "socket:[", 8) == 0)
            found = fn(ctx, strtoul(target + 8, NULL, 10));
    }
    if (dir)
        closedir(dir);
    return found;
}

static bool is_inode(void *ctx, unsigned long inode)
{
    return inode == *(unsigned long *)ctx;
}

/* ---- the other end of a connection ---- */

/* One end of a connection in numbers. */
struct endpoint {
    char host[NI_MAXHOST];
    unsigned port;
};

static bool read_endpoint(int fd, bool ours, struct endpoint *out)
{
    struct sockaddr_storage address = {0};
    struct sockaddr *a = (struct sockaddr *)&address;
    socklen_t len = sizeof address;
    char port[NI_MAXSERV];

    if ((ours ? getsockname(fd, a, &len) : getpeername(fd, a, &len)) != 0 ||
        getnameinfo(a, len, out->host, sizeof out->host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    out->port = (unsigned)strtoul(port, NULL, 10);
    return true;
}

/* The inode of the connection with these ports, seen from its server; 0: not in this table. A
 * server that listens for both families has connections over IPv4 in the table of IPv6. */
static unsigned long find_connection(const char *table, unsigned server, unsigned client)
{
    char line[LINE_BYTES];
    unsigned long inode = 0;
    FILE *file = fopen(table, "re");

    while (file && inode == 0 && fgets(line, sizeof line, file)) {
        unsigned local, remote, state;
        unsigned long found;

        /* NOLINTNEXTLINE(cert-err34-c): the kernel writes these numbers */
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %x %*s %*s %*s %*d %*d %lu", &local,
                   &remote, &state, &found) == 4 &&
            local == server && remote == client && state == 1)
            inode = found;
    }
    if (file)
        fclose(file);
    return inode;
}

static pid_t owner_of(unsigned long inode)
{
    bool hidden = false, allowed;
    pid_t pid, found = 0;
    DIR *dir = opendir("/proc");

    while (dir && found == 0 && (pid = next_number(dir)) > 0) {
        if (each_socket(pid, is_inode, &inode, &allowed))
            found = pid;
        hidden = hidden || !allowed;
    }
    if (dir)
        closedir(dir);
    return found == 0 && hidden ? -1 : found;
}

/* A connection to an address of this machine has that address at both its ends. */
pid_t proc_look_peer(int fd)
{
    struct endpoint here, there;
    unsigned long inode;

    if (!read_endpoint(fd, true, &here) || !read_endpoint(fd, false, &there) ||
        strcmp(here.host, there.host) != 0)
        return 0;
    inode = find_connection("/proc/net/tcp", there.port, here.port);
    if (inode == 0)
        inode = find_connection("/proc/net/tcp6", there.port, here.port);
    return inode == 0 ? 0 : owner_of(inode);
}

/* ---- the socket of a server ---- */

struct listener {
    pid_t pid;
    char *out;
    size_t room;
};

/* Is this one of the Unix sockets that listen and have a path? */
static bool is_listener(void *ctx, unsigned long inode)
{
    struct listener *l = ctx;
    char path[PATH_BYTES], line[LINE_BYTES];
    bool found = false;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/net/unix", (int)l->pid);
    file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        unsigned long flags, one;
        int at = 0;

        line[strcspn(line, "\n")] = '\0';
        /* NOLINTNEXTLINE(cert-err34-c): the kernel writes these numbers */
        if (sscanf(line, "%*s %*s %*s %lx %*s %*s %lu %n", &flags, &one, &at) == 2 && at > 0 &&
            one == inode && (flags & ACCEPTING) && line[at] == '/') {
            snprintf(l->out, l->room, "%s", line + at);
            found = true;
        }
    }
    if (file)
        fclose(file);
    return found;
}

bool proc_look_listener(pid_t pid, char *out, size_t room)
{
    struct listener l = {pid, out, room};
    bool allowed;

    return each_socket(pid, is_listener, &l, &allowed);
}
