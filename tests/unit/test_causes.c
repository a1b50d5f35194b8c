/* SPDX-License-Identifier: MIT
 *
 * test_causes.c: the table is whole, and lines that sshd and systemd really write find their row.
 */
#include "core/plan/causes.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Both stand in the middle of a message of one line. */
static void expect_words(const char *text)
{
        size_t n = strlen(text);

        assert_true(n > 0);
        assert_int_not_equal(text[n - 1], '.');
        assert_int_not_equal(text[n - 1], ' ');
        assert_null(strchr(text, '\n'));
}

static void test_rows(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_CAUSES; i++) {
                assert_non_null(causes[i].id);
                assert_non_null(causes[i].what);
                assert_non_null(causes[i].fix);
                expect_words(causes[i].what);
                if (i != CAUSE_NONE)
                        expect_words(causes[i].fix);
        }
}

static void test_ids(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_CAUSES; i++) {
                assert_true(causes[i].id[0] != '\0');
                for (const char *c = causes[i].id; *c; c++)
                        assert_true(islower((unsigned char)*c) || *c == '-');
                for (size_t k = 0; k < i; k++) {
                        assert_string_not_equal(causes[i].id, causes[k].id);
                        assert_string_not_equal(causes[i].what, causes[k].what);
                }
        }
}

