// SPDX-License-Identifier: MIT
#include "common/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"

enum { LINE_MAX_BYTES = 4096 };

static enum log_level threshold = LOG_INFO;
static enum log_format layout = LOG_TEXT;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_setup(enum log_level level, enum log_format format)
{
    threshold = level;
    layout = format;
}

int log_enabled(enum log_level level)
{
    return level <= threshold;
}

/* Makes the message safe inside JSON quotes, or inside one line of text. */
static size_t escape(char *out, size_t room, const char *text, enum log_format format)
{
    size_t n = 0;

    for (; *text && n + 7 < room; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20)
            n += (size_t)snprintf(out + n, room - n, format == LOG_JSON ? "\\u%04x" : "\\x%02x", c);
        else {
            if (format == LOG_JSON && (c == '"' || c == '\\'))
                out[n++] = '\\';
            out[n++] = (char)c;
        }
    }
    out[n] = '\0';
    return n;
}

static void write_line(enum log_level level, const char *fmt, va_list args)
{
    int saved = errno;
    char message[LINE_MAX_BYTES], safe[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 128];
    char when[CLOCK_RFC3339_MAX];
    int n;

    clock_rfc3339(clock_wall_ms(), when);
    vsnprintf(message, sizeof message, fmt, args);
    escape(safe, sizeof safe, message, layout);
    n = snprintf(line, sizeof line,
                 layout == LOG_JSON ? "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"%s\"}\n"
                                    : "%s %-5s %s\n",
                 when, level_names[level], safe);
    while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EINTR)
        ;
    errno = saved;
}

void log_error(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    write_line(LOG_ERROR, fmt, args);
    va_end(args);
}

void log_warn(const char *fmt, ...)
{
    va_list args;

    if (!log_enabled(LOG_WARN))
        return;
    va_start(args, fmt);
    write_line(LOG_WARN, fmt, args);
    va_end(args);
}

void log_info(const char *fmt, ...)
{
    va_list args;

    if (!log_enabled(LOG_INFO))
        return;
    va_start(args, fmt);
    write_line(LOG_INFO, fmt, args);
    va_end(args);
}

void log_debug(const char *fmt, ...)
{
    va_list args;

    if (!log_enabled(LOG_DEBUG))
        return;
    va_start(args, fmt);
    write_line(LOG_DEBUG, fmt, args);
    va_end(args);
}
