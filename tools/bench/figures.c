// SPDX-License-Identifier: MIT
#include "tools/bench/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json_write.h"

enum { RUNS_MAX = 64, COLUMN = 9 };

/* Head of the column, name in JSON, digits behind the point. */
static const struct {
    const char *head, *name;
    int digits;
} columns[FIGURES] = {
    [FIG_JOBS] = {"jobs", "jobs", 0},
    [FIG_SECONDS] = {"s", "seconds", 2},
    [FIG_RATE] = {"jobs/s", "jobs_per_second", 0},
    [FIG_P50_MS] = {"p50 ms", "p50_ms", 3},
    [FIG_P99_MS] = {"p99 ms", "p99_ms", 3},
    [FIG_P999_MS] = {"p99.9 ms", "p999_ms", 3},
    [FIG_MAX_MS] = {"max ms", "max_ms", 3},
    [FIG_CPU_US] = {"cpu us/j", "cpu_us_per_job", 1},
    [FIG_SERVER_US] = {"srv us/j", "server_cpu_us_per_job", 1},
    [FIG_API_US] = {"api us/j", "api_cpu_us_per_job", 1},
    [FIG_LINK_US] = {"link us/j", "link_cpu_us_per_job", 1},
    [FIG_PEAK_MIB] = {"peak MiB", "peak_mib", 1},
    [FIG_CONNECTIONS] = {"conns", "connections", 0},
    [FIG_COMMANDS] = {"cmd/j", "commands_per_job", 2},
    [FIG_BYTES] = {"bytes/j", "wire_bytes_per_job", 0},
    [FIG_PLAIN_BYTES] = {"plain B/j", "plain_bytes_per_job", 0},
    [FIG_PACK_BYTES] = {"pack B/j", "packed_bytes_per_job", 0},
    [FIG_FLATNESS] = {"flat", "last_tenth_by_second", 2},
    [FIG_CPU_PERCENT] = {"cpu %", "idle_cpu_percent", 2},
    [FIG_FETCHES] = {"fetch/c", "fetches_per_connection", 2},
    [FIG_LOAD_SHARE] = {"load", "load_generator_cores", 2},
};

void row_init(struct row *r)
{
    memset(r, 0, sizeof *r);
    for (int i = 0; i < FIGURES; i++)
        r->figure[i] = NAN;
}

void figures_add(struct figures *f, const struct row *r)
{
    struct row *rows = realloc(f->rows, (f->n + 1) * sizeof *rows);

    if (!rows)
        abort();
    f->rows = rows;
    f->rows[f->n++] = *r;
}

void figures_free(struct figures *f)
{
    free(f->rows);
    f->rows = NULL;
    f->n = 0;
}

/* ---- medians ---- */

