/* SPDX-License-Identifier: MIT
 *
 * test_printable.c: what may be shown, and what is written out instead.
 */
#include "core/util/printable.h"

#include "core/util/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, size_t len, const char *line, const char *lines)
{
        AUTO_BUF one = BUF_INIT, many = BUF_INIT;

        printable_line(&one, text, len);
        printable_text(&many, text, len);
        assert_string_equal(buf_str(&one), line);
        assert_string_equal(buf_str(&many), lines);
}

#define EXPECT(text, line, lines) expect(text, sizeof(text) - 1, line, lines)

static void test_what_people_read_stays(void **state)
{
        (void)state;
        EXPECT("", "", "");
        EXPECT("/home/jörg\t→ ✓ 日本 \\x1b", "/home/jörg\t→ ✓ 日本 \\x1b",
               "/home/jörg\t→ ✓ 日本 \\x1b");
}

static void test_what_disturbs_is_written_out(void **state)
{
        (void)state;
        EXPECT("a\x1b]0;x\a", "a\\x1b]0;x\\x07", "a\\x1b]0;x\\x07");
        EXPECT("a\nb\rc\vd\0e\x7f", "a\\x0ab\\x0dc\\x0bd\\x00e\\x7f",
               "a\nb\\x0dc\\x0bd\\x00e\\x7f");
        EXPECT("\xc2\x85\xc2\x9b[2J", "\\xc2\\x85\\xc2\\x9b[2J", "\\xc2\\x85\\xc2\\x9b[2J");
        EXPECT("\xe2\x80\xae", "\\xe2\\x80\\xae", "\\xe2\\x80\\xae");
        EXPECT("\xe2\x81\xa6\xef\xbb\xbf", "\\xe2\\x81\\xa6\\xef\\xbb\\xbf",
               "\\xe2\\x81\\xa6\\xef\\xbb\\xbf");
        EXPECT("\xff\xc3(\xed\xa0\x80\xe2\x82", "\\xff\\xc3(\\xed\\xa0\\x80\\xe2\\x82",
               "\\xff\\xc3(\\xed\\xa0\\x80\\xe2\\x82");
}

/* Whatever goes in: what comes out is valid, safe, and one line. */
static void test_any_two_bytes(void **state)
{
        (void)state;
        for (unsigned n = 0; n < 0x10000; n++) {
                const char text[] = { (char)(n >> 8), (char)n };
                AUTO_BUF out = BUF_INIT;

                printable_line(&out, text, 2);
                for (size_t i = 0, k; i < out.len; i += k) {
                        uint32_t c = 0;

                        k = utf8_decode(out.data + i, out.len - i, &c);
                        assert_true(k > 0 && (c == '\t' || !utf8_is_unsafe(c)));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_people_read_stays),
                cmocka_unit_test(test_what_disturbs_is_written_out),
                cmocka_unit_test(test_any_two_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
