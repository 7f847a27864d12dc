// SPDX-License-Identifier: MIT
#include "tools/bench/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/child.h"

enum { NAME_MAX_ = 24, PATH_BYTES = 512, IP_TIMEOUT_MS = 10000, LINK_TIMEOUT_MS = 5000 };

#define LINK_SECONDS "7200" /* it ends by itself should the bench be unable to end it */

enum side { NEAR, FAR, SIDES };

struct wire {
    char name[SIDES][NAME_MAX_]; /* "": not made */
    int netns[SIDES];
    int home;
    struct child *link;
    char log[PATH_BYTES];
};

static bool isolated; /* set once, before any thread */

/* ---- namespaces ---- */

static int ip(const struct wire *w, const char *verb, const char *name, struct err_text *why)
{
    static const char *const places[] = {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"};
    const char *argv[] = {"ip", "netns", verb, name, NULL};
    struct child_options options = {.argv = argv, .log_path = w->log, .netns = -1};
    struct child *c;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], X_OK) == 0)
            argv[0] = places[i];
    if (!(c = child_start(&options, why)))
        return err_set(why, ERR_ABSENT, "a link needs `ip` (Debian package iproute2)");
    if (child_wait(c, IP_TIMEOUT_MS) != 0)
        return err_set(why, ERR_IO, "`ip netns %s %s` failed; its words are in %s", verb, name,
                       w->log);
    return 0;
}

