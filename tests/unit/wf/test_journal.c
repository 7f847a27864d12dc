// SPDX-License-Identifier: MIT
/* The journal of a batch, and the spans and lines that it is made of. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tools/wf/journal.h"
#include "tools/wf/spans.h"

static struct tempdir dir;
static char path[TEMPDIR_MAX + 16], jobs[TEMPDIR_MAX + 16];
static struct err_text why;
static struct journal_past past;

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, &why), 0);
    snprintf(path, sizeof path, "%s/progress", dir.path);
    snprintf(jobs, sizeof jobs, "%s/jobs", dir.path);
    write_file(jobs, "one\ntwo\n\nfour\r\nfive");
}

static void teardown(void)
{
    tempdir_fini(&dir);
}

/* ---- spans ---- */

static void spans_are_short(void)
{
    static const int64_t numbers[] = {1, 3, 4, 5, 9, 10, 12};
    struct spans s = {.n = 0};

    CU_ASSERT_STRING_EQUAL(spans_text(&s), "");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        spans_add(&s, numbers[i]);
    CU_ASSERT_EQUAL(s.n, 7);
    CU_ASSERT_STRING_EQUAL(spans_text(&s), "1,3-5,9-10,12");
    spans_clear(&s);
    spans_add(&s, 7);
    CU_ASSERT_STRING_EQUAL(spans_text(&s), "7");
    spans_fini(&s);
}

static void spans_are_read_back(void)
{
    static const char *const wrong[] = {"x", "0", "-1", "3-", "3-x", "5-3", "3 ", "3;4"};
    const char *at = "3-5,9\nnext line";
    int64_t first, last;

    CU_ASSERT(spans_next(&at, &first, &last) && first == 3 && last == 5);
    CU_ASSERT(spans_next(&at, &first, &last) && first == 9 && last == 9);
    CU_ASSERT_FALSE(spans_next(&at, &first, &last));
    CU_ASSERT_EQUAL(*at, '\n');
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        at = wrong[i];
        CU_ASSERT_FALSE(spans_next(&at, &first, &last));
        CU_ASSERT_PTR_EQUAL(at, wrong[i]);
    }
}

/* ---- lines ---- */

static void lines_are_read(void)
{
    static const char *const texts[] = {"one", "two", "", "four", "five"};
    struct lines *l = lines_open(jobs, &why);
    char hash[LINES_HASH_CHARS + 1];
    struct line line;

    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT_EQUAL(lines_size(l), 19);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL_FATAL(lines_next(l, &line, &why), 1);
        CU_ASSERT_EQUAL(line.number, i + 1);
        CU_ASSERT(line.len == strlen(texts[i]) && memcmp(line.text, texts[i], line.len) == 0);
        if (i == 1) { /* printf 'one\ntwo\n' | sha256sum */
            lines_hash(l, hash);
            CU_ASSERT_EQUAL(lines_offset(l), 8);
            CU_ASSERT_STRING_EQUAL(
                hash, "c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8");
        }
    }
    CU_ASSERT_EQUAL(lines_next(l, &line, &why), 0);
    CU_ASSERT_EQUAL(lines_offset(l), 19);
    lines_hash(l, hash); /* sha256sum of the file */
    CU_ASSERT_STRING_EQUAL(hash,
                           "4c5b885680f972bbe0253c9e6a9fdc31ad5fec1141274d7febbe315ec6f9c8b8");
    lines_close(l);
    CU_ASSERT_PTR_NULL(lines_open("/nowhere/at/all", &why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "/nowhere/at/all"));
}

static void endless_lines_are_refused(void)
{
    struct lines *l = lines_open("/dev/zero", &why);
    struct line line;

    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT_EQUAL(lines_next(l, &line, &why), ERR_FULL);
    CU_ASSERT_EQUAL(lines_next(l, &line, &why), ERR_FULL);
    CU_ASSERT_EQUAL(lines_size(l), -1);
    lines_close(l);
}

/* ---- the journal ---- */

/* Opens the journal and reads its past; closes it unless it is wanted. */
static struct journal *look(bool keep)
{
    struct journal *j = journal_open(path, &past, &why);

    if (!keep) {
        journal_close(j);
        return NULL;
    }
    return j;
}

