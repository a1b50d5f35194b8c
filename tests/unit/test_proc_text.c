/* SPDX-License-Identifier: MIT
 *
 * test_proc_text.c: titles and cgroups as OpenSSH 8.0 to 10.6 and systemd 240 to 262 make them.
 */
#include "core/format/proc-text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SSHD "/usr/sbin/sshd"

static void test_listeners(void **state)
{
        static const struct {
                const char *exe, *title;
                bool want;
        } table[] = {
                { SSHD, "/usr/sbin/sshd", true }, /* 8.0, and any while it starts */
                { SSHD, "sshd", true },
                { SSHD, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", true },
                { SSHD, "sshd: /usr/sbin/sshd", true }, /* no room for more */
                { SSHD, "sshd: sshd -r -p 2222 [listener] 1 of 10-100 startups", true },
                { SSHD " (deleted)", "sshd: /usr/sbin/sshd -D [listener] 0 of 1-2 startups", true },
                { "/opt/ssh/sbin/sshd", "/opt/ssh/sbin/sshd", true },
                { SSHD, "mysshd: /usr/bin/mysshd -D [listener] 0 of 10-100 startups", true },
                { SSHD, "sshd: ana@pts/0", false },
                { SSHD, "sshd: ana@notty", false },
                { SSHD, "sshd: ana [priv]", false },
                { SSHD, "sshd: [accepted]", false },
                { SSHD, "sshd: unknown [net]", false },
                { SSHD, "mysshd: ana@notty", false },
                { "/usr/lib/openssh/sshd-session", "sshd-session: ana@notty", false },
                { "/usr/lib/openssh/sshd-session", "sshd-session: ana [listener]", false },
                { "/usr/sbin/sshd-vsock", "/usr/sbin/sshd-vsock", false },
                { "/usr/sbin/dropbear", "/usr/sbin/dropbear", false },
                { "/usr/bin/sshdx (deleted)", "sshd", false },
                { "", "", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (process_is_sshd_listener(table[i].exe, table[i].title) != table[i].want)
                        fail_msg("%s, %s", table[i].exe, table[i].title);
        assert_true(program_is_sshd("sshd"));
        assert_false(program_is_sshd("/usr/bin/sh"));
}

static void test_units(void **state)
{
        static const struct {
                const char *cgroup, *want;
        } table[] = {
                { "0::/system.slice/my-sshd.service\n", "my-sshd.service" },
                { "0::/system.slice/system-sshd\\x2dalt.slice/sshd-alt@2222.service\n",
                  "sshd-alt@2222.service" },
                { "0::/system.slice/a.service/b.service\n", "a.service" },
                { "0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope" },
                { "0::/user.slice/user-0.slice/user@0.service/app.slice/x.service\n",
                  "user@0.service" },
                { "0::/my-sshd.service", "my-sshd.service" },
                { "0::/system.slice/_cgroup.service\n", "cgroup.service" },
                { "12:pids:/x.service\n1:name=systemd:/system.slice/ssh.service\n0::/y.service\n",
                  "ssh.service" },
                { "2:pids:/x.service\n0::/system.slice/ssh.service\n", "ssh.service" },
                { "4:pids:/docker/x.service\n", "" },
                { "0::/\n", "" },
                { "0::/system.slice\n", "" },
                { "0::/system.slice/\n", "" },
                { "0::/system.slice/.service\n", "" },
                { "0::/system.slice/x.mount\n", "" },
                { "0::/system.slice/_\n", "" },
                { "0::/../../x\n", "" },
                { "0::/system.slice/x\033[31m.service\n", "" },
                { "0::/system.slice/a b.service\n", "" },
                { "0::/system.slice/a;reboot.service\n", "" },
                { "", "" },
        };
        char unit[64];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                process_unit(table[i].cgroup, unit, sizeof(unit));
                assert_string_equal(unit, table[i].want);
        }
}

/* A name that does not fit would be another unit's name if it were cut. */
static void test_long_unit(void **state)
{
        char cgroup[600], unit[64];

        (void)state;
        (void)snprintf(cgroup, sizeof(cgroup), "0::/system.slice/%055d.service\n", 0);
        process_unit(cgroup, unit, sizeof(unit));
        assert_int_equal(strlen(unit), 63);
        (void)snprintf(cgroup, sizeof(cgroup), "0::/system.slice/%056d.service\n", 0);
        process_unit(cgroup, unit, sizeof(unit));
        assert_string_equal(unit, "");
}

static void test_root(void **state)
{
        static const char head[] = "Name:\tsshd\nUmask:\t0022\nState:\tS (sleeping)\nUid:\t";
        static const struct {
                const char *ids;
                bool want;
        } table[] = {
                { "0\t0\t0\t0\nGid:\t0\t0\t0\t0\n", true },
                { "0\t1000\t0\t1000\n", false }, /* a session that looks into a home */
                { "1000\t0\t0\t0\n", false },    /* somebody's who runs it set-uid */
                { "1000\t1000\t1000\t1000\n", false },
                { "65534\t65534\t65534\t65534\n", false },
                { "", false },
                { "0", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char status[256];

                (void)snprintf(status, sizeof(status), "%s%s", head, table[i].ids);
                if (process_is_root(status) != table[i].want)
                        fail_msg("%s", table[i].ids);
        }
        assert_false(process_is_root(""));
        assert_false(process_is_root("Name:\tUid:\t0\t0\t0\t0\n")); /* the name is anybody's */
        assert_false(process_is_root("Name:\tx\\nUid:\t0\t0\t0\t0\nUid:\t7\t7\t7\t7\n"));
}

static void test_options(void **state)
{
        static const struct {
                const char *title, *want;
        } table[] = {
                { "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "" },
                { "sshd: /usr/sbin/sshd -D -f /etc/ssh/other [listener] 0 of 10-100 startups",
                  "-f /etc/ssh/other" },
                { "sshd: /opt/my-fork/sshd -D -f/x -oListenAddress=0.0.0.0 -p 2222 [listener]",
                  "-f/x, -oListenAddress=0.0.0.0" },
                { "/usr/sbin/sshd -D -o listenaddress=::1 -o LogLevel=INFO",
                  "-o listenaddress=::1" },
                { "sshd: /usr/sbin/sshd -Df /etc/ssh/other [listener] 0 of 10-100 startups",
                  "-f /etc/ssh/other" },
                { "sshd: /usr/sbin/sshd -Def/x -4do ListenAddress=::1 -u0 [listener]",
                  "-f/x, -o ListenAddress=::1" },
                { "sshd: /usr/sbin/sshd -o ListenAddress ::1 -4 [listener]",
                  "-o ListenAddress ::1" },
                { "sshd: /usr/sbin/sshd -h /k -f -p 4 -b/f -E -f /x", "-f -p" },
                { "sshd: /usr/sbin/sshd -D -f", "" },
                { "sshd -o", "" },
                { "", "" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO_BUF out = BUF_INIT;

                process_listen_options(table[i].title, &out);
                assert_string_equal(buf_str(&out), table[i].want);
        }
}

/* Where the words stand that are to be taken out. */
static void test_passes(void **state)
{
        static const struct {
                const char *text;
                bool passes;
        } table[] = {
                { "SSHD_OPTS=\"-f /x\"\n", true },
                { "SSHD_OPTS='-4 -f /x'", true },
                { "SSHD_OPTS=-f /x -4\r\n", true },
                { "[Service]\nExecStart=/usr/sbin/sshd -D -f /x\n", true },
                { "#SSHD_OPTS=\"-f /x\"\n", false },
                { " ; for example: -f /x\n", false },
                { "# -f /x\nSSHD_OPTS=-f /x", true },
                { "SSHD_OPTS=-f /xy\n", false },
                { "SSHD_OPTS=-Df /x\n", false },
                { "SSHD_OPTS=--f /x\n", false },
                { "", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (text_passes(table[i].text, "-f /x") != table[i].passes)
                        fail_msg("%s", table[i].text);
}

static void test_passes_in_time(void **state)
{
        AUTO_BUF text = BUF_INIT;

        (void)state;
        for (unsigned i = 0; i < 400000; i++)
                buf_adds(&text, "A=some-words\n");
        alarm(10);
        assert_false(text_passes(buf_str(&text), "-f /x"));
        alarm(0);
}

/* Started by the words of its unit, beside what those of the environment are: "-4" and so on. */
static void test_plain_listener(void **state)
{
        static const struct {
                const char *title, *options[4];
                bool plain;
        } table[] = {
                { "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100", { NULL }, true },
                { "sshd: /usr/sbin/sshd -D -e [listener] 0 of 10", { NULL }, true },
                { "sshd: /usr/sbin/sshd -D -f /x [listener] 0 of", { NULL }, false },
                { "sshd: /usr/sbin/sshd -D -o ListenAddress=::", { NULL }, false },
                { "sshd: ana@pts/0", { NULL }, false },
                { "sshd: /usr/sbin/sshd -D -4 -u0 [listener] 0 of", { "-4", "-u0" }, true },
                { "sshd: /usr/sbin/sshd -D -4 -e [listener] 0 of", { "-q", "-4" }, true },
                { "sshd: /usr/sbin/sshd -D -o X [y [listener] 0 of", { "-o", "X [y" }, true },
                { "sshd: /usr/sbin/sshd -D -f /x [listener] 0 of", { "-f", "/x" }, true },
                /* it was started before the options were there, and has to be restarted */
                { "sshd: /usr/sbin/sshd -D [listener] 0 of", { "-4" }, true },
                { "sshd: /usr/sbin/sshd -D -6 [listener] 0 of", { "-4" }, false },
                { "sshd: /usr/sbin/sshd -D -4 [listener] 0 of", { "-4", "-u0" }, false },
                { "sshd: /usr/sbin/sshd -D -4 -u0 [listener] 0 of", { "-4" }, false },
                { "sshd: /usr/sbin/sshd -D -4 -u0 [listener] 0 of", { NULL }, false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(argv_free) struct argv options = { 0 };

                for (size_t k = 0; table[i].options[k]; k++)
                        assert_int_equal(argv_adds(&options, table[i].options[k]), 0);
                if (process_is_plain_listener(table[i].title, &options) != table[i].plain)
                        fail_msg("%s", table[i].title);
        }
}

static void test_routes(void **state)
{
#define ANY "00000000000000000000000000000000"
        static const char v4[] =
                "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n"
                "vsock0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0   \n"
                "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0   \n"
                "half\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
                "*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0\n";
        static const char v6[] =
                "fd000000000000000000000000000000 40 " ANY " 00 " ANY " 00000100 00000001 00000000 "
                "00000001     eth1\n" ANY " 00 " ANY
                " 00 fd000000000000000000000000000001 00000400 "
                "00000003 00000000 00450003     br-ex\n" ANY " 00 " ANY " 00 " ANY
                " ffffffff 00000001 00000000 00200200       lo\n";
#undef ANY

        (void)state;
        assert_true(routes_lead_out(v4, v6, "vsock0", 6));
        assert_true(routes_lead_out(v4, v6, "br-ex:1", 5));
        assert_false(routes_lead_out(v4, v6, "vsock", 5));
        assert_false(routes_lead_out(v4, v6, "docker0", 7));
        assert_false(routes_lead_out(v4, v6, "half", 4));
        assert_false(routes_lead_out(v4, v6, "*", 1));
        assert_false(routes_lead_out(v4, v6, "eth1", 4));
        assert_false(routes_lead_out(v4, v6, "lo", 2));
        assert_false(routes_lead_out("", "", "", 0));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_listeners), cmocka_unit_test(test_units),
                cmocka_unit_test(test_long_unit), cmocka_unit_test(test_root),
                cmocka_unit_test(test_options),   cmocka_unit_test(test_plain_listener),
                cmocka_unit_test(test_passes),    cmocka_unit_test(test_passes_in_time),
                cmocka_unit_test(test_routes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
