// SPDX-License-Identifier: MIT
/*
 * bench - measures how fast jobs are stored and run, on loopback and over links with a round trip,
 * and holds the figures against those of other Faktory clients in the same run.
 * docs/performance.md says how to read what it prints.
 */
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/version.h"
#include "common/json/json_write.h"
#include "tools/bench/curve.h"
#include "tools/bench/goals.h"
#include "tools/bench/run.h"

enum { REPEAT_MAX = 50 };

struct options {
    struct run_options run;
    enum { LOOPBACK, SMOKE, WAN, ONE_LINK } mode;
    struct plan_link link;
    const char *links; /* of WAN; NULL: all */
    const char *json, *svg, *peers, *congestion;
};

/* ---- the command line ---- */

static void usage(FILE *to)
{
    fputs("usage: bench [OPTION]...\n"
          "Measures api-service and worker-service beside it, and the peers in build/peers.\n\n"
          "  --only GROUPS    only these groups of measurements, such as drain,api\n"
          "  --repeat N       run each N times, contestants alternating; figures are medians\n"
          "  --wan            on loopback and on a row of links with a round trip (root only),\n"
          "  --links MS,...     only on those with these round trips, no jitter and no loss\n"
          "  --rtt-ms N       on one link with this round trip (root only), with\n"
          "  --jitter-ms N      up to so much more, at random, and\n"
          "  --loss PERCENT     of packets lost, each way\n"
          "  --congestion NAME  TCP's congestion control on links; default: reno where nothing is\n"
          "                   lost, else what this machine has\n"
          "  --smoke          a few seconds: does the bench itself work?\n"
          "  --peers DIR      where the programs on other clients are\n"
          "  --json FILE      write runs and medians there\n"
          "  --svg FILE       draw jobs a second against the round trip\n"
          "  --list           print the groups and what is in them\n\n"
          "FAKTORY_BIN is the Faktory to measure with. Exit code 1: a run failed (a job was lost,\n"
          "doubled, refused or failed). Goals that are missed do not change the exit code.\n",
          to);
}

static _Noreturn void refuse(const char *text, const char *value)
{
    fprintf(stderr, "bench: %s%s\n", text, value);
    exit(2);
}

static double number(const char *text, double least, double most)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end || !(v >= least && v <= most))
        refuse("not a number, or out of range: ", text);
    return v;
}

static void list_plan(void)
{
    for (size_t i = 0; i < plan_scenarios_n; i++) {
        const struct scenario *s = &plan_scenarios[i];

        printf("%-10s %-12s %-6s %5u%s%s%s\n", s->group, s->what, s->who, s->task.size,
               s->plans & PLAN_LOOPBACK ? " loopback" : "", s->plans & PLAN_LINK ? " links" : "",
               s->plans & PLAN_50MS ? " 50ms" : "");
    }
}

enum {
    ONLY,
    REPEAT,
    WAN_,
    LINKS,
    RTT,
    JITTER,
    LOSS,
    CONGESTION,
    SMOKE_,
    PEERS,
    JSON,
    SVG,
    LIST,
    HELP
};

static const struct option names[] = {{"only", 1, 0, ONLY},
                                      {"repeat", 1, 0, REPEAT},
                                      {"wan", 0, 0, WAN_},
                                      {"links", 1, 0, LINKS},
                                      {"rtt-ms", 1, 0, RTT},
                                      {"jitter-ms", 1, 0, JITTER},
                                      {"loss", 1, 0, LOSS},
                                      {"congestion", 1, 0, CONGESTION},
                                      {"smoke", 0, 0, SMOKE_},
                                      {"peers", 1, 0, PEERS},
                                      {"json", 1, 0, JSON},
                                      {"svg", 1, 0, SVG},
                                      {"list", 0, 0, LIST},
                                      {"help", 0, 0, HELP},
                                      {0, 0, 0, 0}};

