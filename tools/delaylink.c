// SPDX-License-Identifier: MIT
/*
 * delaylink - a userspace delay line between two network namespaces.
 *
 * Why: kernels built without sch_netem cannot add latency with "tc". This
 * program makes one TUN device in each of two existing network namespaces and
 * carries IP packets between them after a fixed one-way delay, optionally with
 * jitter, random loss and a rate limit. Programs in the namespaces use plain
 * TCP/UDP and need no change.
 *
 *      namespace A                                   namespace B
 *   client -> dl0 (10.77.0.1) ==> [ delay queue ] ==> dl0 (10.77.0.2) -> server
 *                             <== [ delay queue ] <==
 *
 * How: a single thread serves both TUN descriptors. Every packet that is read
 * gets the time it may leave (when it came + delay, never before its
 * predecessor, so packets are not reordered) and is kept in a byte ring of its
 * direction; packets whose time has come are written to the other side. The
 * devices use the virtio header with segmentation offload, so a TCP sender hands
 * over up to 64 KiB per read, no checksum is computed, and the header is passed
 * on as it is; "--no-gso" turns this off and gives MTU-sized packets, which is
 * what a loss has to be of.
 *
 * Cost: waiting is the dearest thing here, several times a packet's read and
 * write, so under load it does not wait for packets but looks at both devices
 * once a tick. Who came in between is taken to have come in the middle, and who
 * is due within the next half tick leaves: a packet may be early or late by up
 * to a tick, and on average is neither. A tick is a hundredth of the delay, at
 * most 250 us. With nothing to do it waits for the next packet, and is exact.
 *
 * Usage (root); tools/bench does all of this by itself:
 *   ip netns add wfa; ip netns add wfb
 *   delaylink --a wfa --b wfb --rtt-ms 10 --seconds 60 &
 *   ip netns exec wfb server --listen 10.77.0.2 ...
 *   ip netns exec wfa client --connect 10.77.0.2 ...
 *   ip netns del wfa; ip netns del wfb
 *
 * It prints "ready" on stdout when both devices are up, stops after --seconds
 * or on SIGTERM/SIGINT, and then prints one line of counters per direction.
 * The devices disappear with the process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    VNET_HDR = 10,        /* struct virtio_net_hdr without num_buffers */
    PKT_MAX = 65536 + 64, /* one read from a TUN device with offload   */
    BURST = 64,           /* packets read per side before looking at the other */
    TICK_MAX_US = 250
};

#define TICK_SHARE 0.01             /* of the delay */
#define LONGEST_WAIT_NS 1000000000U /* a signal may come just before the wait */

/* A packet in the ring: this header, then len bytes, padded to 16. */
struct slot {
    uint64_t due; /* CLOCK_MONOTONIC ns when it may leave */
    uint32_t len; /* 0 = "wrap to the start of the ring"  */
    uint32_t pad;
};

struct dir { /* one direction of the link */
    const char *name;
    int in, out; /* TUN descriptors */
    unsigned char *ring;
    size_t size, head, tail, used;
    uint64_t last_due;  /* keeps the order under jitter */
    uint64_t line_free; /* when the rate-limited line is idle again */
    uint64_t pkts, bytes, lost, full, werr, peak;
    int64_t off_ns, late_max; /* against due, early is negative */
};

static struct {
    const char *ns[2];
    struct in_addr addr[2];
    uint64_t delay_ns, jitter_ns, comp_ns, tick_ns;
    double loss, rate_bps;
    int gso, mtu;
    double tick_us; /* < 0: chosen by choose_tick() */
    size_t buffer;
    long seconds;
} cfg = {.gso = 1, .mtu = 1500, .buffer = 64u << 20, .seconds = 600, .tick_us = -1};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
    (void)sig;
    stop = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "delaylink: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift: the same --seed gives the same losses and jitter */
static uint64_t seed = 88172645463325252u;

static double frand(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) / 9007199254740992.0;
}