static void test_journal(void **state)
{
        static const struct {
                const char *line;
                enum cause want;
        } table[] = {
                { "sshd: no hostkeys available -- exiting.", CAUSE_NO_HOST_KEYS },
                { "Missing privilege separation directory: /run/sshd", CAUSE_NO_PRIVSEP },
                { "fatal: /run/sshd must be owned by root and not group or world-writable.",
                  CAUSE_NO_PRIVSEP },
                { "/etc/ssh/sshd_config: line 3: Bad configuration option: Foo",
                  CAUSE_BAD_SSHD_CONFIG },
                { "/etc/ssh/sshd_config: terminating, 1 bad configuration options",
                  CAUSE_BAD_SSHD_CONFIG },
                { "/etc/ssh/sshd_config line 9: Directive 'ListenAddress' is not allowed within a "
                  "Match block",
                  CAUSE_BAD_SSHD_CONFIG },
                { "sshd-vsock.socket: Failed to create listening socket (vsock::22): Address "
                  "already in use",
                  CAUSE_PORT_TAKEN },
                { "sshd-vsock.socket: Failed with result 'trigger-limit-hit'.",
                  CAUSE_TRIGGER_LIMIT },
                { "fatal: Privilege separation user sshd does not exist", CAUSE_NO_PRIVSEP_USER },
                { "fatal: chroot(\"/run/sshd\"): No such file or directory [preauth]",
                  CAUSE_NO_PRIVSEP },
                { "fatal: chroot(\"/run/sshd\"): Operation not permitted [preauth]", CAUSE_NO_KEX },
                { "command-line line 0: Bad yes/no argument: x", CAUSE_BAD_SSHD_CONFIG },
                { "fatal: command-line line 0: missing argument", CAUSE_BAD_SSHD_CONFIG },
                { "/etc/ssh/sshd_config_readonly: No such file or directory",
                  CAUSE_BAD_SSHD_CONFIG },
                { "fatal: AuthorizedKeysCommand set without AuthorizedKeysCommandUser",
                  CAUSE_BAD_SSHD_CONFIG },
                { "fatal: bad addr or host: ::1 (Address family for hostname not supported)",
                  CAUSE_BAD_SSHD_CONFIG },
                { "/etc/ssh/sshd_config line 4: Deprecated option UsePrivilegeSeparation",
                  CAUSE_NONE },
                { "sshd: /etc/motd: No such file or directory", CAUSE_NONE },
                { "AVC avc:  denied  { read write } for  pid=1 comm=\"sshd-session\" "
                  "scontext=system_u:system_r:sshd_t:s0 tclass=vsock_socket permissive=0",
                  CAUSE_SELINUX },
                { "", CAUSE_NONE },
                { "Listening on sshd-vsock.socket - SSH on AF_VSOCK.", CAUSE_NONE },
                { "Accepted publickey for root from UNKNOWN port 65535 ssh2", CAUSE_NONE },
                { "Connection closed by UNKNOWN port 65535 [preauth]", CAUSE_NONE },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (cause_from_journal(table[i].line) != table[i].want)
                        fail_msg("%s: %s", table[i].line,
                                 causes[cause_from_journal(table[i].line)].id);
}

struct row {
        const char *line;
        enum cause want;
};

static void check_kernel(const struct row *table, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (cause_from_kernel(table[i].line) != table[i].want)
                        fail_msg("%s: %s", table[i].line,
                                 causes[cause_from_kernel(table[i].line)].id);
}

/* What a security module denies, as the kernel and auditd write it down. */
static void test_denial(void **state)
{
#define AVC(what, who) "AVC avc:  denied  { " what " } for  pid=7 comm=\"" who "\" "
#define FROM           "scontext=system_u:system_r:sshd_t:s0 tcontext=system_u:object_r:"
        static const struct row table[] = {
                { AVC("read", "sshd") "name=\"sshd_config\" dev=\"vda\" ino=9 " FROM
                                      "unlabeled_t:s0 tclass=file permissive=0",
                  CAUSE_SELINUX_FILE },
                { AVC("search", "sshd-session") "name=\"pam.d\" " FROM "tmp_t:s0 tclass=dir "
                                                "permissive=0",
                  CAUSE_SELINUX_FILE },
                { AVC("read", "sshd") "name=\"ssh_host_rsa_key\" " FROM
                                      "tmp_t:s0 tclass=file permissive=0",
                  CAUSE_SELINUX_KEYS },
                { AVC("open", "sshd") "path=\"/root/.ssh/keys\" " FROM
                                      "tmp_t:s0 tclass=file permissive=0",
                  CAUSE_SELINUX_KEYS },
                { AVC("read", "sshd") "name=\"authorized_keys\" " FROM
                                      "etc_t:s0 tclass=file permissive=0",
                  CAUSE_SELINUX_KEYS },
                { AVC("setcap", "sshd") FROM "sshd_t:s0 tclass=process permissive=0",
                  CAUSE_SELINUX_RULE },
                { AVC("read", "sshd") "name=\"sshd_config\" " FROM
                                      "unlabeled_t:s0 tclass=file permissive=1",
                  CAUSE_NONE },
                { AVC("read", "cupsd") "name=\"ssh_host_rsa_key\" " FROM
                                       "tmp_t:s0 tclass=file permissive=0",
                  CAUSE_NONE },
                { AVC("read", "sshd-vsock") "name=\"sshd_config\" " FROM
                                            "tmp_t:s0 tclass=file permissive=0",
                  CAUSE_NONE },
                { "AVC apparmor=\"DENIED\" operation=\"file_inherit\" profile=\"sshd\" pid=7 "
                  "comm=\"sshd\" family=\"vsock\" sock_type=\"stream\" protocol=0",
                  CAUSE_APPARMOR },
                { "audit: type=1400 audit(1.2:3): apparmor=\"DENIED\" operation=\"open\" "
                  "profile=\"sshd\" name=\"/etc/ssh/sshd_config\" comm=\"sshd\"",
                  CAUSE_APPARMOR },
                { "AVC apparmor=\"DENIED\" operation=\"open\" profile=\"cupsd\" comm=\"cupsd\"",
                  CAUSE_NONE },
                { "AVC apparmor=\"ALLOWED\" operation=\"open\" profile=\"sshd\" comm=\"sshd\"",
                  CAUSE_NONE },
                { "audit: avc:  denied  { read } for  pid=1 comm=\"notsshd\" tclass=tcp_socket",
                  CAUSE_NONE },
                { "audit: avc:  denied  { read } for  pid=1 comm=\"systemd\" "
                  "scontext=system_u:system_r:init_t:s0 tclass=vsock_socket",
                  CAUSE_SELINUX },
                { "audit: avc:  granted  { read } for  pid=1 comm=\"sshd\" tclass=vsock_socket",
                  CAUSE_NONE },
                { "vsock_socket: a new one", CAUSE_NONE },
        };

        (void)state;
        check_kernel(table, ELEMENTSOF(table));
}

/* Who calls himself sshd, and what he calls his files: the label is the kernel's word. */
static void test_denial_of_others(void **state)
{
        static const struct row table[] = {
                { AVC("read", "sshd") "name=\"authorized_keys\" scontext=user_u:user_r:user_t:s0 "
                                      "tcontext=system_u:object_r:sshd_key_t:s0 tclass=file "
                                      "permissive=0",
                  CAUSE_NONE },
                { AVC("create", "sshd") "scontext=user_u:user_r:user_t:s0 "
                                        "tcontext=u:r:sshd_t:s0 tclass=vsock_socket permissive=0",
                  CAUSE_NONE },
                { AVC("read", "sshd") "name=\"scontext=system_u:system_r:sshd_t:s0\" "
                                      "scontext=user_u:user_r:user_t:s0 tclass=file permissive=0",
                  CAUSE_NONE },
                { AVC("read", "sshd") "tclass=file permissive=0", CAUSE_NONE },
                { "AVC apparmor=\"DENIED\" operation=\"open\" profile=\"firefox\" comm=\"sshd\"",
                  CAUSE_NONE },
                { "AVC apparmor=\"DENIED\" operation=\"create\" profile=\"/usr/bin/man//sshd\" "
                  "comm=\"sshd\" family=\"vsock\"",
                  CAUSE_NONE },
                { "AVC apparmor=\"DENIED\" operation=\"create\" "
                  "profile=\"/usr/lib/openssh/sshd-session\" comm=\"x\" family=\"vsock\"",
                  CAUSE_APPARMOR },
                { "AVC apparmor=\"DENIED\" operation=\"open\" profile=\"/usr/sbin/sshd//PRIVSEP\" "
                  "comm=\"sshd\"",
                  CAUSE_APPARMOR },
        };

        (void)state;
        check_kernel(table, ELEMENTSOF(table));
}

/* The last line of a fault is not always the one that says where it is. */
static void test_place(void **state)
{
        static const char terminating[] =
                "fatal: /etc/ssh/sshd_config: terminating, 1 bad configuration options";

        (void)state;
        assert_false(cause_names_place(CAUSE_BAD_SSHD_CONFIG, terminating));
        assert_true(cause_names_place(CAUSE_BAD_SSHD_CONFIG,
                                      "error: /etc/ssh/sshd_config: line 3: Bad configuration "
                                      "option: Foo"));
        assert_false(
                cause_names_place(CAUSE_NO_HOST_KEYS, "sshd: no hostkeys available -- exiting."));
        assert_false(
                cause_names_place(CAUSE_NO_HOST_KEYS, "error: This private key will be ignored."));
        assert_true(cause_names_place(CAUSE_NO_HOST_KEYS,
                                      "error: Unable to load host key: /run/ssh/key"));
}

/* sshd's last words, its complaints, systemd's, then what sshd says all day. */
static void test_weight(void **state)
{
        (void)state;
        assert_true(cause_weight("fatal: x", 2, false) > cause_weight("error: x", 3, false));
        assert_true(cause_weight("error: x", 3, false) > cause_weight("x: Failed", 4, true));
        assert_true(cause_weight("x: Failed", 4, true) >
                    cause_weight("Connection closed", 6, false));
        assert_true(cause_weight("Connection closed", 6, false) >
                    cause_weight("sshd-vsock@1.service: Deactivated successfully.", 6, true));
        assert_int_equal(cause_weight("Started sshd-vsock@1.service", 6, true), 0);
}

/* Whole paths, as many as there is room for. */
static void test_files(void **state)
{
        AUTO(argv_free) struct argv files = { 0 };
        AUTO_BUF out = BUF_INIT;

        (void)state;
        assert_int_equal(argv_adds(&files, "/etc/a.conf"), 0);
        assert_int_equal(argv_adds(&files, "/etc/b.conf"), 0);
        cause_files(&files, 200, &out);
        assert_string_equal(buf_str(&out), "/etc/a.conf, /etc/b.conf");
        buf_free(&out);
        cause_files(&files, 23, &out);
        assert_string_equal(buf_str(&out), "/etc/a.conf and 1 more");
        buf_free(&out);
        cause_files(&files, 5, &out);
        assert_string_equal(buf_str(&out), "2 drop-ins");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),   cmocka_unit_test(test_files),
                cmocka_unit_test(test_ids),    cmocka_unit_test(test_journal),
                cmocka_unit_test(test_place),  cmocka_unit_test(test_weight),
                cmocka_unit_test(test_denial), cmocka_unit_test(test_denial_of_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
