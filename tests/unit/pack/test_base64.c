// SPDX-License-Identifier: MIT
/* base64: the vectors of RFC 4648, every length, and what is refused. */
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/pack/base64.h"
#include "tests/support/suite.h"

static const struct {
    const char *bytes, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void test_vectors(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf text = BUF_INIT(0), bytes = BUF_INIT(0);

        base64_write(&text, vectors[i].bytes, strlen(vectors[i].bytes));
        CU_ASSERT_STRING_EQUAL(buf_str(&text), vectors[i].text);
        CU_ASSERT_EQUAL(base64_read(&bytes, buf_str(&text), text.len), 0);
        CU_ASSERT_STRING_EQUAL(buf_str(&bytes), vectors[i].bytes);
        buf_fini(&text);
        buf_fini(&bytes);
    }
}

static void test_round_trip(void)
{
    unsigned char bytes[300];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct buf text = BUF_INIT(0), back = BUF_INIT(0);

        base64_write(&text, bytes, len);
        CU_ASSERT_EQUAL(text.len, (len + 2) / 3 * 4);
        CU_ASSERT_EQUAL(base64_read(&back, buf_str(&text), text.len), 0);
        CU_ASSERT_EQUAL(back.len, len);
        CU_ASSERT(len == 0 || memcmp(back.data, bytes, len) == 0);
        buf_fini(&text);
        buf_fini(&back);
    }
}

static void test_refused(void)
{
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",  "Zg==Zg==", "Z===",     "====",       "Zm9v\n", "Zm9 ",
        "Zm-v", "Zm_v", "Zh==", "Zm9=",     "Zm9vZg=v", "\xc3\xa4==", "=m9v"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf bytes = BUF_INIT(0);

        CU_ASSERT_EQUAL(base64_read(&bytes, bad[i], strlen(bad[i])), ERR_INVALID);
        buf_fini(&bytes);
    }
}

static void test_cap(void)
{
    struct buf small = BUF_INIT(2);

    CU_ASSERT_EQUAL(base64_read(&small, "Zm9v", 4), ERR_NOMEM);
    buf_fini(&small);
}

static const struct suite_test tests[] = {
    {"the vectors of RFC 4648 hold", test_vectors},
    {"every length comes back as it was", test_round_trip},
    {"what is not written so is refused", test_refused},
    {"a cap is kept", test_cap},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "base64", tests, SUITE_COUNT(tests), NULL, NULL);
}
