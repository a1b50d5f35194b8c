/* SPDX-License-Identifier: MIT
 *
 * test_renderkeys.c: the unit that makes the host keys which HostKey names.
 */
#include "core/plan/render.h"
#include "sample.h"

#define MARKER FILE_MARKER " Changes are lost at the next \"sshd-vsock apply\".\n"

static void expect(struct buf *b, const char *want)
{
        assert_int_equal(b->error, 0);
        assert_string_equal(buf_str(b), want);
        buf_free(b);
}

/* HostKey names other files: those are looked at, and made one by one. */
static void test_keygen_elsewhere(void **state)
{
        static const char *const keys[] = { "/run/ssh/ssh_host_rsa_key", "/a b/100%/key",
                                            "/etc/ssh/agent.pub", "/a$b", "/bad\"path" };
        struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                assert_int_equal(argv_adds(&f.sshd_settings.host_keys, keys[i]), 0);
        render_keygen(&f, &b);
        expect(&b, MARKER
               "[Unit]\n"
               "Description=Host keys for SSH on AF_VSOCK\n"
               "Documentation=man:sshd-vsock(8) man:ssh-keygen(1)\n"
               "Wants=sshd-keygen.target\n"
               "After=sshd-keygen.target sshd-keygen.service sshdgenkeys.service "
               "cloud-init.service cloud-init-network.service auditd.service\n"
               "Before=ssh.service sshd.service\n"
               "StartLimitIntervalSec=0\n"
               "RequiresMountsFor=/run/ssh/ssh_host_rsa_key\n"
               "RequiresMountsFor=\"/a b/100%%/key\"\n"
               "ConditionFileNotEmpty=|!/run/ssh/ssh_host_rsa_key\n"
               "ConditionFileNotEmpty=|!/a b/100%%/key\n"
               "\n"
               "[Service]\n"
               "Type=oneshot\n"
               "ExecStart=/bin/sh -c 'make=yes; for key; do if test -s \"$$key\"; then test "
               "\"$$make\" = again || make=no; elif test -e \"$$key\"; then rm -f \"$$key\" "
               "\"$$key.pub\"; make=again; fi; done; test \"$$make\" = no || for key; do test -s "
               "\"$$key\" || { case \"$${key##*/}\" in *ecdsa*) type=ecdsa;; *ed25519*) "
               "type=ed25519;; *rsa*) type=rsa;; *dsa*) continue;; *) type=ed25519;; esac; mkdir "
               "-p \"$${key%%/*}/\"; ssh-keygen -q -t $$type -N \"\" -f \"$$key\"; }; done' "
               "sshd-vsock-keygen /run/ssh/ssh_host_rsa_key \"/a b/100%%/key\"\n");
        facts_free(&f);
}

static void test_what_a_connection_waits_for(void **state)
{
        AUTO(facts_free) struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_hostkeys(&f, &b);
        assert_string_equal(
                buf_str(&b),
                "# Managed by sshd-vsock. Changes are lost at the next \"sshd-vsock apply\".\n"
                "[Unit]\n"
                "Description=Host keys for a connection on AF_VSOCK, if there are none\n"
                "Documentation=man:sshd-vsock(8)\n"
                "StartLimitIntervalSec=0\n"
                "ConditionFileNotEmpty=!/etc/ssh/ssh_host_rsa_key\n"
                "ConditionFileNotEmpty=!/etc/ssh/ssh_host_ecdsa_key\n"
                "ConditionFileNotEmpty=!/etc/ssh/ssh_host_ed25519_key\n"
                "\n"
                "[Service]\n"
                "Type=oneshot\n"
                "ExecStart=-/bin/sh -c 'exec systemctl start sshd-vsock-keygen.service'\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keygen_elsewhere),
                cmocka_unit_test(test_what_a_connection_waits_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
