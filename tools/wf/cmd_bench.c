// SPDX-License-Identifier: MIT
/*
 * wf bench - runs the bench, a program of its own: it starts private Faktorys and programs, and
 * nothing of that belongs into wf. The options of bench are rows here, so that help and completion
 * know them; their values are passed on as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/wf/commands.h"
#include "tools/wf/wf.h"

enum { WORDS_MAX = 2 * ARGS_OPTIONS_MAX + 4 };

/* Called as bench calls them, but for --out: --json is a flag of every command of wf. */
const struct wf_option bench_options[] = {
    {"only", 0, "GROUPS", "these groups of measurements only, such as drain,api"},
    {"repeat", 0, "N", "run each N times; figures are medians"},
    {"wan", 0, NULL, "on loopback and on a row of links with a round trip (root only)"},
    {"links", 0, "MS,...", "with --wan: only those with these round trips, no jitter and no loss"},
    {"rtt-ms", 0, "N", "on one link with this round trip (root only)"},
    {"congestion", 0, "NAME", "with links: TCP's congestion control there"},
    {"jitter-ms", 0, "N", "with --rtt-ms: up to so much more, at random"},
    {"loss", 0, "PERCENT", "with --rtt-ms: packets lost, each way"},
    {"smoke", 0, NULL, "a few seconds: does the bench itself work?"},
    {"peers", 0, "DIR", "where the programs on other clients are"},
    {"out", 0, "FILE", "write runs and medians there, as JSON"},
    {"svg", 0, "FILE", "draw jobs a second against the round trip"},
    {"list", 0, NULL, "print the groups and what is in them"},
    {0},
};

/* Where bench may be, from the folder of wf: beside it (a build folder), where `make install` puts
 * it (PREFIX/bin and PREFIX/lib), in the build folder of a tree whose root has wf. */
static const char *const places[] = {"bench", "../lib/work-factory/bench",
                                     "build/release/bin/bench"};

static bool find_bench(char path[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    self[n > 0 ? n : 0] = '\0';
    if (!(slash = strrchr(self, '/')))
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (snprintf(path, PATH_MAX, "%s/%s", self, places[i]) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
    return false;
}

/* bench wants to be told where Faktory is; one on PATH will do. */
static void find_faktory(void)
{
    const char *set = getenv("FAKTORY_BIN"), *at = getenv("PATH");
    char path[PATH_MAX];

    if (set && *set)
        return;
    while (at && *at) {
        int len = (int)strcspn(at, ":");

        if (len > 0 && snprintf(path, sizeof path, "%.*s/faktory", len, at) < PATH_MAX &&
            access(path, X_OK) == 0) {
            (void)setenv("FAKTORY_BIN", path, 1); /* no thread is there yet */
            return;
        }
        at += len + (at[len] == ':');
    }
}

/* In the child: what bench says to people goes to standard error, its results to the pipe. */
static _Noreturn void become(const char *path, char **words, int results)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* it stops in order */
    if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 && fcntl(results, F_SETFD, 0) >= 0)
        execv(path, words);
    _exit(WF_WRONG);
}

/*
 * Runs bench with its results on our standard output and nothing else there. Through a pipe: bench
 * opens a file for them, and opening standard output anew would empty a file that it is.
 */
static int run_for_results(const struct out *o, const char *path, char **words, int n)
{
    static char json[] = "--json", place[32];
    int ends[2], status = -1;
    char bytes[4096];
    ssize_t got;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        out_error(o, "no pipe: %s", strerror(errno));
        return WF_NOT_DONE;
    }
    snprintf(place, sizeof place, "/dev/fd/%d", ends[1]);
    words[n] = json;
    words[n + 1] = place;
    words[n + 2] = NULL;
    if ((pid = fork()) == 0)
        become(path, words, ends[1]);
    close(ends[1]);
    (void)signal(SIGINT, SIG_IGN); /* bench gets it, too, and ends in order */
    while ((got = read(ends[0], bytes, sizeof bytes)) > 0)
        (void)fwrite(bytes, 1, (size_t)got, stdout);
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        out_error(o, "%s did not run to its end", path);
        return WF_NOT_DONE;
    }
    return WEXITSTATUS(status);
}

/* The command line of bench, from ours; returns how many words there are. */
static int write_words(const struct args *a, char names[ARGS_OPTIONS_MAX][80], char **words)
{
    int n = 0;

    for (int i = 0; i < a->n_given; i++) {
        const struct wf_option *o = a->given[i].option;
        bool out = strcmp(o->name, "out") == 0;

        if (option_find(bench_options, o->name, strlen(o->name)) != o)
            continue; /* one of all commands */
        snprintf(names[i], 80, "--%s", out ? "json" : o->name);
        words[n++] = names[i];
        if (o->value)
            words[n++] = (char *)a->given[i].value;
    }
    return n;
}

int cmd_bench(struct wf *wf, int argc, char **argv)
{
    static char names[ARGS_OPTIONS_MAX][80];
    char path[PATH_MAX], *words[WORDS_MAX] = {path};
    int n;

    (void)argc, (void)argv;
    if (wf->out.json && args_given(&wf->args, "out"))
        return wf_wrong(wf, "--json prints what --out writes to a file: expected one of them");
    if (!find_bench(path)) {
        out_error(&wf->out, "the program bench is not there: not beside wf, nor in "
                            "../lib/work-factory. In the tree `make bench-programs` builds it; it "
                            "is a part of the package work-factory-tools");
        return WF_WRONG;
    }
    n = 1 + write_words(&wf->args, names, words + 1);
    find_faktory();
    (void)fflush(stdout);
    if (wf->out.json)
        return run_for_results(&wf->out, path, words, n);
    words[n] = NULL;
    execv(path, words);
    out_error(&wf->out, "%s cannot be run: %s", path, strerror(errno));
    return WF_WRONG;
}
