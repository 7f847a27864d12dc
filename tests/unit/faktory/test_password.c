// SPDX-License-Identifier: MIT
/* The answer to Faktory's challenge; the figures were computed with Python's hashlib. */
#include <string.h>

#include "common/faktory/password.h"
#include "tests/support/suite.h"

static const struct {
    const char *password, *salt;
    long rounds;
    const char *hash;
} vectors[] = {
    {"foobar", "55104dc76695721d", 1545,
     "6d877f8e5544b1f2598768f817413ab8a357afffa924dedae99eb91472d4ec30"},
    {"password", "a1b2c3d4e5f60718", 1,
     "e09e910444397da0c6f03305217b8bb5dd014f00754564ef377995a4b943189f"},
    {"password", "a1b2c3d4e5f60718", 2,
     "87c87a79ceeb58d0c1da523362e59da4e146477eeb14a82c033fc4063baf326d"},
    {"", "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"p\xc3\xa4ss w\xc3\xb6rd", "7", 4000,
     "353aaf581016ecb72f2103566228b22698d19df85dfef7f7188144a80d83f101"},
    {"secret", "0", 8095, "099350413a6047c8d2161508095fadef10f675bc693475c4c6f7bfd96669fd4a"},
};

static void test_vectors(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char out[PASSWORD_HASH_CHARS + 1] = "";

        password_hash(vectors[i].password, vectors[i].salt, strlen(vectors[i].salt),
                      vectors[i].rounds, out);
        CU_ASSERT_STRING_EQUAL(out, vectors[i].hash);
    }
}

/* An older server sends no rounds, a strange one zero or less: still one hash. */
static void test_few_rounds(void)
{
    char one[PASSWORD_HASH_CHARS + 1], out[PASSWORD_HASH_CHARS + 1];

    password_hash("password", "salt", 4, 1, one);
    for (long rounds = 0; rounds >= -2; rounds--) {
        password_hash("password", "salt", 4, rounds, out);
        CU_ASSERT_STRING_EQUAL(out, one);
    }
}

static void test_salt_length(void)
{
    char whole[PASSWORD_HASH_CHARS + 1], part[PASSWORD_HASH_CHARS + 1];

    password_hash("password", "saltsalt", 4, 3, part);
    password_hash("password", "salt", 4, 3, whole);
    CU_ASSERT_STRING_EQUAL(part, whole);
    password_hash("password", "saltsalt", 8, 3, part);
    CU_ASSERT_STRING_NOT_EQUAL(part, whole);
}

static const struct suite_test tests[] = {
    {"known passwords, salts and rounds give the known hashes", test_vectors},
    {"no rounds or fewer count as one", test_few_rounds},
    {"the salt ends at its length, not at a NUL", test_salt_length},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "password", tests, SUITE_COUNT(tests), NULL, NULL);
}
