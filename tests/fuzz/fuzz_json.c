// SPDX-License-Identifier: MIT
/*
 * fuzz_json - whatever json_check() accepts, json-c accepts too and reads the same; what the writer
 * makes of any bytes is accepted again.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json_write.h"
#include "tests/support/json_dump.h"
#include "tests/support/json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void compare_readers(const char *text, size_t len)
{
    struct json_slice root, number;
    struct buf ours = BUF_INIT(0), theirs = BUF_INIT(0);
    struct err_text why = {""};

    if (json_check(text, len, &root, &why) != 0) {
        must(why.text[0] != '\0');
        return;
    }
    json_dump(root, &ours);
    must(json_oracle_dump(text, len, &theirs));
    must(strcmp(buf_str(&ours), buf_str(&theirs)) == 0);
    if (json_has_unsafe_number(root, &number))
        must(json_type(number) == JSON_NUMBER);
    buf_fini(&ours);
    buf_fini(&theirs);
}

static void write_and_read_string(const char *text, size_t len)
{
    struct json_slice root;
    struct buf out = BUF_INIT(0), back = BUF_INIT(0), again = BUF_INIT(0);

    json_write_string(&out, text, len);
    must(json_check(out.data, out.len, &root, NULL) == 0);
    must(json_read_string(root, &back) == 0);
    must(json_string_is(root, buf_str(&back)));
    /* What came back is text now: writing it again changes nothing more. */
    json_write_string(&again, buf_str(&back), back.len);
    must(strcmp(again.data, out.data) == 0);
    buf_fini(&out);
    buf_fini(&back);
    buf_fini(&again);
}

static void write_and_read_double(const uint8_t *data, size_t size)
{
    struct buf out = BUF_INIT(0);
    struct json_slice root;
    double value, back;

    if (size < sizeof value)
        return;
    memcpy(&value, data, sizeof value);
    json_write_double(&out, value);
    must(json_check(out.data, out.len, &root, NULL) == 0);
    if (isfinite(value))
        must(json_read_double(root, &back) == 0 && back == value &&
             !signbit(back) == !signbit(value));
    else
        must(json_type(root) == JSON_NULL);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    compare_readers((const char *)data, size);
    write_and_read_string((const char *)data, size);
    write_and_read_double(data, size);
    return 0;
}
