/* SPDX-License-Identifier: MIT
 *
 * test_admission.c: what follows from what sshd and ssh print, in the words of OpenSSH 8.4 and 10.6
 * as seen on guests, and what is enough for require_login.
 */
#include "core/format/sshd-dump.h"
#include "core/plan/admission.h"

#include "core/format/distro.h"
#include "sample.h"

static void test_dump(void **state)
{
        static const char dump[] = "port 22\nPubkeyAuthentication yes\nlistenaddress a\n"
                                   "listenaddress b\nportx 1\n";
        const char *at = dump;
        char value[16];
        size_t n;

        (void)state;
        assert_true(sshd_dump_is(dump, "pubkeyauthentication", "YES"));
        assert_false(sshd_dump_is(dump, "none", "yes"));
        assert_ptr_equal(sshd_dump_next(&at, "listenaddress", &n), strstr(dump, "a\nlisten"));
        assert_int_equal(n, 1);
        assert_ptr_equal(sshd_dump_next(&at, "listenaddress", &n), strstr(dump, "b\n"));
        assert_null(sshd_dump_next(&at, "listenaddress", &n));
        sshd_dump_get(dump, "PORT", value, sizeof(value));
        assert_string_equal(value, "22");
        sshd_dump_get("x 0123456789012345\n", "x", value, sizeof(value));
        assert_string_equal(value, "");
}

#define RULES                                                                                      \
        "usepam yes\nmaxauthtries 6\npermitrootlogin without-password\npubkeyauthentication yes\n" \
        "passwordauthentication yes\nkbdinteractiveauthentication no\nforcecommand none\n"         \
        "trustedusercakeys none\nauthorizedkeyscommand none\nauthenticationmethods any\n"          \
        "authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2\n"

#define LONG "01234567890123456789012345678901234567890123456789012345678901234567890123456789"

static struct admission_rules rules(const char *first, uint32_t uid)
{
        struct admission_rules r;
        AUTO_BUF text = BUF_INIT;

        buf_addf(&text, "%s%s", first, RULES);
        admission_rules_read(buf_str(&text), uid, &r);
        return r;
}

static void test_rules(void **state)
{
        struct admission_rules r = rules("", 0);

        (void)state;
        assert_true(r.keys);
        assert_false(r.passwords); /* PermitRootLogin without-password */
        assert_false(r.elsewhere);
        assert_int_equal(r.tries, 6);
        assert_string_equal(r.key_files, ".ssh/authorized_keys .ssh/authorized_keys2");
        assert_string_equal(r.key_type, "ed25519");
        assert_string_equal(r.forced, "");
        assert_string_equal(r.methods, "");
        assert_true(rules("", 1000).passwords);
        assert_true(rules("PermitRootLogin yes\n", 0).passwords);
        assert_false(rules("passwordauthentication no\n", 1000).passwords);
        assert_true(rules("PasswordAuthentication no\nKbdInteractiveAuthentication yes\n", 1000)
                            .passwords);
        assert_true(rules("passwordauthentication no\nchallengeresponseauthentication yes\n", 1000)
                            .passwords);
        assert_false(rules("passwordauthentication no\nkbdinteractiveauthentication yes\nusepam "
                           "no\n",
                           1000)
                             .passwords);
        assert_true(rules("authorizedkeyscommand /usr/bin/x\n", 0).elsewhere);
        assert_true(rules("authorizedkeyscommand " CREDENTIAL_COMMAND " x\n", 0).elsewhere);
        assert_true(rules("TrustedUserCAKeys /etc/ca.pub\n", 0).elsewhere);
        /* a file that can be read */
        r = rules("authorizedkeyscommand " CREDENTIAL_COMMAND "\n", 0);
        assert_false(r.elsewhere);
        assert_string_equal(r.key_files, ".ssh/authorized_keys .ssh/authorized_keys2 "
                                         "/run/sshd-vsock/authorized_keys");
        assert_true(rules("trustedusercakeys /x\nauthorizedkeyscommand " CREDENTIAL_COMMAND "\n", 0)
                            .elsewhere);
        assert_string_equal(rules("forcecommand internal-sftp\n", 0).forced,
                            "ForceCommand internal-sftp");
        assert_string_equal(rules("authenticationmethods publickey,password\n", 0).methods,
                            "AuthenticationMethods publickey,password");
        assert_string_equal(
                rules("authenticationmethods publickey,password publickey\n", 0).methods, "");
        /* a password that is never enough is none */
        assert_false(rules("authenticationmethods publickey\n", 1000).passwords);
        assert_false(rules("authenticationmethods publickey,password\n", 1000).passwords);
        assert_false(rules("authenticationmethods keyboard-interactive:pam,publickey\n", 1000)
                             .passwords);
        r = rules("authenticationmethods publickey password\n", 1000);
        assert_true(r.passwords);
        assert_string_equal(r.methods, "");
        r = rules("authenticationmethods publickey,password keyboard-interactive:pam\n", 1000);
        assert_true(r.passwords);
        assert_string_equal(r.methods,
                            "AuthenticationMethods publickey,password keyboard-interactive:pam");
        r = rules("authenticationmethods password\n", 1000);
        assert_true(r.passwords);
        assert_string_equal(r.methods, "AuthenticationMethods password");
        /* however long the command is, it stands */
        r = rules("forcecommand /bin/" LONG LONG LONG LONG LONG LONG LONG "\n", 0);
        assert_memory_equal(r.forced, "ForceCommand /bin/01", 20);
        assert_string_equal(
                rules("pubkeyacceptedalgorithms rsa-sha2-512,rsa-sha2-256\n", 0).key_type, "rsa");
        assert_string_equal(
                rules("PubkeyAcceptedKeyTypes ecdsa-sha2-nistp256,rsa-sha2-256\n", 0).key_type,
                "ecdsa");
}

