// SPDX-License-Identifier: MIT
#include "tools/wf/args.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "common/config/env_value.h"
#include "tools/wf/commands.h"

/* One reading of a command line. */
struct reading {
    struct args *a;
    int argc, i; /* of the words, and the one that is looked at */
    char **argv;
    struct err_text *why;
};

static const struct wf_option *of_command(const struct args *a)
{
    return a->command ? a->command->options : NULL;
}

static int add(struct reading *rd, const struct wf_option *o, const char *value)
{
    struct args *a = rd->a;

    if (args_given(a, o->name))
        return err_set(rd->why, ERR_INVALID, "--%s is given twice", o->name);
    if (a->n_given == ARGS_OPTIONS_MAX)
        return err_set(rd->why, ERR_INVALID, "more than %d options", ARGS_OPTIONS_MAX);
    a->given[a->n_given].option = o;
    a->given[a->n_given++].value = value;
    return 0;
}

/* The value that is the next word. */
static int add_next(struct reading *rd, const struct wf_option *o)
{
    if (rd->i + 1 >= rd->argc)
        return err_set(rd->why, ERR_INVALID, "--%s needs a value: --%s %s", o->name, o->name,
                       o->value);
    return add(rd, o, rd->argv[++rd->i]);
}

static int unknown(struct reading *rd, const char *word)
{
    const struct wf_command *c = rd->a->command;

    return err_set(rd->why, ERR_INVALID, "unknown option \"%.80s\" (see wf help%s%s)", word,
                   c ? " " : "", c ? c->name : "");
}

/* --name, --name VALUE, --name=VALUE */
static int read_long(struct reading *rd, const char *word)
{
    size_t len = strcspn(word + 2, "=");
    const struct wf_option *o = option_find(of_command(rd->a), word + 2, len);
    bool joined = word[2 + len] == '=';

    if (!o)
        o = option_find(global_options, word + 2, len);
    if (!o)
        return unknown(rd, word);
    if (!o->value && joined)
        return err_set(rd->why, ERR_INVALID, "--%s takes no value", o->name);
    if (!o->value)
        return add(rd, o, "");
    return joined ? add(rd, o, word + 2 + len + 1) : add_next(rd, o);
}

/* -q, -qj, -n VALUE, -nVALUE */
static int read_brief(struct reading *rd, const char *word)
{
    for (const char *at = word + 1; *at; at++) {
        const struct wf_option *o = option_brief(of_command(rd->a), *at);
        int code;

        if (!o)
            o = option_brief(global_options, *at);
        if (!o)
            return unknown(rd, word);
        if (o->value)
            return at[1] ? add(rd, o, at + 1) : add_next(rd, o);
        if ((code = add(rd, o, "")) != 0)
            return code;
    }
    return 0;
}

static bool is_option(const char *word)
{
    if (word[0] != '-' || word[1] == '\0') /* "-" is standard input */
        return false;
    return !isdigit((unsigned char)word[1]) && word[1] != '.';
}

static int read_word(struct reading *rd, char *word)
{
    struct args *a = rd->a;

    if (!a->command) {
        a->command = command_find(word);
        return a->command ? 0
                          : err_set(rd->why, ERR_INVALID,
                                    "there is no command \"%.80s\" (see wf help)", word);
    }
    a->argv[a->argc++] = word; /* never ahead of the word that is read */
    return 0;
}

int args_read(struct args *a, int argc, char **argv, struct err_text *why)
{
    struct reading rd = {.a = a, .argc = argc, .i = 1, .argv = argv, .why = why};
    bool options = true;
    int code = 0;

    memset(a, 0, sizeof *a);
    a->argv = argv;
    for (; code == 0 && rd.i < argc; rd.i++) {
        char *word = argv[rd.i];

        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && is_option(word))
            code = word[1] == '-' ? read_long(&rd, word) : read_brief(&rd, word);
        else
            code = read_word(&rd, word);
    }
    return code;
}

int args_check(const struct args *a, struct err_text *why)
{
    const struct wf_command *c = a->command;

    if (a->argc >= c->least && (c->most < 0 || a->argc <= c->most))
        return 0;
    if (a->argc > 0 && a->argc > c->most && c->most >= 0)
        return err_set(why, ERR_INVALID, "unexpected \"%.80s\"; expected: wf %s%s%s",
                       a->argv[c->most], c->name, *c->args ? " " : "", c->args);
    return err_set(why, ERR_INVALID, "expected: wf %s %s", c->name, c->args);
}

const char *args_given(const struct args *a, const char *name)
{
    for (int i = 0; i < a->n_given; i++)
        if (strcmp(a->given[i].option->name, name) == 0)
            return a->given[i].value;
    return NULL;
}

/* The rules for numbers and durations are those of the settings. */
static int read_as(const struct env_var *var, const char *text, int64_t *out, struct err_text *why)
{
    struct buf expected = BUF_INIT(0);
    int code = 0;

    if (text && (code = env_value_parse(var, text, out, &expected)) != 0)
        err_set(why, code, "--%s \"%.80s\": expected %s", var->name, text, buf_str(&expected));
    buf_fini(&expected);
    return code;
}

int args_int(const struct args *a, const char *name, int64_t min, int64_t max, int64_t *out,
             struct err_text *why)
{
    const struct env_var var = {.name = name, .kind = ENV_INT, .min = min, .max = max};

    return read_as(&var, args_given(a, name), out, why);
}

int args_ms_of(const char *name, const char *text, int64_t min, int64_t max, int64_t *out,
               struct err_text *why)
{
    const struct env_var var = {.name = name, .kind = ENV_MS, .min = min, .max = max};

    return read_as(&var, text, out, why);
}

int args_ms(const struct args *a, const char *name, int64_t min, int64_t max, int64_t *out,
            struct err_text *why)
{
    return args_ms_of(name, args_given(a, name), min, max, out, why);
}