static bool is(const struct row *r, const char *what, const char *who, const char *link,
               unsigned size)
{
    return strcmp(r->what, what) == 0 && (!who || strcmp(r->who, who) == 0) &&
           (!link || strcmp(r->link, link) == 0) && (size == 0 || r->size == size);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_of(const struct row *const *rows, unsigned n, enum figure figure)
{
    double values[RUNS_MAX];
    unsigned got = 0;

    for (unsigned i = 0; i < n; i++)
        if (!isnan(rows[i]->figure[figure]))
            values[got++] = rows[i]->figure[figure];
    if (got == 0)
        return NAN;
    qsort(values, got, sizeof values[0], compare);
    return (values[(got - 1) / 2] + values[got / 2]) / 2;
}

bool figures_median(const struct figures *f, const char *what, const char *who, const char *link,
                    unsigned size, struct row *median, unsigned *runs)
{
    const struct row *same[RUNS_MAX];
    unsigned n = 0;
    bool good = true;

    for (size_t i = 0; i < f->n && n < RUNS_MAX; i++)
        if (is(&f->rows[i], what, who, link, size)) {
            same[n++] = &f->rows[i];
            good = good && !f->rows[i].why[0];
        }
    if (runs)
        *runs = n;
    if (n == 0)
        return false;
    *median = *same[0];
    for (int i = 0; i < FIGURES; i++)
        median->figure[i] = median_of(same, n, (enum figure)i);
    return good;
}

/* True when no row before it belongs to the same measurement. */
static bool is_first(const struct figures *f, size_t i)
{
    const struct row *r = &f->rows[i];

    for (size_t k = 0; k < i; k++)
        if (is(&f->rows[k], r->what, r->who, r->link, r->size) && f->rows[k].size == r->size)
            return false;
    return true;
}

/* ---- for people ---- */

void figures_print_row(FILE *to, const struct row *r)
{
    fprintf(to, "%-14s %-6s %5u  %s:", r->what, r->who, r->size, r->link);
    for (int i = 0; i < FIGURES; i++)
        if (!isnan(r->figure[i]))
            fprintf(to, " %s=%.*f", columns[i].head, columns[i].digits, r->figure[i]);
    fprintf(to, "%s%s\n", r->why[0] ? " FAILED: " : "", r->why);
}

static void print_head(FILE *to, const bool *used)
{
    fprintf(to, "%-14s %-6s %5s %-12s %4s", "what", "who", "size", "link", "runs");
    for (int i = 0; i < FIGURES; i++)
        if (used[i])
            fprintf(to, " %*s", COLUMN, columns[i].head);
    fputc('\n', to);
}

static void print_median(FILE *to, const struct row *m, unsigned runs, const bool *used, bool good)
{
    fprintf(to, "%-14s %-6s %5u %-12s %4u", m->what, m->who, m->size, m->link, runs);
    for (int i = 0; i < FIGURES; i++)
        if (used[i] && isnan(m->figure[i]))
            fprintf(to, " %*s", COLUMN, "-");
        else if (used[i])
            fprintf(to, " %*.*f", COLUMN, columns[i].digits, m->figure[i]);
    fprintf(to, "%s\n", good ? "" : "  FAILED");
}

/* Rows with the same `what` share a head, which shows the figures that one of them has. */
static void print_group(FILE *to, const struct figures *f, const char *what)
{
    bool used[FIGURES] = {false};
    struct row m;
    unsigned runs;

    for (size_t i = 0; i < f->n; i++)
        for (int k = 0; k < FIGURES && strcmp(f->rows[i].what, what) == 0; k++)
            used[k] = used[k] || !isnan(f->rows[i].figure[k]);
    print_head(to, used);
    for (size_t i = 0; i < f->n; i++) {
        const struct row *r = &f->rows[i];

        if (strcmp(r->what, what) == 0 && is_first(f, i)) {
            bool good = figures_median(f, r->what, r->who, r->link, r->size, &m, &runs);

            print_median(to, &m, runs, used, good);
        }
    }
    fputc('\n', to);
}

void figures_print(FILE *to, const struct figures *f)
{
    for (size_t i = 0; i < f->n; i++) {
        size_t first = 0;

        while (strcmp(f->rows[first].what, f->rows[i].what) != 0)
            first++;
        if (first == i)
            print_group(to, f, f->rows[i].what);
    }
}

/* ---- JSON ---- */

static void add_row(struct buf *out, const struct row *r, unsigned runs)
{
    buf_add_str(out, "{\"what\":");
    json_write_cstr(out, r->what);
    buf_add_str(out, ",\"who\":");
    json_write_cstr(out, r->who);
    buf_add_str(out, ",\"link\":");
    json_write_cstr(out, r->link);
    buf_add_str(out, ",\"rtt_ms\":");
    json_write_double(out, r->rtt_ms);
    buf_addf(out, ",\"size\":%u", r->size);
    if (runs > 0)
        buf_addf(out, ",\"runs\":%u", runs);
    for (int i = 0; i < FIGURES; i++)
        if (!isnan(r->figure[i]))
            buf_addf(out, ",\"%s\":%.*f", columns[i].name, columns[i].digits, r->figure[i]);
    if (r->why[0]) {
        buf_add_str(out, ",\"failed\":");
        json_write_cstr(out, r->why);
    }
    buf_add_char(out, '}');
}

void figures_json(struct buf *out, const struct figures *f, const char *about)
{
    struct row m;
    unsigned runs;
    const char *comma = "";

    buf_addf(out, "{%s,\n\"medians\":[", about);
    for (size_t i = 0; i < f->n; i++)
        if (is_first(f, i)) {
            const struct row *r = &f->rows[i];

            (void)figures_median(f, r->what, r->who, r->link, r->size, &m, &runs);
            buf_addf(out, "%s\n", comma);
            add_row(out, &m, runs);
            comma = ",";
        }
    buf_add_str(out, "\n],\n\"runs\":[");
    for (size_t i = 0; i < f->n; i++) {
        buf_add_str(out, i > 0 ? ",\n" : "\n");
        add_row(out, &f->rows[i], 0);
    }
    buf_add_str(out, "\n]}\n");
}