#define DIRECTORY "/run/sshd-vsock.trial-7"

static void test_accepted(void **state)
{
        static const char said[] =
                "debug1: Offering public key: " DIRECTORY "/0.pub RSA SHA256:x explicit\n"
                "debug1: Authentications that can continue: publickey\n"
                "debug1: Server accepts key: " DIRECTORY "/1.pub ED25519 SHA256:A9j explicit\n"
                "debug1: Server accepts key: " DIRECTORY "/3.pub RSA SHA256:B explicit\n";
        char key[128] = "";

        (void)state;
        assert_int_equal(admission_accepted(said, DIRECTORY, key, sizeof(key)), 1u << 1 | 1u << 3);
        assert_string_equal(key, "ED25519 SHA256:A9j");
        assert_true(admission_was_asked(said));
        /* another folder's, one in the middle of a line, one without a number */
        assert_int_equal(
                admission_accepted("debug1: Server accepts key: /tmp/1.pub RSA x\n"
                                   "x debug1: Server accepts key: " DIRECTORY "/1.pub RSA x\n"
                                   "debug1: Server accepts key: " DIRECTORY "/x.pub RSA x\n"
                                   "debug1: Server accepts key: " DIRECTORY "/64.pub RSA x\n",
                                   DIRECTORY, key, sizeof(key)),
                0);
        assert_false(admission_was_asked("kex_exchange_identification: Connection closed\n"));
}

static void expect_reason(const char *said, const char *reason, const char *fix)
{
        char name[] = "ana";
        struct login l = { .user = { .name = name } };

        admission_explain(said, &l);
        assert_string_equal(l.reason, reason);
        assert_non_null(strstr(l.fix, fix));
        assert_null(strstr(l.fix, "%s"));
}

static void test_reasons(void **state)
{
        (void)state;
        expect_reason("Connection from UNKNOWN port 65535 on UNKNOWN port 65535\n"
                      "User ana from UNKNOWN not allowed because not listed in AllowUsers\n"
                      "ana@vsock: Permission denied (publickey,password).\n",
                      "User ana from UNKNOWN not allowed because not listed in AllowUsers",
                      "name ana without @HOST");
        expect_reason("ROOT LOGIN REFUSED FROM UNKNOWN port 65535 [preauth]\n",
                      "ROOT LOGIN REFUSED FROM UNKNOWN port 65535", "PermitRootLogin");
        expect_reason("/home/ana/.ssh/authorized_keys:1: Authentication tried for ana with correct "
                      "key but not from a permitted host (host=UNKNOWN, ip=UNKNOWN, "
                      "required=10.0.0.1).\nRefused by key options\n",
                      "/home/ana/.ssh/authorized_keys:1: Authentication tried for ana with correct "
                      "key but not from a permitted host (host=UNKNOWN, ip=UNKNOWN, "
                      "required=10.0.0.1).",
                      "without from=");
        expect_reason(
                "Authentication refused: bad ownership or modes for directory /home/ana/.ssh\n",
                "Authentication refused: bad ownership or modes for directory /home/ana/.ssh",
                "chmod go-w");
        /* the account has expired: PAM says it first, and more to the point */
        expect_reason("Your account has expired; please contact your system administrator.\n"
                      "Access denied for user ana by PAM account configuration [preauth]\n",
                      "Your account has expired; please contact your system administrator.",
                      "chage --expiredate -1 ana");
        expect_reason("debug1: x\nana@vsock: Permission denied (publickey).\r\n\n",
                      "ana@vsock: Permission denied (publickey).", "journalctl");
        expect_reason("ana@vsock: Permission denied (publickey).\r\nmm_log_handler: write: Broken "
                      "pipe\r\n",
                      "ana@vsock: Permission denied (publickey).", "journalctl");
        expect_reason("debug1: /home/ana/.ssh/authorized_keys:1: entry expired at 20200101\r\n"
                      "ana@vsock: Permission denied (publickey).\r\n",
                      "/home/ana/.ssh/authorized_keys:1: entry expired at 20200101",
                      "without expiry-time=");
        /* systemd's /run/nologin, as pam_nologin shows it */
        expect_reason("System is booting up. Unprivileged users are not permitted to log in yet.\n"
                      "Access denied for user ana by PAM account configuration [preauth]\n",
                      "System is booting up. Unprivileged users are not permitted to log in yet.",
                      "wait until the system has booted");
        expect_reason("Account ana has expired\r\nx\r\n", "Account ana has expired",
                      "chage --expiredate -1 ana");
        expect_reason("", "", "journalctl");
}