static int make_side(struct wire *w, enum side side, struct err_text *why)
{
    char name[NAME_MAX_], path[PATH_BYTES];
    int code;

    snprintf(name, sizeof name, "wf%d%s", (int)getpid(), side == NEAR ? "near" : "far");
    if ((code = ip(w, "add", name, why)) != 0)
        return code;
    snprintf(w->name[side], NAME_MAX_, "%s", name);
    snprintf(path, sizeof path, "/run/netns/%s", name);
    if ((w->netns[side] = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    return 0;
}

/* Each namespace has a setting of its own, which is that of the thread that opens the file. */
static int set_congestion(const struct wire *w, enum side side, const char *name,
                          struct err_text *why)
{
    static const char path[] = "/proc/sys/net/ipv4/tcp_congestion_control";
    int file = -1, code = 0;

    if (setns(w->netns[side], CLONE_NEWNET) != 0 || (file = open(path, O_WRONLY | O_CLOEXEC)) < 0 ||
        write(file, name, strlen(name)) != (ssize_t)strlen(name))
        code = err_set(why, ERR_IO, "no congestion control %s: %s", name, strerror(errno));
    if (file >= 0)
        close(file);
    return code;
}

static int start_link(struct wire *w, const struct wire_options *o, struct err_text *why)
{
    char rtt[32], jitter[32], loss[32];
    const char *argv[] = {o->delaylink, "--a",       w->name[NEAR], "--b",       w->name[FAR],
                          "--rtt-ms",   rtt,         "--jitter-ms", jitter,      "--loss",
                          loss,         "--seconds", LINK_SECONDS,  "--comp-us", "60",
                          NULL,         NULL};
    struct child_options options = {.argv = argv, .log_path = w->log, .netns = -1};

    snprintf(rtt, sizeof rtt, "%g", o->rtt_ms);
    snprintf(jitter, sizeof jitter, "%g", o->jitter_ms / 2);
    snprintf(loss, sizeof loss, "%g", o->loss_percent);
    if (o->loss_percent > 0) /* or 64 KiB would be lost at a time */
        argv[15] = "--no-gso";
    if (!(w->link = child_start(&options, why)))
        return ERR_IO;
    return child_wait_line(w->link, "ready", NULL, 0, LINK_TIMEOUT_MS, why);
}

static int set_up(struct wire *w, const struct wire_options *o, struct err_text *why)
{
    int code;

    snprintf(w->log, sizeof w->log, "%s/link.log", o->dir);
    if ((w->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) < 0)
        return err_set(why, ERR_IO, "/proc/self/ns/net: %s", strerror(errno));
    if ((code = make_side(w, NEAR, why)) != 0 || (code = make_side(w, FAR, why)) != 0 ||
        (code = start_link(w, o, why)) != 0)
        return code;
    for (int side = NEAR; side < SIDES && o->congestion; side++)
        if ((code = set_congestion(w, side, o->congestion, why)) != 0)
            return code;
    if (setns(w->netns[NEAR], CLONE_NEWNET) != 0)
        return err_set(why, ERR_IO, "setns: %s", strerror(errno));
    return 0;
}

struct wire *wire_start(const struct wire_options *o, struct err_text *why)
{
    struct wire *w;

    if (geteuid() != 0) {
        err_set(why, ERR_REFUSED, "a link takes network namespaces, which only root can make");
        return NULL;
    }
    if (access("/dev/net/tun", R_OK | W_OK) != 0) {
        err_set(why, ERR_ABSENT, "a link takes /dev/net/tun, which this machine does not have");
        return NULL;
    }
    if (!(w = calloc(1, sizeof *w)))
        return NULL;
    w->netns[NEAR] = w->netns[FAR] = w->home = -1;
    if (set_up(w, o, why) == 0)
        return w;
    wire_stop(w);
    return NULL;
}

void wire_stop(struct wire *w)
{
    if (!w)
        return;
    if (w->home >= 0) {
        (void)setns(w->home, CLONE_NEWNET);
        close(w->home);
    }
    child_stop(w->link, LINK_TIMEOUT_MS);
    for (int side = NEAR; side < SIDES; side++) {
        if (w->netns[side] >= 0)
            close(w->netns[side]);
        if (w->name[side][0])
            ip(w, "delete", w->name[side], NULL);
    }
    free(w);
}

const char *wire_far_host(const struct wire *w)
{
    return w ? "10.77.0.2" : "127.0.0.1";
}

int wire_far_netns(const struct wire *w)
{
    return w ? w->netns[FAR] : -1;
}

void wire_go_far(const struct wire *w)
{
    if (w)
        (void)setns(w->netns[FAR], CLONE_NEWNET);
}

void wire_go_near(const struct wire *w)
{
    if (w)
        (void)setns(w->netns[NEAR], CLONE_NEWNET);
}

int64_t wire_cpu_us(const struct wire *w)
{
    return w ? process_cpu_us(child_pid(w->link)) : 0;
}

/* ---- loopback of our own ---- */

bool wire_isolate(void)
{
    struct ifreq lo = {.ifr_name = "lo"};
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), s = -1;

    if (home >= 0 && unshare(CLONE_NEWNET) == 0) {
        lo.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
        s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        isolated = s >= 0 && ioctl(s, SIOCSIFFLAGS, &lo) == 0;
        if (!isolated)
            (void)setns(home, CLONE_NEWNET);
    }
    if (s >= 0)
        close(s);
    if (home >= 0)
        close(home);
    return isolated;
}

/* "  name: received-bytes and seven more, sent-bytes ..." */
static bool read_device(const char *line, const char *name, long long *received, long long *sent)
{
    const char *at = line + strspn(line, " ");
    size_t len = strlen(name);
    char *end;

    if (strncmp(at, name, len) != 0 || at[len] != ':')
        return false;
    *received = strtoll(at + len + 1, &end, 10);
    for (int i = 0; i < 7; i++)
        (void)strtoll(end, &end, 10);
    *sent = strtoll(end, NULL, 10);
    return true;
}

long long wire_bytes(const struct wire *w)
{
    FILE *f = w || isolated ? fopen("/proc/thread-self/net/dev", "re") : NULL;
    long long received = 0, sent = 0;
    bool found = false;
    char line[512];

    while (f && !found && fgets(line, sizeof line, f))
        found = read_device(line, w ? "dl0" : "lo", &received, &sent);
    if (f)
        fclose(f);
    if (!found)
        return -1;
    return w ? received + sent : sent; /* what loopback sends it also receives */
}