static void take_option(struct options *o, int id)
{
    switch (id) {
    case ONLY:
        o->run.only = optarg;
        break;
    case REPEAT:
        o->run.repeat = (unsigned)number(optarg, 1, REPEAT_MAX);
        break;
    case WAN_:
        o->mode = WAN;
        break;
    case LINKS:
        o->links = optarg;
        break;
    case SMOKE_:
        o->mode = SMOKE;
        break;
    case RTT:
        o->mode = ONE_LINK;
        o->link.rtt_ms = number(optarg, 0, 2000);
        break;
    case JITTER:
        o->link.jitter_ms = number(optarg, 0, 2000);
        break;
    case LOSS:
        o->link.loss_percent = number(optarg, 0, 50);
        break;
    case CONGESTION:
        o->congestion = optarg;
        break;
    case PEERS:
        o->peers = optarg;
        break;
    case JSON:
        o->json = optarg;
        break;
    case SVG:
        o->svg = optarg;
        break;
    case LIST:
        list_plan();
        exit(0);
    case HELP:
        usage(stdout);
        exit(0);
    default:
        usage(stderr);
        exit(2);
    }
}

static void read_options(struct options *o, int argc, char **argv)
{
    static char name[64];
    int id;

    while ((id = getopt_long(argc, argv, "", names, NULL)) != -1)
        take_option(o, id);
    if (optind != argc)
        refuse("what is this: ", argv[optind]);
    if (o->mode != ONE_LINK && (o->link.jitter_ms > 0 || o->link.loss_percent > 0))
        refuse("--jitter-ms and --loss go with ", "--rtt-ms");
    if (o->mode != WAN && o->links)
        refuse("--links goes with ", "--wan");
    snprintf(name, sizeof name, "%gms%s", o->link.rtt_ms,
             o->link.jitter_ms > 0 || o->link.loss_percent > 0 ? "*" : "");
    o->link.name = name;
}

/* ---- where things are ---- */

/* Beside the bench, as they are built; or, installed, in PREFIX/sbin while it is in
 * PREFIX/lib/work-factory. */
static void find_services(struct bench *b)
{
    char path[BENCH_PATH_MAX + 16];

    snprintf(path, sizeof path, "%s/api-service", b->bin);
    snprintf(b->services, sizeof b->services, "%.300s%s", b->bin,
             access(path, X_OK) == 0 ? "" : "/../../sbin");
}

