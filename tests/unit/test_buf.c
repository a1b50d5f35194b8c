/* SPDX-License-Identifier: MIT
 *
 * test_buf.c: appending, handing over, and the sticky error.
 */
#include "core/util/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_empty(void **state)
{
        AUTO_BUF b = BUF_INIT;

        (void)state;
        assert_string_equal(buf_str(&b), "");
        buf_add(&b, NULL, 0);
        assert_int_equal(b.len, 0);
        assert_int_equal(b.error, 0);
}

static void test_append(void **state)
{
        AUTO_BUF b = BUF_INIT;

        (void)state;
        buf_adds(&b, "one ");
        buf_addf(&b, "%d %s ", 2, "three");
        buf_add(&b, "4\0005", 3);
        assert_int_equal(b.len, 15);
        assert_memory_equal(b.data, "one 2 three 4\0005", 16);
}

static void test_quoted(void **state)
{
        AUTO_BUF b = BUF_INIT;

        (void)state;
        buf_add_quoted(&b, "");
        buf_add_quoted(&b, "a $b");
        buf_add_quoted(&b, "it's");
        assert_string_equal(buf_str(&b), "'''a $b''it'\\''s'");
}

/* Every length around the sizes at which it grows: the NUL must have its room. */
static void test_growth(void **state)
{
        (void)state;
        for (size_t n = 0; n < 1100; n++) {
                AUTO_BUF b = BUF_INIT;

                for (size_t i = 0; i < n; i++)
                        buf_addf(&b, "%c", 'a');
                assert_int_equal(b.len, n);
                assert_int_equal(strlen(buf_str(&b)), n);
        }
}

static void test_take(void **state)
{
        AUTO_BUF b = BUF_INIT;
        AUTO_FREE char *text = NULL, *nothing = NULL;
        size_t len = 99;

        (void)state;
        buf_adds(&b, "text");
        assert_int_equal(buf_take(&b, &text, &len), 0);
        assert_string_equal(text, "text");
        assert_int_equal(len, 4);
        assert_int_equal(b.len, 0);

        assert_int_equal(buf_take(&b, &nothing, NULL), 0);
        assert_string_equal(nothing, "");
}

/* A length that overflows is an error for good, and what was there stays readable. */
static void test_error_is_sticky(void **state)
{
        AUTO_BUF b = BUF_INIT;
        char *text = NULL;

        (void)state;
        buf_adds(&b, "kept");
        buf_add(&b, "x", SIZE_MAX);
        assert_int_equal(b.error, -ENOMEM);
        buf_adds(&b, "more");
        buf_addf(&b, "%d", 1);
        assert_string_equal(buf_str(&b), "kept");
        assert_int_equal(buf_take(&b, &text, NULL), -ENOMEM);
        assert_null(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),           cmocka_unit_test(test_append),
                cmocka_unit_test(test_growth),          cmocka_unit_test(test_take),
                cmocka_unit_test(test_error_is_sticky), cmocka_unit_test(test_quoted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