/* Enters the namespace of one side; the caller goes home afterwards. */
static void enter_side(int side)
{
    char path[PATH_MAX];
    int ns;

    snprintf(path, sizeof path, "/run/netns/%s", cfg.ns[side]);
    if ((ns = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        die(path);
    if (setns(ns, CLONE_NEWNET) < 0)
        die("setns");
    close(ns);
}

static int open_tun(void)
{
    struct ifreq ifr = {.ifr_name = "dl0"};
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (tun < 0)
        die("/dev/net/tun");
    ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (cfg.gso ? IFF_VNET_HDR : 0));
    if (ioctl(tun, TUNSETIFF, &ifr) < 0)
        die("TUNSETIFF");
    if (cfg.gso && ioctl(tun, TUNSETOFFLOAD,
                         (unsigned long)(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)) < 0)
        die("TUNSETOFFLOAD");
    return tun;
}

static void set_link(int s, unsigned long request, struct ifreq *ifr, const char *what)
{
    if (ioctl(s, request, ifr) < 0)
        die(what);
}

/* Addresses and raises the device of this namespace, and its loopback, which is down when new. */
static void raise_side(int side)
{
    struct ifreq ifr = {.ifr_name = "dl0"}, lo = {.ifr_name = "lo"};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = cfg.addr[side]};
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (s < 0)
        die("socket");
    memcpy(&ifr.ifr_addr, &in, sizeof in);
    set_link(s, SIOCSIFADDR, &ifr, "SIOCSIFADDR");
    in.sin_addr.s_addr = htonl(0xffffff00U);
    memcpy(&ifr.ifr_addr, &in, sizeof in);
    set_link(s, SIOCSIFNETMASK, &ifr, "SIOCSIFNETMASK");
    ifr.ifr_mtu = cfg.mtu;
    set_link(s, SIOCSIFMTU, &ifr, "SIOCSIFMTU");
    ifr.ifr_qlen = 10000;
    set_link(s, SIOCSIFTXQLEN, &ifr, "SIOCSIFTXQLEN");
    ifr.ifr_flags = IFF_UP | IFF_RUNNING | IFF_POINTOPOINT;
    set_link(s, SIOCSIFFLAGS, &ifr, "SIOCSIFFLAGS dl0");
    lo.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
    set_link(s, SIOCSIFFLAGS, &lo, "SIOCSIFFLAGS lo");
    close(s);
}

/* Makes the TUN device of one side inside its namespace. */
static int open_side(int side)
{
    int tun;

    enter_side(side);
    tun = open_tun();
    raise_side(side);
    return tun;
}

