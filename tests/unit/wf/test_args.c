// SPDX-License-Identifier: MIT
/* The command line of wf, taken apart. */
#include <string.h>

#include "tests/support/suite.h"
#include "tools/wf/args.h"
#include "tools/wf/commands.h"

enum { WORDS_MAX = 48 };

static struct args args;
static struct err_text why;
static char *words[WORDS_MAX + 2];

/* Reads "wf ...", whose words are separated by blanks. */
static int read_line(const char *line)
{
    static char text[1024];
    int n = 0;

    snprintf(text, sizeof text, "wf %s", line);
    for (char *save, *word = strtok_r(text, " ", &save); word && n < WORDS_MAX;
         word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    words[n] = NULL;
    memset(&why, 0, sizeof why);
    return args_read(&args, n, words, &why);
}

static void options_stand_anywhere(void)
{
    CU_ASSERT_EQUAL(read_line("--json completion -q bash --api=http://a:1 --faktory tcp://b"), 0);
    CU_ASSERT_PTR_EQUAL(args.command, command_find("completion"));
    CU_ASSERT_STRING_EQUAL(args_given(&args, "json"), "");
    CU_ASSERT_STRING_EQUAL(args_given(&args, "quiet"), "");
    CU_ASSERT_STRING_EQUAL(args_given(&args, "api"), "http://a:1");
    CU_ASSERT_STRING_EQUAL(args_given(&args, "faktory"), "tcp://b");
    CU_ASSERT_PTR_NULL(args_given(&args, "help"));
    CU_ASSERT_EQUAL_FATAL(args.argc, 1);
    CU_ASSERT_STRING_EQUAL(args.argv[0], "bash");
}

static void letters_may_be_joined(void)
{
    CU_ASSERT_EQUAL(read_line("-qjh"), 0);
    CU_ASSERT_STRING_EQUAL(args_given(&args, "quiet"), "");
    CU_ASSERT_STRING_EQUAL(args_given(&args, "json"), "");
    CU_ASSERT_STRING_EQUAL(args_given(&args, "help"), "");
}

static void numbers_are_arguments(void)
{
    CU_ASSERT_EQUAL(read_line("help -5 -.5 - -- -q --json"), 0);
    CU_ASSERT_EQUAL_FATAL(args.argc, 5);
    CU_ASSERT_STRING_EQUAL(args.argv[0], "-5");
    CU_ASSERT_STRING_EQUAL(args.argv[1], "-.5");
    CU_ASSERT_STRING_EQUAL(args.argv[2], "-");
    CU_ASSERT_STRING_EQUAL(args.argv[3], "-q");
    CU_ASSERT_STRING_EQUAL(args.argv[4], "--json");
    CU_ASSERT_PTR_NULL(args_given(&args, "quiet"));
}

static void every_fault_names_its_word(void)
{
    static const struct {
        const char *line, *named;
    } faults[] = {
        {"--jsn version", "--jsn"},
        {"-x version", "-x"},
        {"versoin", "versoin"},
        {"version --json=1", "--json takes no value"},
        {"version --api", "--api needs a"},
        {"version -q --quiet", "--quiet is given twice"},
    };

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        CU_ASSERT_EQUAL(read_line(faults[i].line), ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, faults[i].named));
    }
}

static void arguments_are_counted(void)
{
    CU_ASSERT_EQUAL(read_line("completion"), 0);
    CU_ASSERT_EQUAL(args_check(&args, &why), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "wf completion bash|zsh"));
    CU_ASSERT_EQUAL(read_line("completion bash more"), 0);
    CU_ASSERT_EQUAL(args_check(&args, &why), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "unexpected \"more\""));
    CU_ASSERT_EQUAL(read_line("completion bash"), 0);
    CU_ASSERT_EQUAL(args_check(&args, &why), 0);
}

static void values_are_checked(void)
{
    int64_t value = 7;

    CU_ASSERT_EQUAL(read_line("version --api 12"), 0);
    CU_ASSERT_EQUAL(args_int(&args, "api", 1, 20, &value, &why), 0);
    CU_ASSERT_EQUAL(value, 12);
    CU_ASSERT_EQUAL(args_int(&args, "api", 1, 11, &value, &why), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "--api \"12\": expected a whole number from 1 to 11"));
    CU_ASSERT_EQUAL(args_ms(&args, "api", 1, 20000, &value, &why), 0);
    CU_ASSERT_EQUAL(value, 12000);
    CU_ASSERT_EQUAL(args_int(&args, "faktory", 1, 11, &value, &why), 0);
    CU_ASSERT_EQUAL(value, 12000);
}

/* What no reader of the tables expects: a name twice, a value's name in lower case, a full stop. */
static void check_options(const struct wf_option *options)
{
    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++) {
        CU_ASSERT_PTR_EQUAL(option_find(options, o->name, strlen(o->name)), o);
        CU_ASSERT(!o->brief || option_brief(options, o->brief) == o);
        CU_ASSERT(options == global_options ||
                  !option_find(global_options, o->name, strlen(o->name)));
        CU_ASSERT(options == global_options || !option_brief(global_options, o->brief));
        CU_ASSERT(*o->help && o->help[strlen(o->help) - 1] != '.');
    }
}

static void tables_are_sound(void)
{
    check_options(global_options);
    for (size_t i = 0; i < commands_n; i++) {
        const struct wf_command *c = &commands[i];

        CU_ASSERT_PTR_EQUAL(command_find(c->name), c);
        CU_ASSERT(c->run && c->args && *c->summary);
        CU_ASSERT_NOT_EQUAL(c->summary[strlen(c->summary) - 1], '.');
        CU_ASSERT(c->most < 0 || c->least <= c->most);
        CU_ASSERT((c->most == 0) == (*c->args == '\0'));
        check_options(c->options);
    }
}

static const struct suite_test tests[] = {
    {"options may stand before and behind the command", options_stand_anywhere},
    {"flags of one letter may be joined", letters_may_be_joined},
    {"numbers, - and what follows -- are arguments", numbers_are_arguments},
    {"every fault names the word that is wrong", every_fault_names_its_word},
    {"too few and too many arguments are refused", arguments_are_counted},
    {"values of options are checked like settings", values_are_checked},
    {"the tables of commands and options are sound", tables_are_sound},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "wf_args", tests, SUITE_COUNT(tests), NULL, NULL);
}