static void find_places(struct bench *b, const struct options *o)
{
    const char *base = getenv("TMPDIR");
    struct rlimit files;
    ssize_t n = readlink("/proc/self/exe", b->bin, sizeof b->bin - 1);
    char *slash;

    b->bin[n > 0 ? n : 0] = '\0';
    if ((slash = strrchr(b->bin, '/')) != NULL)
        *slash = '\0';
    find_services(b);
    if (o->peers)
        snprintf(b->peers, sizeof b->peers, "%s", o->peers);
    else /* build/MODE/bin and build/peers */
        snprintf(b->peers, sizeof b->peers, "%.300s/../../peers", b->bin);
    b->faktory_bin = getenv("FAKTORY_BIN");
    if (!b->faktory_bin || access(b->faktory_bin, X_OK) != 0)
        refuse("FAKTORY_BIN is not a program; `make bench` sets it, ",
               "by hand: FAKTORY_BIN=$(tools/get-faktory.sh)");
    snprintf(b->dir, sizeof b->dir, "%.60s/wf-bench-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(b->dir))
        refuse("no folder for logs: ", strerror(errno));
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

/* ---- the modes ---- */

static unsigned plans_on(const struct plan_link *link)
{
    bool plain = link->jitter_ms <= 0 && link->loss_percent <= 0;

    return (unsigned)PLAN_LINK |
           (plain && link->rtt_ms > 49 && link->rtt_ms < 51 ? (unsigned)PLAN_50MS : 0U);
}

/*
 * Where nothing is lost there is nothing to control, and the plainest does it. BBR would start a
 * timer for every packet that Faktory sends: 45 us of CPU a job.
 */
static const char *congestion_on(const struct options *o, const struct plan_link *link)
{
    return o->congestion || link->loss_percent > 0 ? o->congestion : "reno";
}

/* Puts the network there, measures on it, takes it away. */
static bool run_on(struct bench *b, const struct options *o, const struct plan_link *link,
                   unsigned round, struct figures *f)
{
    char delaylink[BENCH_PATH_MAX + 16];
    struct wire_options w = {.rtt_ms = link->rtt_ms,
                             .jitter_ms = link->jitter_ms,
                             .loss_percent = link->loss_percent,
                             .congestion = congestion_on(o, link),
                             .delaylink = delaylink,
                             .dir = b->dir};
    struct err_text why = {""};
    bool good;

    snprintf(delaylink, sizeof delaylink, "%s/delaylink", b->bin);
    if (!(b->wire = wire_start(&w, &why))) {
        fprintf(stderr, "bench: no link of %s: %s\n", link->name, why.text);
        return false;
    }
    b->rtt_ms = link->rtt_ms;
    good = run_plan(b, &o->run, plans_on(link), round, link, f);
    wire_stop(b->wire);
    b->wire = NULL;
    b->rtt_ms = 0;
    return good;
}

static bool is_wanted(const struct options *o, const struct plan_link *link)
{
    const char *at = o->links;

    while (at && *at) {
        if (strtod(at, NULL) == link->rtt_ms && link->jitter_ms <= 0 && link->loss_percent <= 0)
            return true;
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return !o->links;
}

/* On one network after the other, so that a machine that gets slower does so for all of them. */
static bool run_wan(struct bench *b, const struct options *o, unsigned round, struct figures *f)
{
    /* in the curve, loopback is the point of the drain with no round trip */
    struct run_options drain = o->run;
    bool good;

    if (!drain.only)
        drain.only = "drain";
    good = run_plan(b, &drain, PLAN_LOOPBACK, round, &plan_links[0], f);
    for (size_t i = 1; i < plan_links_n && !bench_stopped(); i++)
        if (is_wanted(o, &plan_links[i]))
            good = run_on(b, o, &plan_links[i], round, f) && good;
    return good;
}

static bool run_round(struct bench *b, const struct options *o, unsigned round, struct figures *f)
{
    const struct plan_link *loopback = &plan_links[0];

    switch (o->mode) {
    case SMOKE:
        return run_plan(b, &o->run, PLAN_SMOKE, round, loopback, f);
    case ONE_LINK:
        return run_on(b, o, &o->link, round, f);
    case WAN:
        return run_wan(b, o, round, f);
    default:
        return run_plan(b, &o->run, PLAN_LOOPBACK, round, loopback, f);
    }
}

/* ---- results ---- */

static void about(struct buf *out)
{
    char when[CLOCK_RFC3339_MAX];
    struct utsname system;

    clock_rfc3339(clock_wall_ms(), when);
    uname(&system);
    buf_addf(out, "\"version\":\"%s\",\"at\":\"%s\",\"cores\":%ld,\"kernel\":", version, when,
             sysconf(_SC_NPROCESSORS_ONLN));
    json_write_cstr(out, system.release);
}

static bool write_file(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "we");
    bool good = f && !text->failed && fwrite(text->data, 1, text->len, f) == text->len;

    if ((f && fclose(f) != 0) || !good) {
        fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

static bool report(const struct options *o, const struct figures *f)
{
    struct buf json = BUF_INIT(0), svg = BUF_INIT(0), head = BUF_INIT(0);
    bool good = true;

    fputc('\n', stdout);
    figures_print(stdout, f);
    if (o->mode != SMOKE)
        goals_print(stdout, f);
    about(&head);
    figures_json(&json, f, buf_str(&head));
    curve_draw(&svg, f);
    if (o->json)
        good = write_file(o->json, &json);
    if (o->svg)
        good = write_file(o->svg, &svg) && good;
    buf_fini(&json);
    buf_fini(&svg);
    buf_fini(&head);
    return good;
}

int main(int argc, char **argv)
{
    struct options options = {.run.repeat = 1};
    struct bench bench = {.load_share = 0};
    struct figures figures = {0};
    bool good = true;

    read_options(&options, argc, argv);
    find_places(&bench, &options);
    bench_catch_signals();
    if (options.mode == LOOPBACK && !wire_isolate())
        fputs("bench: no network namespace here: bytes on the wire are not counted\n", stderr);
    for (unsigned round = 0; round < options.run.repeat && !bench_stopped(); round++)
        good = run_round(&bench, &options, round, &figures) && good;
    if (figures.n > 0)
        good = report(&options, &figures) && good;
    if (bench_stopped())
        fputs("bench: stopped\n", stderr);
    if (good)
        nftw(bench.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    else
        fprintf(stderr, "bench: logs are in %s\n", bench.dir);
    figures_free(&figures);
    return good && !bench_stopped() ? 0 : 1;
}
