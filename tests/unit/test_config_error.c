/* SPDX-License-Identifier: MIT
 *
 * test_config_error.c: what a fault looks like, whatever the line holds.
 */
#include "core/util/config-error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One fault in a text, rendered. */
static void expect(const char *text, size_t len, struct mark at, const char *want)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");

        d.text = text;
        d.text_len = len;
        assert_int_equal(config_error_add(&d, at, "bad %s", "thing"), -EBADMSG);
        assert_string_equal(buf_str(&d.out), want);
        assert_int_equal(d.n_errors, 1);
}

#define EXPECT(text, line, column, length, want)                                                   \
        expect(text, sizeof(text) - 1, (struct mark){ line, column, length }, want)

static void test_caret(void **state)
{
        (void)state;
        EXPECT("a: 1\nbc: 22\n", 2, 5, 2,
               "f:2:5: error: bad thing\n    2 | bc: 22\n      |     ^~\n");
        EXPECT("a", 1, 1, 1, "f:1:1: error: bad thing\n    1 | a\n      | ^\n");
}

static void test_whole_file(void **state)
{
        (void)state;
        EXPECT("a", 0, 0, 0, "f: error: bad thing\n");
        expect(NULL, 0, (struct mark){ 3, 4, 1 }, "f:3:4: error: bad thing\n");
}

/* Columns are code points; a tab is repeated, so that it is as wide below as above. */
static void test_alignment(void **state)
{
        (void)state;
        EXPECT("\xc3\xa9\xc3\xa9\tx y", 1, 4, 1,
               "f:1:4: error: bad thing\n    1 | \xc3\xa9\xc3\xa9\tx y\n      |   \t^\n");
        EXPECT("\xef\xbb\xbfx", 1, 1, 1, "f:1:1: error: bad thing\n    1 | x\n      | ^\n");
}

/* Never past the line, nor past the file. */
static void test_places_beyond(void **state)
{
        (void)state;
        EXPECT("ab\r\ncd", 1, 2, UINT32_MAX, "f:1:2: error: bad thing\n    1 | ab\n      |  ^\n");
        EXPECT("ab\n", 1, 99, 5, "f:1:99: error: bad thing\n    1 | ab\n      |   ^\n");
        EXPECT("ab\n", 9, 1, 1, "f:9:1: error: bad thing\n");
}

static void test_unsafe_line(void **state)
{
        (void)state;
        EXPECT("\x1b[1m\xff\xe2\x80\xae\xc2\x9b.\0.", 1, 8, 1,
               "f:1:8: error: bad thing\n    1 | ?[1m???.?.\n      |        ^\n");
}

static void test_unsafe_message(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("a\nb");
        char *long_word = malloc(5001);

        (void)state;
        assert_non_null(long_word);
        memset(long_word, 'w', 5000);
        long_word[5000] = '\0';
        (void)config_error_add(&d, (struct mark){ 0 }, "\x1b]0;%s", "\n\xe2\x80\xae");
        (void)config_error_add(&d, (struct mark){ 0 }, "%s", long_word);
        assert_memory_equal(buf_str(&d.out), "a?b: error: ?]0;??\n", 19);
        assert_true(d.out.len < 400);
        assert_string_equal(d.out.data + d.out.len - 5, "w...\n");
        free(long_word);
}

/* The place is always in what is shown, with its caret below. */
static void test_long_line(void **state)
{
        char line[1000], *shown, *caret;

        (void)state;
        memset(line, '.', sizeof(line));
        for (uint32_t column = 1; column <= sizeof(line); column++) {
                AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");

                line[column - 1] = 'X';
                d.text = line;
                d.text_len = sizeof(line);
                (void)config_error_add(&d, (struct mark){ 1, column, 900 }, "m");
                line[column - 1] = '.';
                shown = strchr(d.out.data, '\n') + 1;
                caret = strchr(shown, '\n') + 1;
                assert_true(caret - shown < 8 + 3 + 96 + 3 + 2);
                assert_true(strlen(caret) < 8 + 3 + 96 + 2);
                assert_int_equal(strchr(shown, 'X') - shown, strchr(caret, '^') - caret);
        }
}

/* In the order of the file, notes with their faults. */
static void test_order(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");

        (void)state;
        (void)config_error_add(&d, (struct mark){ 5, 2, 1 }, "five");
        config_error_note(&d, (struct mark){ 1, 1, 1 }, "note of five");
        (void)config_error_add(&d, (struct mark){ 2, 9, 1 }, "two");
        config_error_note(&d, (struct mark){ 9, 1, 1 }, "note of two");
        config_error_note(&d, (struct mark){ 8, 1, 1 }, "another");
        (void)config_error_add(&d, (struct mark){ 2, 9, 1 }, "two again");
        (void)config_error_add(&d, (struct mark){ 0 }, "all");
        (void)config_error_add(&d, (struct mark){ 5, 1, 1 }, "before five");
        assert_string_equal(d.out.data,
                            "f: error: all\n"
                            "f:2:9: error: two\nf:9:1: note: note of two\nf:8:1: note: another\n"
                            "f:2:9: error: two again\n"
                            "f:5:1: error: before five\n"
                            "f:5:2: error: five\nf:1:1: note: note of five\n");
        assert_int_equal(d.n_errors, 5);
}

static void test_many(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        unsigned lines = 0;

        (void)state;
        for (uint32_t i = 1; i <= 3 * CONFIG_ERROR_SHOWN_MAX; i++) {
                (void)config_error_add(&d, (struct mark){ 1000 - i, 1, 1 }, "fault");
                config_error_note(&d, (struct mark){ i, 1, 1 }, "note");
        }
        for (size_t i = 0; i < d.out.len; i++)
                lines += d.out.data[i] == '\n';
        assert_int_equal(lines, 2 * CONFIG_ERROR_SHOWN_MAX);
        assert_int_equal(d.n_errors, 3 * CONFIG_ERROR_SHOWN_MAX);
}

/* A note without a fault has nothing to belong to. */
static void test_note_alone(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");

        (void)state;
        config_error_note(&d, (struct mark){ 1, 1, 1 }, "note");
        assert_int_equal(d.out.len, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_caret),       cmocka_unit_test(test_whole_file),
                cmocka_unit_test(test_alignment),   cmocka_unit_test(test_places_beyond),
                cmocka_unit_test(test_unsafe_line), cmocka_unit_test(test_unsafe_message),
                cmocka_unit_test(test_long_line),   cmocka_unit_test(test_order),
                cmocka_unit_test(test_many),        cmocka_unit_test(test_note_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
