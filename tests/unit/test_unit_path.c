/* SPDX-License-Identifier: MIT
 *
 * test_unit_path.c: paths in units, by systemd's rules for each place.
 */
#include "core/format/unit-path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *path, enum unit_place place, const char *want)
{
        AUTO_BUF b = BUF_INIT;

        assert_true(unit_can_name(path));
        unit_add_path(&b, path, place);
        assert_string_equal(buf_str(&b), want);
}

static void test_plain_paths_stay(void **state)
{
        (void)state;
        expect("/usr/sbin/sshd-vsock", UNIT_SETTING, "/usr/sbin/sshd-vsock");
        expect("/usr/sbin/sshd-vsock", UNIT_COMMAND, "/usr/sbin/sshd-vsock");
        expect("/opt/ö/$HOME/{a}", UNIT_COMMAND, "/opt/ö/$HOME/{a}");
}

static void test_what_means_something_is_escaped(void **state)
{
        (void)state;
        expect("/a/%n%%", UNIT_SETTING, "/a/%%n%%%%");
        expect("/a/%n", UNIT_COMMAND, "/a/%%n");
        expect("/a b/c", UNIT_SETTING, "/a b/c");
        expect("/a b/c", UNIT_COMMAND, "\"/a b/c\"");
        expect("/a;b", UNIT_COMMAND, "\"/a;b\"");
}

static void test_what_would_break_the_line_is_no_path(void **state)
{
        static const char *const bad[] = { "",
                                           "a",
                                           "/a\nExecStart=/b",
                                           "/a\r",
                                           "/a\tb",
                                           "/a ",
                                           "/a\\b",
                                           "/a\"",
                                           "/a*",
                                           "/a\'",
                                           "/\x1b[2J",
                                           "/\xff",
                                           "/\xc2\x85",
                                           "/\xe2\x80\xae" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(unit_can_name(bad[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain_paths_stay),
                cmocka_unit_test(test_what_means_something_is_escaped),
                cmocka_unit_test(test_what_would_break_the_line_is_no_path),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
