/* SPDX-License-Identifier: MIT
 *
 * test_render_keys.c: the unit that makes the host keys which HostKey names, what a connection
 * waits for, and which of the TCP units ours are ordered by.
 */
#include "core/plan/render.h"
#include "sample.h"

/* Whether it has these words somewhere. */
static bool has(const struct buf *b, const char *words)
{
        assert_int_equal(b->error, 0);
        assert_memory_equal(b->data, FILE_MARKER, sizeof(FILE_MARKER) - 1);
        return strstr(buf_str(b), words) != NULL;
}

/* HostKey names other files: those are looked at, and made one by one; not those that are no files
 * of a key, or that no unit can name. */
static void test_keygen_elsewhere(void **state)
{
        static const char *const keys[] = { "/run/ssh/ssh_host_rsa_key", "/a b/100%/key",
                                            "/etc/ssh/agent.pub", "/a$b", "/bad\"path" };
        AUTO(facts_free) struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                assert_int_equal(argv_adds(&f.sshd_settings.host_keys, keys[i]), 0);
        render_keygen(&f, &b);
        assert_true(has(&b, "\nRequiresMountsFor=/run/ssh/ssh_host_rsa_key\n"
                            "RequiresMountsFor=\"/a b/100%%/key\"\n"
                            "ConditionFileNotEmpty=|!/run/ssh/ssh_host_rsa_key\n"
                            "ConditionFileNotEmpty=|!/a b/100%%/key\n\n"));
        assert_true(has(&b, "' sshd-vsock-keygen /run/ssh/ssh_host_rsa_key \"/a b/100%%/key\"\n"));
        assert_false(has(&b, "ssh-keygen -A"));
}

/* One key that is there is enough. */
static void test_what_a_connection_waits_for(void **state)
{
        AUTO(facts_free) struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_hostkeys(&f, &b);
        assert_true(has(&b, "\nConditionFileNotEmpty=!/etc/ssh/ssh_host_rsa_key\n"
                            "ConditionFileNotEmpty=!/etc/ssh/ssh_host_ecdsa_key\n"
                            "ConditionFileNotEmpty=!/etc/ssh/ssh_host_ed25519_key\n\n"));
        assert_true(has(&b, "systemctl start sshd-vsock-keygen.service"));
}

/* What is a mere name, as Debian's sshd.service is, is named by neither unit; see
 * facts_has_unit().
 */
static void test_units_that_are_none_are_not_named(void **state)
{
        static const struct {
                bool ssh, sshd;
                const char *before, *after;
        } table[] = {
                { false, false, "", " systemd-user-sessions.service" },
                { true, false, "Before=ssh.service\n",
                  " systemd-user-sessions.service ssh.service" },
                { false, true, "Before=sshd.service\n",
                  " systemd-user-sessions.service sshd.service" },
                { true, true, "Before=ssh.service\nBefore=sshd.service\n",
                  " systemd-user-sessions.service ssh.service sshd.service" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct facts f = { .tcp = { [TCP_SSH_SERVICE] = { .vendor = table[i].ssh },
                                            [TCP_SSHD_SERVICE] = { .foreign = table[i].sshd } } };
                AUTO_BUF keygen = BUF_INIT, provision = BUF_INIT, after = BUF_INIT;
                const char *before;

                render_keygen(&f, &keygen);
                before = strstr(buf_str(&keygen), "Before=");
                assert_int_equal(before != NULL, *table[i].before != '\0');
                if (before)
                        assert_memory_equal(before, table[i].before, strlen(table[i].before));
                assert_int_equal(table[i].ssh, strstr(buf_str(&keygen), "=ssh.service") != NULL);
                assert_int_equal(table[i].sshd, strstr(buf_str(&keygen), "=sshd.service") != NULL);
                render_provision(&f, &provision);
                buf_addf(&after, "%s\nConflicts=", table[i].after);
                assert_non_null(strstr(buf_str(&provision), buf_str(&after)));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keygen_elsewhere),
                cmocka_unit_test(test_what_a_connection_waits_for),
                cmocka_unit_test(test_units_that_are_none_are_not_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
