/* SPDX-License-Identifier: MIT
 *
 * test_json.c: commas, nesting, escapes, and what is no UTF-8.
 */
#include "core/util/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct json *j, const char *want)
{
        assert_int_equal(j->out.error, 0);
        assert_string_equal(buf_str(&j->out), want);
        buf_free(&j->out);
        j->more = false;
}

static void expect_text(const char *value, const char *want)
{
        struct json j = { .more = false };

        json_string(&j, NULL, value);
        expect(&j, want);
}

static void test_escapes(void **state)
{
        (void)state;
        expect_text("", "\"\"");
        expect_text("a \"b\" \\ /", "\"a \\\"b\\\" \\\\ /\"");
        expect_text("\n\t\r\b\f\x1b\x01\x1f\x7f",
                    "\"\\n\\u0009\\u000d\\u0008\\u000c\\u001b\\u0001\\u001f\\u007f\"");
        expect_text("é € 😀", "\"é € 😀\"");
        expect_text(NULL, "null");
}

/* Overlong forms, surrogates, what lies beyond Unicode, cut sequences, stray bytes. */
static void test_not_utf8(void **state)
{
        (void)state;
        expect_text("a\xff"
                    "b",
                    "\"a\\ufffdb\"");
        expect_text("\xc0\xaf", "\"\\ufffd\\ufffd\"");
        expect_text("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
        expect_text("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
        expect_text("\xe2\x82", "\"\\ufffd\\ufffd\"");
        expect_text("\x80z", "\"\\ufffdz\"");
}

static void test_bytes(void **state)
{
        struct json j = { .more = false };

        (void)state;
        json_bytes(&j, NULL, "a\0b\xe2\x82\xac", 5); /* cut inside of the last character */
        expect(&j, "\"a\\u0000b\\ufffd\\ufffd\"");
        json_bytes(&j, NULL, "abc", 0);
        expect(&j, "\"\"");
}

static void test_nesting(void **state)
{
        struct json j = { .more = false };

        (void)state;
        json_open(&j, NULL, '{');
        json_open(&j, "empty", '{');
        json_close(&j, '}');
        json_open(&j, "list", '[');
        json_number(&j, NULL, 0);
        json_number(&j, NULL, UINT64_MAX);
        json_open(&j, NULL, '[');
        json_close(&j, ']');
        json_open(&j, NULL, '{');
        json_bool(&j, "yes", true);
        json_bool(&j, "no", false);
        json_close(&j, '}');
        json_close(&j, ']');
        json_null(&j, "n\"");
        json_string(&j, "none", NULL);
        json_string(&j, "s", "t");
        json_close(&j, '}');
        expect(&j, "{\"empty\":{},\"list\":[0,18446744073709551615,[],"
                   "{\"yes\":true,\"no\":false}],\"n\\\"\":null,\"none\":null,\"s\":\"t\"}");
}

/* Once out of memory, nothing is added, and it shows. */
static void test_error(void **state)
{
        struct json j = { .out.error = -ENOMEM };

        (void)state;
        json_open(&j, NULL, '{');
        json_string(&j, "a", "b");
        json_close(&j, '}');
        assert_int_equal(j.out.error, -ENOMEM);
        assert_int_equal(j.out.len, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escapes), cmocka_unit_test(test_not_utf8),
                cmocka_unit_test(test_bytes),   cmocka_unit_test(test_nesting),
                cmocka_unit_test(test_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
