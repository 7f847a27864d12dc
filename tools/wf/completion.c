// SPDX-License-Identifier: MIT
#include "tools/wf/completion.h"

#include <stdbool.h>
#include <string.h>

#include "tools/wf/commands.h"

static void add_command_names(struct buf *out)
{
    for (size_t i = 0; i < commands_n; i++)
        buf_addf(out, "%s%s", i ? " " : "", commands[i].name);
}

/* The words that may follow the command's name; nothing where they are files. */
static void add_words(struct buf *out, const struct wf_command *c)
{
    if (c->words && strcmp(c->words, "COMMAND") == 0)
        add_command_names(out);
    else if (c->words)
        buf_add_str(out, c->words);
}

/* ---- bash ---- */

static void add_option_words(struct buf *out, const struct wf_option *options)
{
    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++)
        buf_addf(out, " --%s", o->name);
}

/* "--api|--queue|-q", the options behind which a value stands, for a pattern. */
static bool add_valued(struct buf *out, const struct wf_option *options, bool first)
{
    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++) {
        if (!o->value)
            continue;
        buf_addf(out, "%s--%s", first ? "" : "|", o->name);
        if (o->brief)
            buf_addf(out, "|-%c", o->brief);
        first = false;
    }
    return first;
}

void completion_bash(struct buf *out)
{
    buf_add_str(out, "# bash completion for wf; made by `wf completion bash`\n"
                     "_wf() {\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} command='' options words='' i\n"
                     "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                     "        case ${COMP_WORDS[i]} in\n"
                     "        ");
    (void)add_valued(out, global_options, true);
    buf_add_str(out, ") i=$((i + 1)) ;;\n"
                     "        -*) ;;\n"
                     "        *) command=${COMP_WORDS[i]} && break ;;\n"
                     "        esac\n"
                     "    done\n"
                     "    options='");
    add_option_words(out, global_options);
    buf_add_str(out, "'\n    case $command in\n    '') words='");
    add_command_names(out);
    buf_add_str(out, "' ;;\n");
    for (size_t i = 0; i < commands_n; i++) {
        const struct wf_command *c = &commands[i];

        buf_addf(out, "    %s) options+='", c->name);
        add_option_words(out, c->options);
        buf_add_str(out, "' words='");
        add_words(out, c);
        buf_add_str(out, "' ;;\n");
    }
    buf_add_str(out, "    esac\n"
                     "    [[ $cur != -* ]] || words=$options\n"
                     "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                     "}\n"
                     "complete -o default -F _wf wf\n");
}

/* ---- zsh ---- */

/* Text inside single quotes and brackets of an _arguments specification. */
static void add_zsh_text(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            buf_add_str(out, "'\\'");
        else if (strchr("[]:\\", *text))
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

static void add_zsh_options(struct buf *out, const struct wf_option *options, const char *indent)
{
    for (const struct wf_option *o = options; (o = option_next(o)) != NULL; o++) {
        buf_addf(out, "%s'--%s%s[", indent, o->name, o->value ? "=" : "");
        add_zsh_text(out, o->help);
        buf_add_char(out, ']');
        if (o->value) {
            buf_add_char(out, ':');
            add_zsh_text(out, o->value);
            buf_add_str(out, strcmp(o->value, "FILE") == 0 ? ":_files" : ": ");
        }
        buf_add_str(out, "' \\\n");
    }
}

static void add_zsh_command(struct buf *out, const struct wf_command *c)
{
    buf_addf(out, "    %s)\n        _arguments \\\n", c->name);
    add_zsh_options(out, c->options, "            ");
    add_zsh_options(out, global_options, "            ");
    if (c->words) {
        buf_add_str(out, "            '1:argument:(");
        add_words(out, c);
        buf_add_str(out, ")'\n");
    } else
        buf_add_str(out, c->most != 0 ? "            '*:argument:_files'\n" : "            ':'\n");
    buf_add_str(out, "        ;;\n");
}

void completion_zsh(struct buf *out)
{
    buf_add_str(out, "#compdef wf\n"
                     "# zsh completion for wf; made by `wf completion zsh`\n"
                     "_wf() {\n"
                     "    local -a commands\n"
                     "    local curcontext=$curcontext state line\n"
                     "    commands=(\n");
    for (size_t i = 0; i < commands_n; i++) {
        buf_addf(out, "        '%s:", commands[i].name);
        add_zsh_text(out, commands[i].summary);
        buf_add_str(out, "'\n");
    }
    buf_add_str(out, "    )\n    _arguments -C \\\n");
    add_zsh_options(out, global_options, "        ");
    buf_add_str(out, "        '1:command:->command' '*::argument:->argument'\n"
                     "    if [[ $state == command ]]; then\n"
                     "        _describe command commands\n"
                     "        return\n"
                     "    fi\n"
                     "    case $line[1] in\n");
    for (size_t i = 0; i < commands_n; i++)
        add_zsh_command(out, &commands[i]);
    buf_add_str(out, "    esac\n}\n"
                     "if [[ $funcstack[1] == _wf ]]; then _wf \"$@\"; else compdef _wf wf; fi\n");
}
