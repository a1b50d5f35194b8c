/* SPDX-License-Identifier: MIT
 *
 * test_nsswitch.c: the hosts lines that systems have, and those that send a login to DNS.
 */
#include "core/format/nsswitch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_lines(void **state)
{
        static const struct {
                const char *text;
                enum nsswitch_hosts want;
        } table[] = {
                { "", NSSWITCH_SILENT },
                { "passwd: files\n#hosts: dns\n", NSSWITCH_SILENT },
                { "hosts", NSSWITCH_SILENT },
                { "hostsfile: dns\n", NSSWITCH_SILENT },
                { "hosts: files dns\n", NSSWITCH_FILES }, /* Debian */
                { "hosts:          files mdns4_minimal [NOTFOUND=return] dns\n", NSSWITCH_FILES },
                { "hosts: files myhostname resolve [!UNAVAIL=return] dns", NSSWITCH_FILES },
                { "hosts: mymachines resolve [!UNAVAIL=return] files dns\n", NSSWITCH_FILES },
                { "hosts: resolve [!UNAVAIL=return] dns\n", NSSWITCH_FILES },
                { " hosts :\tfiles\n", NSSWITCH_FILES },
                { "hosts: db [SUCCESS=return files] files\n", NSSWITCH_FILES },
                { "hosts: dns\n", NSSWITCH_OTHERS },
                { "hosts: dns files\n", NSSWITCH_OTHERS },
                { "hosts: dns [!UNAVAIL=return] files\n", NSSWITCH_OTHERS },
                { "hosts: dns[NOTFOUND=return]files\n", NSSWITCH_OTHERS },
                { "hosts: nis\n", NSSWITCH_OTHERS },
                { "hosts:\n", NSSWITCH_OTHERS },
                { "hosts: # files\n", NSSWITCH_OTHERS },
                { "hosts: nis [files", NSSWITCH_OTHERS },
                { "hosts: files\nhosts: dns\n", NSSWITCH_OTHERS },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (nsswitch_hosts(table[i].text, strlen(table[i].text)) != table[i].want)
                        fail_msg("%s", table[i].text);
        assert_int_equal(nsswitch_hosts(NULL, 0), NSSWITCH_SILENT);
}

static void test_default(void **state)
{
        (void)state;
        assert_int_equal(nsswitch_default("2.31"), NSSWITCH_OTHERS);
        assert_int_equal(nsswitch_default("2.34"), NSSWITCH_OTHERS);
        assert_int_equal(nsswitch_default("2.35"), NSSWITCH_FILES);
        assert_int_equal(nsswitch_default("2.41.9000"), NSSWITCH_FILES);
        assert_int_equal(nsswitch_default("3"), NSSWITCH_FILES);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_default),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
