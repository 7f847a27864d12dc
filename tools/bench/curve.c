// SPDX-License-Identifier: MIT
#include "tools/bench/curve.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 760, HEIGHT = 440, LEFT = 70, RIGHT = 150, TOP = 46, BOTTOM = 56, LINKS_MAX = 16 };
enum { DECADE_MIN = 1, DECADE_MAX = 5 }; /* 10 to 100,000 jobs/s */

static const struct {
    const char *who, *name, *colour;
    unsigned size;        /* on links; 0: none there */
    unsigned size_nearby; /* on loopback */
} lines[] = {
    {"ours", "Work Factory, 50 threads", "#0b7285", 50, 50},
    {"go", "Go, 50 slots", "#e67700", 50, 20},
    {"go", "Go, 500 slots", "#f2a65a", 500, 0},
    {"rust", "Rust, 50 slots", "#862e9c", 50, 20},
    {"rust", "Rust, 500 slots", "#b98ac9", 500, 0},
};

struct axis {
    const char *link[LINKS_MAX];
    unsigned n;
};

static double x_of(const struct axis *a, unsigned i)
{
    double width = WIDTH - LEFT - RIGHT;

    return LEFT + (a->n > 1 ? width * i / (a->n - 1) : width / 2);
}

static double y_of(double rate)
{
    double share = (log10(fmax(rate, 10)) - DECADE_MIN) / (DECADE_MAX - DECADE_MIN);

    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
}

static struct axis find_links(const struct figures *f)
{
    struct axis a = {.n = 0};

    for (size_t i = 0; i < f->n; i++) {
        unsigned k = 0;

        if (strcmp(f->rows[i].what, "drain") != 0)
            continue;
        while (k < a.n && strcmp(a.link[k], f->rows[i].link) != 0)
            k++;
        if (k == a.n && a.n < LINKS_MAX)
            a.link[a.n++] = f->rows[i].link;
    }
    return a;
}

static void draw_axes(struct buf *out, const struct axis *a)
{
    for (int d = DECADE_MIN; d <= DECADE_MAX; d++) {
        double y = y_of(pow(10, d));

        buf_addf(out, "<path d='M%d %.1fH%d' stroke='#ddd'/>\n", LEFT, y, WIDTH - RIGHT);
        buf_addf(out, "<text x='%d' y='%.1f' text-anchor='end'>%.0f</text>\n", LEFT - 8, y + 4,
                 pow(10, d));
    }
    for (unsigned i = 0; i < a->n; i++)
        buf_addf(out, "<text x='%.1f' y='%d' text-anchor='middle'>%s</text>\n", x_of(a, i),
                 HEIGHT - BOTTOM + 20, a->link[i]);
    buf_addf(out, "<text x='%d' y='%d' text-anchor='middle'>round trip to Faktory</text>\n",
             (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12);
    buf_addf(out,
             "<text x='%d' y='24' font-size='15'>Jobs a second, by Faktory's own count "
             "(higher is better; logarithmic)</text>\n",
             LEFT);
}

static void draw_points(struct buf *out, const struct figures *f, const struct axis *a, size_t line)
{
    struct buf path = BUF_INIT(0);
    struct row m;
    double x = 0, y = 0;

    for (unsigned i = 0; i < a->n; i++) {
        bool near = strcmp(a->link[i], "loopback") == 0;
        unsigned size = near ? lines[line].size_nearby : lines[line].size;

        if (size == 0 || !figures_median(f, "drain", lines[line].who, a->link[i], size, &m, NULL))
            continue;
        x = x_of(a, i);
        y = y_of(m.figure[FIG_RATE]);
        buf_addf(&path, "%c%.1f %.1f", path.len > 0 ? 'L' : 'M', x, y);
        buf_addf(out, "<circle cx='%.1f' cy='%.1f' r='4' fill='%s'><title>%.0f</title></circle>\n",
                 x, y, lines[line].colour, m.figure[FIG_RATE]);
    }
    if (path.len > 0)
        buf_addf(out, "<path d='%s' fill='none' stroke='%s' stroke-width='2'/>\n", buf_str(&path),
                 lines[line].colour);
    buf_fini(&path);
}

void curve_draw(struct buf *out, const struct figures *f)
{
    struct axis a = find_links(f);

    buf_addf(out,
             "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' "
             "font-size='12'>\n<rect width='%d' height='%d' fill='#fff'/>\n",
             WIDTH, HEIGHT, WIDTH, HEIGHT);
    draw_axes(out, &a);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        draw_points(out, f, &a, i);
        buf_addf(out, "<text x='%d' y='%zu' fill='%s'>%s</text>\n", WIDTH - RIGHT + 14,
                 TOP + 14 + i * 20, lines[i].colour, lines[i].name);
    }
    buf_add_str(out, "</svg>\n");
}
