// SPDX-License-Identifier: MIT
/* The man page says what the tables of commands, options and settings say, no less and no more. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tools/wf/commands.h"
#include "tools/wf/settings.h"

static char *page;

static void setup(void)
{
    page = file_text("tools/wf/wf.1"); /* tests are run from the root of the tree */
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
}

static void teardown(void)
{
    free(page);
}

/* The text from behind the heading line up to the next heading of this kind or of a higher one;
 * malloc'd, NULL when there is no such heading. */
static char *section(const char *heading)
{
    char line[200];
    const char *at, *end, *higher;

    snprintf(line, sizeof line, "\n%s\n", heading);
    if (!(at = strstr(page, line)))
        return NULL;
    at += strlen(line) - 1;
    end = strstr(at, "\n.Sh ");
    higher = strncmp(heading, ".Ss", 3) == 0 ? strstr(at, "\n.Ss ") : NULL;
    if (higher && (!end || higher < end))
        end = higher;
    return strndup(at, end ? (size_t)(end - at) : strlen(at));
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

/* ".It Fl q , -quiet", ".It Fl -api Ar URL": exactly those of the table. */
static void check_options(const struct wf_option *options, const char *text)
{
    size_t n = 0;

    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++, n++) {
        char brief[8] = "", value[64] = "", line[200];

        if (o->brief)
            snprintf(brief, sizeof brief, "%c , ", o->brief);
        if (o->value)
            snprintf(value, sizeof value, " Ar %s", o->value);
        snprintf(line, sizeof line, "\n.It Fl %s-%s%s\n", brief, o->name, value);
        if (!strstr(text, line))
            fprintf(stderr, "not in wf.1:%s", line);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
    }
    CU_ASSERT_EQUAL(count(text, "\n.It Fl "), n);
}

static void every_command_is_there(void)
{
    for (size_t i = 0; i < commands_n; i++) {
        const struct wf_command *c = &commands[i];
        char heading[160];
        char *text;

        snprintf(heading, sizeof heading, ".Ss wf %s%s%s", c->name, *c->args ? " " : "", c->args);
        text = section(heading);
        if (!text)
            fprintf(stderr, "not in wf.1: %s\n", heading);
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        check_options(c->options, text);
        free(text);
    }
    CU_ASSERT_EQUAL(count(page, "\n.Ss "), commands_n);
}

static void options_of_all_commands_are_there(void)
{
    char *text = section(".Sh OPTIONS");

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    check_options(global_options, text);
    free(text);
}

/* Each setting, with its default. */
static void every_setting_is_there(void)
{
    char *text = section(".Sh ENVIRONMENT");

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t i = 0; i < settings_vars_n; i++) {
        const char *at = strstr(text, settings_vars[i].name), *next = at ? strstr(at, "\n.It") : 0;
        const char *fallback = settings_vars[i].fallback;
        const char *value = at ? strstr(at, fallback ? fallback : "default: none") : NULL;

        if (!at || !value)
            fprintf(stderr, "not in wf.1: %s, or its default\n", settings_vars[i].name);
        CU_ASSERT_PTR_NOT_NULL(at);
        CU_ASSERT(value && (!next || value < next));
    }
    free(text);
}

static void every_exit_code_is_there(void)
{
    char *text = section(".Sh EXIT STATUS");

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (int code = WF_DONE; code <= WF_UNKNOWN; code++) {
        char line[24];

        snprintf(line, sizeof line, "\n.It %d\n", code);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
    }
    CU_ASSERT_EQUAL(count(text, "\n.It "), WF_UNKNOWN + 1);
    free(text);
}

static const struct suite_test tests[] = {
    {"every command has its section, with its arguments and options", every_command_is_there},
    {"the options of all commands are there", options_of_all_commands_are_there},
    {"every setting is there with its default", every_setting_is_there},
    {"every exit code is there", every_exit_code_is_there},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "man", tests, SUITE_COUNT(tests), setup, teardown);
}
