// SPDX-License-Identifier: MIT
/*
 * log - levelled lines on standard error, one write(2) each, from any thread, without a lock.
 *
 * A message is a sentence, details follow as key=value ("connected peer=127.0.0.1:7419"). A secret
 * never goes into a message: URLs are logged through url_redacted(). errno is preserved.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Sets both for the whole program; before any thread is started. Default: info, text. */
void log_setup(enum log_level level, enum log_format format);

/* True when lines of this level are written: to skip costly preparation. */
int log_enabled(enum log_level level);

/* error: the program or a job is in trouble; warn: a person may have to act; info: life-cycle;
 * debug: everything else, single retries included. Lines over 4 KiB are cut. */
__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *fmt, ...);

#endif
