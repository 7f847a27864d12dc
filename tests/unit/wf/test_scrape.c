// SPDX-License-Identifier: MIT
#include <math.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/wf/scrape.h"

static int first(const char *text, struct scrape_sample *sample, struct err_text *why)
{
    struct scrape s = scrape_text(text, strlen(text));

    return scrape_next(&s, sample, why);
}

static void reads_samples(void)
{
    static const char text[] = "# HELP a Words {of} help.\n# TYPE a gauge\n"
                               "a 1\n\n"
                               "b{lane=\"0\"} 2.5e3\r\n"
                               "  c { x = \"1\" , y=\"2\", } -4 1700000000000\n"
                               "d NaN\ne +Inf";
    static const struct {
        const char *name;
        double value;
    } wanted[] = {{"a", 1}, {"b", 2500}, {"c", -4}};
    struct scrape s = scrape_text(text, strlen(text));
    struct scrape_sample sample;

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        CU_ASSERT_EQUAL_FATAL(scrape_next(&s, &sample, NULL), 1);
        CU_ASSERT_TRUE(scrape_is(&sample, wanted[i].name));
        CU_ASSERT_EQUAL(sample.value, wanted[i].value);
    }
    CU_ASSERT_EQUAL_FATAL(scrape_next(&s, &sample, NULL), 1);
    CU_ASSERT_TRUE(isnan(sample.value));
    CU_ASSERT_EQUAL_FATAL(scrape_next(&s, &sample, NULL), 1);
    CU_ASSERT_TRUE(isinf(sample.value));
    CU_ASSERT_FALSE(scrape_is(&sample, "ee"));
    CU_ASSERT_EQUAL(scrape_next(&s, &sample, NULL), 0);
    CU_ASSERT_EQUAL(scrape_next(&s, &sample, NULL), 0);
}

static void reads_labels(void)
{
    static const char text[] = "m{a=\"}\\\"\\\\n\\n,\",bb=\"\",version=\"v1\"} 1\n";
    struct scrape_sample sample;
    struct buf value = BUF_INIT(0);

    CU_ASSERT_EQUAL_FATAL(first(text, &sample, NULL), 1);
    CU_ASSERT_TRUE(scrape_label(&sample, "a", &value));
    CU_ASSERT_STRING_EQUAL(buf_str(&value), "}\"\\n\n,");
    buf_clear(&value);
    CU_ASSERT_TRUE(scrape_label(&sample, "version", &value));
    CU_ASSERT_STRING_EQUAL(buf_str(&value), "v1");
    buf_clear(&value);
    CU_ASSERT_TRUE(scrape_label(&sample, "bb", &value));
    CU_ASSERT_EQUAL(value.len, 0);
    CU_ASSERT_FALSE(scrape_label(&sample, "b", &value));
    CU_ASSERT_EQUAL_FATAL(first("m 1\n", &sample, NULL), 1);
    CU_ASSERT_FALSE(scrape_label(&sample, "a", &value));
    buf_fini(&value);
}

static void refuses_other_text(void)
{
    static const char *const bad[] = {
        "<html>", "a",        "a b",         "1 2",   "a{ 1", "a{x} 1",      "a{x=1} 1",
        "a{x=\"", "a{x=\"\\", "a{x=\"1\" 1", "a 1 b", "a 1x", "{x=\"1\"} 1", "a{x=\"1\"}",
    };
    struct scrape_sample sample;
    struct err_text why;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why.text[0] = '\0';
        CU_ASSERT_EQUAL(first(bad[i], &sample, &why), ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "line 1"));
    }
    CU_ASSERT_EQUAL(first("", &sample, NULL), 0);
}

static const struct suite_test tests[] = {
    {"samples are read with and without labels and times", reads_samples},
    {"a label's escapes are undone", reads_labels},
    {"what is no metric is refused with its line", refuses_other_text},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "scrape", tests, SUITE_COUNT(tests), NULL, NULL);
}