/* Three lines in one chunk: the first is stored, the second refused, the third in flight. */
static void write_a_chunk(struct journal *j)
{
    static const enum line_state states[] = {LINE_STORED, LINE_REFUSED, LINE_SENT};
    static const size_t all[] = {0, 1, 2};
    struct lines *l = lines_open(jobs, &why);
    struct chunk c = {.n = 0};
    struct line line;

    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT_EQUAL(journal_begin(j, lines_size(l), &why), 0);
    while (c.n < 3 && lines_next(l, &line, &why) == 1)
        if (line.len > 0)
            CU_ASSERT_EQUAL(chunk_add(&c, line.number, line.text, line.len), 0);
    CU_ASSERT_EQUAL(journal_chunk(j, 1, l, 4, &why), 0);
    for (size_t i = 0; i < 3; i++)
        c.lines[i].state = LINE_SENT;
    CU_ASSERT_EQUAL(journal_states(j, &c, all, 3, &why), 0);
    for (size_t i = 0; i < 3; i++)
        c.lines[i].state = states[i];
    CU_ASSERT_EQUAL(journal_states(j, &c, all, 2, &why), 0);
    chunk_fini(&c);
    lines_close(l);
}

static void what_was_written_is_read(void)
{
    struct journal *j = look(true);
    struct chunk c = {.n = 0};

    CU_ASSERT_PTR_NOT_NULL_FATAL(j);
    CU_ASSERT_FALSE(past.any);
    write_a_chunk(j);
    CU_ASSERT_PTR_NULL(look(false)); /* it is locked */
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "another wf batch"));
    journal_close(j);

    j = look(true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(j);
    CU_ASSERT(past.any && !past.ended && past.size == 19 && past.first == 1 && past.last == 4);
    CU_ASSERT(past.stored == 1 && past.refused == 1 && past.unknown == 0 && past.offset == 15);
    for (int64_t n = 1; n <= 4; n++)
        CU_ASSERT_EQUAL(chunk_add(&c, n, "x", 1), 0);
    journal_apply(&past, &c);
    CU_ASSERT_EQUAL(c.lines[0].state, LINE_STORED);
    CU_ASSERT_EQUAL(c.lines[1].state, LINE_REFUSED);
    CU_ASSERT_EQUAL(c.lines[2].state, LINE_OPEN); /* the blank line: it was never sent */
    CU_ASSERT_EQUAL(c.lines[3].state, LINE_SENT);
    CU_ASSERT_EQUAL(journal_end(j, &why), 0);
    journal_past_fini(&past);
    journal_close(j);
    look(false);
    CU_ASSERT(past.ended);
    journal_past_fini(&past);
    chunk_fini(&c);
}

static void a_torn_record_is_dropped(void)
{
    struct journal *j;
    char *text;

    write_file(path,
               "wf-batch 1 19\nc 1 2 8 "
               "c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8\ns 1-2\nS 1");
    j = look(true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(j);
    CU_ASSERT(past.stored == 0 && past.last == 2);
    CU_ASSERT_EQUAL(journal_end(j, &why), 0);
    journal_close(j);
    journal_past_fini(&past);
    text = file_text(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\ns 1-2\nend\n"));
    free(text);
}

static void other_files_are_refused(void)
{
    static const char head[] = "wf-batch 1 19\n";
    static const char *const records[] = {
        "x\n",
        "S 1\n",
        "c 1 2 8 abc\n",
        "c 2 1 8\n",
        "end\nend\n",
        "S\n",
        "\n",
        "wf-batch 1 19\n",
        "c 1 2 8 c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8\nS 3\n",
        "c 1 2 8 c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8\nS 1;2\n"};
    char text[256];

    write_file(path, "{\"type\":\"a\"}\n"); /* a file of jobs by mistake */
    CU_ASSERT_PTR_NULL(look(false));
    CU_ASSERT(past.any == false);
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        snprintf(text, sizeof text, "%s%s", head, records[i]);
        write_file(path, text);
        CU_ASSERT_PTR_NULL(journal_open(path, &past, &why));
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "not understood"));
    }
}

static const struct suite_test tests[] = {
    {"numbers become spans", spans_are_short},
    {"spans are read back, and nothing else is", spans_are_read_back},
    {"lines are read with numbers, offset and hash", lines_are_read},
    {"a line without an end is refused", endless_lines_are_refused},
    {"what was written is read, states of single lines included", what_was_written_is_read},
    {"a record that was torn off is dropped", a_torn_record_is_dropped},
    {"what is no journal is refused and left alone", other_files_are_refused},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "journal", tests, SUITE_COUNT(tests), setup, teardown);
}