static void test_key_types(void **state)
{
        static const char both[] = "ssh-rsa AAAA\nssh-ed25519 BBBB\n", rsa[] = "ssh-rsa AAAA\n";

        (void)state;
        assert_true(admission_takes_any("pubkeyacceptedalgorithms ssh-ed25519\n", both));
        assert_false(admission_takes_any("pubkeyacceptedalgorithms ssh-ed25519\n", rsa));
        assert_false(admission_takes_any("PubkeyAcceptedAlgorithms sk-ssh-ed25519\n", both));
        assert_true(admission_takes_any("pubkeyacceptedkeytypes x,rsa-sha2-512\n", rsa));
        assert_true(admission_takes_any("pubkeyacceptedalgorithms ssh-*\n", rsa));
        assert_true(admission_takes_any("", rsa));
        assert_false(admission_takes_any("pubkeyacceptedalgorithms ssh-ed25519\n",
                                         "ssh-ed25519-cert-v01@openssh.com CCCC"));
}

static void test_enough(void **state)
{
        char root[] = "root", ana[] = "ana";
        struct login list[] = { { .user = { .name = root }, .admission = ADMISSION_PROVEN },
                                { .user = { .name = ana }, .admission = ADMISSION_ACCEPTED } };
        struct logins l = { .list = list, .n = 2 }, nobody = { 0 };
        AUTO(config_free) struct config any = sample_config("");
        AUTO(config_free) struct config both = sample_config("require_login: [root, ana]\n");
        AUTO(config_free) struct config one = sample_config("require_login: [root]\n");
        AUTO(config_free) struct config other = sample_config("require_login: [bob]\n");
        AUTO(config_free) struct config unchecked = sample_config("require_login: unchecked\n");

        (void)state;
        assert_true(logins_suffice(&any, &l));
        assert_true(logins_suffice(&one, &l));
        assert_false(logins_suffice(&both, &l));
        assert_false(logins_suffice(&other, &l));
        assert_false(logins_suffice(&any, &nobody));
        assert_true(logins_suffice(&unchecked, &nobody));
        list[1].admission = ADMISSION_PASSWORD;
        assert_true(logins_suffice(&both, &l));
        list[0].admission = ADMISSION_UNTRIED;
        assert_false(logins_suffice(&one, &l));
}

static void test_refused(void **state)
{
        struct login list[] = { { .admission = ADMISSION_NO }, { .admission = ADMISSION_NO } };
        struct logins l = { .list = list, .n = 2 }, nobody = { 0 };

        (void)state;
        assert_false(logins_refused(&l, false)); /* nobody has anything to get in with */
        assert_true(logins_refused(&l, true));
        assert_false(logins_refused(&nobody, true));
        list[1].n_accepted = 1;
        assert_true(logins_refused(&l, false));
        list[1] = (struct login){ .password = true };
        assert_true(logins_refused(&l, false));
        for (enum admission a = ADMISSION_UNTRIED; a <= ADMISSION_PROVEN; a++) {
                list[0].admission = a;
                assert_false(logins_refused(&l, true));
        }
        list[0].admission = ADMISSION_NO;
        l.unseen = 1;
        assert_false(logins_refused(&l, true));
        l = (struct logins){ .list = list, .n = 2, .no_client = true };
        assert_false(logins_refused(&l, true));
        l = (struct logins){ .list = list, .n = 2, .obstacle = "User=" };
        assert_false(logins_refused(&l, true));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dump),      cmocka_unit_test(test_rules),
                cmocka_unit_test(test_accepted),  cmocka_unit_test(test_reasons),
                cmocka_unit_test(test_key_types), cmocka_unit_test(test_enough),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
