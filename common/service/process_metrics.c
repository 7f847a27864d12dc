// SPDX-License-Identifier: MIT
#include "common/service/process_metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/metrics/prometheus.h"

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static double cpu_seconds(void *ctx)
{
    struct rusage usage;

    (void)ctx;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static double resident_bytes(void *ctx)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    (void)ctx;
    if (!file)
        return 0;
    if (fscanf(file, "%*s %lu", &pages) != 1) /* NOLINT(cert-err34-c): the kernel wrote it */
        pages = 0;
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_files(void *ctx)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = -3; /* ".", ".." and the one that reads the folder */

    (void)ctx;
    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static int add_start_time(struct metrics *m)
{
    struct gauge *g = metrics_gauge(m, "process_start_time_seconds",
                                    "When the process started, in seconds since 1970.", NULL);

    gauge_set(g, clock_wall_ms() / 1000);
    return g ? 0 : ERR_NOMEM;
}

static int add_build_info(struct metrics *m, const char *name, const char *build_version)
{
    struct buf labels = BUF_INIT(0);
    struct gauge *g = NULL;

    prometheus_label(&labels, "version", build_version);
    if (!labels.failed)
        g = metrics_gauge(m, name, "Always 1; the label says which build it is.", buf_str(&labels));
    gauge_set(g, 1);
    buf_fini(&labels);
    return g ? 0 : ERR_NOMEM;
}

int process_metrics_add(struct metrics *m, const char *build_info, const char *build_version)
{
    if (metrics_counter_fn(m, "process_cpu_seconds_total", "User and system CPU time spent.", NULL,
                           cpu_seconds, NULL) != 0 ||
        metrics_gauge_fn(m, "process_resident_memory_bytes", "Resident memory.", NULL,
                         resident_bytes, NULL) != 0 ||
        metrics_gauge_fn(m, "process_open_fds", "Open file descriptors.", NULL, open_files, NULL) !=
            0 ||
        add_start_time(m) != 0)
        return ERR_NOMEM;
    return add_build_info(m, build_info, build_version);
}
