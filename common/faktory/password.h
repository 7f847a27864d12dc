// SPDX-License-Identifier: MIT
/* password - the answer to Faktory's challenge (protocol version 2). Any thread. */
#ifndef COMMON_FAKTORY_PASSWORD_H
#define COMMON_FAKTORY_PASSWORD_H

#include <stddef.h>

enum { PASSWORD_HASH_CHARS = 64, PASSWORD_ROUNDS_MAX = 1 << 20 };

/*
 * SHA-256 of password and salt, then `rounds - 1` times SHA-256 of the raw digest; lower-case hex.
 * Faktory asks for 4,000 to 8,095 rounds (about a millisecond), so connections are worth keeping.
 */
void password_hash(const char *password, const char *salt, size_t salt_len, long rounds,
                   char out[PASSWORD_HASH_CHARS + 1]);

#endif