static void ring_init(struct dir *d)
{
    d->size = cfg.buffer;
    d->ring = mmap(NULL, d->size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (d->ring == MAP_FAILED)
        die("mmap");
}

/* Room for the largest packet at the head, or NULL when the queue is full. */
static struct slot *ring_room(struct dir *d)
{
    const size_t need = sizeof(struct slot) + PKT_MAX;

    if (d->size - d->head < need) { /* does not fit before the end */
        size_t rest = d->size - d->head;

        if (d->used + rest + need > d->size)
            return NULL;
        ((struct slot *)(d->ring + d->head))->len = 0;
        d->used += rest;
        d->head = 0;
    }
    return d->used + need > d->size ? NULL : (struct slot *)(d->ring + d->head);
}

static size_t slot_bytes(uint32_t len)
{
    return sizeof(struct slot) + (((size_t)len + 15) & ~(size_t)15);
}

static struct slot *ring_first(struct dir *d)
{
    struct slot *s;

    if (!d->used)
        return NULL;
    s = (struct slot *)(d->ring + d->tail);
    if (s->len == 0) {
        d->used -= d->size - d->tail;
        d->tail = 0;
        if (!d->used)
            return NULL;
        s = (struct slot *)d->ring;
    }
    return s;
}

static void ring_drop(struct dir *d, struct slot *s)
{
    size_t k = slot_bytes(s->len);

    d->tail += k;
    d->used -= k;
}

/* When a packet of `len` bytes that came at `t` may leave; keeps the order under jitter. */
static uint64_t due_time(struct dir *d, size_t len, uint64_t t)
{
    uint64_t due;

    if (cfg.rate_bps > 0) { /* serialisation time on the line */
        if (d->line_free < t)
            d->line_free = t;
        d->line_free += (uint64_t)((double)(len - (cfg.gso ? VNET_HDR : 0U)) * 8e9 / cfg.rate_bps);
        t = d->line_free;
    }
    due = t + cfg.delay_ns - (cfg.comp_ns < cfg.delay_ns ? cfg.comp_ns : cfg.delay_ns);
    if (cfg.jitter_ns)
        due += (uint64_t)(frand() * (double)cfg.jitter_ns);
    if (due < d->last_due)
        due = d->last_due;
    d->last_due = due;
    return due;
}

static void keep(struct dir *d, struct slot *s, size_t len, uint64_t came)
{
    s->due = due_time(d, len, came);
    s->len = (uint32_t)len;
    d->head += slot_bytes(s->len);
    d->used += slot_bytes(s->len);
    if (d->used > d->peak)
        d->peak = d->used;
    d->pkts++;
    d->bytes += (uint64_t)len;
}

/* Reads what the device has, at most BURST packets, and stamps it. How many it read. */
static int take(struct dir *d, uint64_t came)
{
    static unsigned char scrap[PKT_MAX];
    int n;

    for (n = 0; n < BURST; n++) {
        struct slot *s = ring_room(d);
        ssize_t len = read(d->in, s ? (unsigned char *)(s + 1) : scrap, PKT_MAX);

        if (len <= 0)
            break;
        if (!s) /* queue full: tail drop */
            d->full++;
        else if (cfg.loss > 0 && frand() < cfg.loss)
            d->lost++;
        else
            keep(d, s, (size_t)len, came);
    }
    return n;
}

static void note_error(struct dir *d, uint64_t due)
{
    int64_t off = (int64_t)(now_ns() - due);

    d->off_ns += off;
    if (off > d->late_max)
        d->late_max = off;
}

/* Writes the packets that are due until `t`. How many. */
static int give(struct dir *d, uint64_t t)
{
    struct slot *s;
    int n = 0;

    while ((s = ring_first(d)) != NULL && s->due <= t) {
        if (write(d->out, s + 1, s->len) < 0)
            d->werr++;
        note_error(d, s->due);
        ring_drop(d, s);
        n++;
    }
    return n;
}

static void nap(uint64_t ns)
{
    struct timespec ts = {.tv_sec = 0, .tv_nsec = (long)ns};

    nanosleep(&ts, NULL);
}

/* Waits for a packet, or for the time when the first may leave. */
static void await(struct dir d[2])
{
    struct pollfd p[2] = {{d[0].in, POLLIN, 0}, {d[1].in, POLLIN, 0}};
    uint64_t t = now_ns(), next = t + LONGEST_WAIT_NS;
    struct timespec ts;

    for (int i = 0; i < 2; i++) {
        struct slot *s = ring_first(&d[i]);

        if (s && s->due < next)
            next = s->due;
    }
    t = next > t ? next - t : 0;
    ts.tv_sec = (time_t)(t / 1000000000u);
    ts.tv_nsec = (long)(t % 1000000000u);
    ppoll(p, 2, &ts, NULL);
}

/* A look, and a tick of sleep while there is something to do; see "Cost" above. */
static void run(struct dir d[2])
{
    const uint64_t end = now_ns() + (uint64_t)cfg.seconds * 1000000000u;
    uint64_t looked = now_ns(), t;

    while (!stop && (t = now_ns()) < end) {
        uint64_t came = looked + (t - looked) / 2;
        int took0 = take(&d[0], came), took1 = take(&d[1], came), gave;

        looked = now_ns();
        gave = give(&d[0], looked + cfg.tick_ns / 2);
        gave += give(&d[1], looked + cfg.tick_ns / 2);
        if (took0 == BURST || took1 == BURST)
            continue;
        if (took0 + took1 + gave > 0 && cfg.tick_ns > 0)
            nap(cfg.tick_ns);
        else {
            await(d);
            looked = now_ns();
        }
    }
}

static void report(const struct dir *d)
{
    printf("%s packets=%llu bytes=%llu lost=%llu queue_full=%llu write_errors=%llu "
           "off_avg_us=%.1f late_max_us=%.1f peak_queue_kib=%llu\n",
           d->name, (unsigned long long)d->pkts, (unsigned long long)d->bytes,
           (unsigned long long)d->lost, (unsigned long long)d->full, (unsigned long long)d->werr,
           d->pkts ? (double)d->off_ns / (double)d->pkts / 1e3 : 0.0, (double)d->late_max / 1e3,
           (unsigned long long)(d->peak >> 10));
}

static void usage(FILE *f)
{
    fputs("usage: delaylink --a NETNS --b NETNS [--rtt-ms N | --delay-ms N] [--jitter-ms N]\n"
          "         [--loss PERCENT] [--rate-mbit N] [--mtu N] [--no-gso] [--tick-us N]\n"
          "         [--comp-us N] [--buffer-mib N] [--seed N] [--seconds N]\n"
          "         [--addr-a 10.77.0.1] [--addr-b 10.77.0.2]\n"
          "  --rtt-ms    added round trip, half of it each way   --delay-ms  one way\n"
          "  --jitter-ms extra one-way delay, uniform 0..N, order kept\n"
          "  --comp-us   taken off each way, for the cost of the forwarding itself\n"
          "  --tick-us   between two looks under load; default: delay / 100, at most 250\n",
          f);
}

static void wrong_usage(void)
{
    usage(stderr);
    exit(2);
}

static double number(const char *opt, const char *s, double lo, double hi)
{
    char *e;
    double v = strtod(s, &e);

    if (e == s || *e || !(v >= lo && v <= hi)) {
        fprintf(stderr, "delaylink: --%s takes a number from %g to %g\n", opt, lo, hi);
        exit(2);
    }
    return v;
}

enum option_id {
    A,
    B,
    RTT,
    DELAY,
    JITTER,
    LOSS,
    RATE,
    MTU,
    NO_GSO,
    TICK,
    COMP,
    BUFFER,
    SEED,
    SECONDS,
    ADDR_A,
    ADDR_B,
    HELP
};

static const struct option names[] = {{"a", 1, 0, A},
                                      {"b", 1, 0, B},
                                      {"rtt-ms", 1, 0, RTT},
                                      {"delay-ms", 1, 0, DELAY},
                                      {"jitter-ms", 1, 0, JITTER},
                                      {"loss", 1, 0, LOSS},
                                      {"rate-mbit", 1, 0, RATE},
                                      {"mtu", 1, 0, MTU},
                                      {"no-gso", 0, 0, NO_GSO},
                                      {"tick-us", 1, 0, TICK},
                                      {"comp-us", 1, 0, COMP},
                                      {"buffer-mib", 1, 0, BUFFER},
                                      {"seed", 1, 0, SEED},
                                      {"seconds", 1, 0, SECONDS},
                                      {"addr-a", 1, 0, ADDR_A},
                                      {"addr-b", 1, 0, ADDR_B},
                                      {"help", 0, 0, HELP},
                                      {0, 0, 0, 0}};

/* The range of each option that takes a number. */
static const double range[][2] = {
    [RTT] = {0, 20000},   [DELAY] = {0, 10000}, [JITTER] = {0, 10000}, [LOSS] = {0, 100},
    [RATE] = {1e-3, 1e6}, [MTU] = {576, 65000}, [TICK] = {0, 1000},    [COMP] = {0, 1000},
    [BUFFER] = {1, 4096}, [SEED] = {1, 9e15},   [SECONDS] = {1, 86400}};

static void set_number(int id, double v)
{
    switch (id) {
    case RTT:
        cfg.delay_ns = (uint64_t)(v * 5e5);
        break;
    case DELAY:
        cfg.delay_ns = (uint64_t)(v * 1e6);
        break;
    case JITTER:
        cfg.jitter_ns = (uint64_t)(v * 1e6);
        break;
    case LOSS:
        cfg.loss = v / 100;
        break;
    case RATE:
        cfg.rate_bps = v * 1e6;
        break;
    case MTU:
        cfg.mtu = (int)v;
        break;
    case TICK:
        cfg.tick_us = v;
        break;
    case COMP:
        cfg.comp_ns = (uint64_t)(v * 1e3);
        break;
    case BUFFER:
        cfg.buffer = (size_t)v << 20;
        break;
    case SEED:
        seed ^= (uint64_t)v * 0x9e3779b97f4a7c15U;
        break;
    default:
        cfg.seconds = (long)v;
    }
}

static void choose_tick(void)
{
    if (cfg.tick_us < 0)
        cfg.tick_us = fmin(TICK_MAX_US, (double)cfg.delay_ns * 1e-3 * TICK_SHARE);
    cfg.tick_ns = (uint64_t)(cfg.tick_us * 1e3);
}

static void read_options(int argc, char **argv)
{
    int id, i;

    inet_pton(AF_INET, "10.77.0.1", &cfg.addr[0]);
    inet_pton(AF_INET, "10.77.0.2", &cfg.addr[1]);
    while ((id = getopt_long(argc, argv, "", names, &i)) != -1) {
        if (id == '?')
            wrong_usage();
        else if (id == A || id == B)
            cfg.ns[id] = optarg;
        else if (id == ADDR_A || id == ADDR_B) {
            if (inet_pton(AF_INET, optarg, &cfg.addr[id - ADDR_A]) != 1)
                wrong_usage();
        } else if (id == NO_GSO)
            cfg.gso = 0;
        else if (id == HELP) {
            usage(stdout);
            exit(0);
        } else
            set_number(id, number(names[i].name, optarg, range[id][0], range[id][1]));
    }
    if (!cfg.ns[0] || !cfg.ns[1] || optind != argc)
        wrong_usage();
    choose_tick();
}

static void report_cpu(void)
{
    struct rusage ru;

    getrusage(RUSAGE_SELF, &ru);
    printf("cpu user_s=%.3f sys_s=%.3f\n",
           (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6,
           (double)ru.ru_stime.tv_sec + (double)ru.ru_stime.tv_usec / 1e6);
}

int main(int argc, char **argv)
{
    struct dir d[2] = {{.name = "a->b"}, {.name = "b->a"}};
    struct sigaction sa = {.sa_handler = on_signal};
    int fd[2], home;

    read_options(argc, argv);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    prctl(PR_SET_TIMERSLACK, 1UL); /* the default 50 us would show */

    if ((home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) < 0)
        die("/proc/self/ns/net");
    for (int i = 0; i < 2; i++)
        fd[i] = open_side(i);
    if (setns(home, CLONE_NEWNET) < 0)
        die("setns home");
    d[0].in = d[1].out = fd[0];
    d[0].out = d[1].in = fd[1];
    ring_init(&d[0]);
    ring_init(&d[1]);
    puts("ready");
    fflush(stdout);

    run(d);

    report(&d[0]);
    report(&d[1]);
    report_cpu();
    return 0;
}
