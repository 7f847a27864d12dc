// SPDX-License-Identifier: MIT
#include "common/faktory/password.h"

#include <sha2.h>
#include <stdio.h>
#include <string.h>

void password_hash(const char *password, const char *salt, size_t salt_len, long rounds,
                   char out[PASSWORD_HASH_CHARS + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX ctx;

    SHA256Init(&ctx);
    SHA256Update(&ctx, (const unsigned char *)password, strlen(password));
    SHA256Update(&ctx, (const unsigned char *)salt, salt_len);
    SHA256Final(digest, &ctx);
    for (long i = 1; i < rounds; i++) {
        SHA256Init(&ctx);
        SHA256Update(&ctx, digest, sizeof digest);
        SHA256Final(digest, &ctx);
    }
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
