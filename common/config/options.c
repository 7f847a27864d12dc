// SPDX-License-Identifier: MIT
#include "common/config/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/config/env_file.h"

enum { GO_ON = -1, EXIT_OK = 0, EXIT_ILL = 1, EXIT_WRONG = 2 };

struct options {
    bool help, version, check_config, health;
    const char *env_file;
};

static const char options_help[] =
    "  --env-file FILE  read NAME=value lines; what the environment holds wins\n"
    "  --check-config   print the settings in force (secrets hidden) and exit\n"
    "  --version        print the version and exit\n"
    "  --help           print this and exit\n";
static const char health_help[] =
    "  --health         ask the running service how it is and exit: 0 healthy, 1 not\n";

/* ---- command line ---- */

/* Gives the value of "--env-file FILE" or "--env-file=FILE" at argv[*i], NULL: it is another. */
static const char *env_file_value(char **argv, int *i)
{
    static const char name[] = "--env-file";
    size_t len = sizeof name - 1;

    if (strncmp(argv[*i], name, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    if (argv[*i][len] != '\0')
        return NULL;
    return argv[*i + 1] ? argv[++*i] : "";
}

static void read_options(const struct program *p, int argc, char **argv, struct options *o,
                         struct buf *errors)
{
    struct {
        const char *name;
        bool *given;
    } flags[] = {{"--help", &o->help},
                 {"--version", &o->version},
                 {"--check-config", &o->check_config},
                 {"--health", p->health ? &o->health : NULL}};

    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *file = env_file_value(argv, &i);
        bool known = file != NULL;

        for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++)
            if (flags[f].given && strcmp(arg, flags[f].name) == 0)
                known = *flags[f].given = true;
        if (!known)
            buf_addf(errors, "%s \"%s\" (see --help)\n",
                     arg[0] == '-' ? "unknown option" : "unexpected argument", arg);
        else if (file && !*file)
            buf_add_str(errors, "--env-file needs the name of a file\n");
        else if (file && o->env_file)
            buf_add_str(errors, "--env-file is given twice\n");
        else if (file)
            o->env_file = file;
    }
}

/* ---- answers ---- */

static void print_errors(const struct program *p, const char *line)
{
    for (; *line; line += strcspn(line, "\n"), line += *line == '\n')
        fprintf(stderr, "%s: %.*s\n", p->name, (int)strcspn(line, "\n"), line);
}

static int print(const struct program *p, struct buf *text)
{
    int code = EXIT_OK;

    if (text->failed || fputs(buf_str(text), stdout) == EOF || fflush(stdout) == EOF) {
        fprintf(stderr, "%s: cannot write to standard output\n", p->name);
        code = EXIT_WRONG;
    }
    buf_fini(text);
    return code;
}

static int print_help(const struct program *p)
{
    struct buf out = BUF_INIT(0);

    buf_addf(&out, "%s - %s\n\nUsage: %s [OPTION]...\n\nOptions:\n%s%s", p->name, p->summary,
             p->name, options_help, p->health ? health_help : "");
    buf_add_str(&out, "\nSettings (environment variables) and their defaults:\n");
    env_help(p->vars, p->n_vars, &out);
    return print(p, &out);
}

static int print_version(const struct program *p)
{
    struct buf out = BUF_INIT(0);

    buf_addf(&out, "%s %s\n", p->name, p->version);
    return print(p, &out);
}

static int print_settings(const struct program *p, const void *config)
{
    struct buf out = BUF_INIT(0);

    env_show(p->vars, p->n_vars, config, &out);
    return print(p, &out);
}

static int print_health(const struct program *p, const void *config)
{
    struct buf out = BUF_INIT(0);
    struct err_text why = {""};

    if (p->health(config, &out, &why) != 0) {
        fprintf(stderr, "%s: %s\n", p->name, why.text);
        buf_fini(&out);
        return EXIT_ILL;
    }
    buf_add_char(&out, '\n');
    return print(p, &out);
}

/* ---- start ---- */

int program_read(const struct program *p, void *config, struct buf *errors)
{
    int code = env_read(p->vars, p->n_vars, config, errors);
    int together = p->check ? p->check(config, errors) : 0;

    return code != 0 ? code : together;
}

/* All faults of file and environment go into `errors` together: a person mends them at once. */
static void read_settings(const struct program *p, const struct options *o, void *config,
                          struct buf *errors)
{
    if (o->env_file)
        env_file_load(o->env_file, errors);
    program_read(p, config, errors);
}

int options_start(const struct program *p, int argc, char **argv, void *config)
{
    struct options o = {false};
    struct buf errors = BUF_INIT(0);
    int code = GO_ON;

    read_options(p, argc, argv, &o, &errors);
    if (errors.len == 0 && !errors.failed) {
        if (o.help)
            return print_help(p);
        if (o.version)
            return print_version(p);
        read_settings(p, &o, config, &errors);
    }
    if (errors.len > 0 || errors.failed) {
        print_errors(p, errors.failed ? "out of memory" : errors.data);
        code = EXIT_WRONG;
    } else if (o.check_config)
        code = print_settings(p, config);
    else if (o.health)
        code = print_health(p, config);
    buf_fini(&errors);
    return code;
}
