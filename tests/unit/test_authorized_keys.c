/* SPDX-License-Identifier: MIT
 *
 * test_authorized_keys.c: which keys stand in a file that a user wrote, where sshd looks for it,
 * and whether a password is set.
 */
#include "core/format/authorized-keys.h"
#include "sample.h"

static void expect_keys(const char *text, const char *want)
{
        AUTO_BUF out = BUF_INIT;
        struct key_line k;

        for (const char *at = text; authorized_keys_next(&at, &k);)
                buf_addf(&out, "[%s%s%.*s %.*s]", k.authority ? "ca " : "",
                         k.forced ? "forced " : "", (int)k.type_len, k.type, (int)k.blob_len,
                         k.blob);
        assert_string_equal(buf_str(&out), want);
}

static void test_lines(void **state)
{
        (void)state;
        expect_keys("", "");
        expect_keys("# ssh-rsa AAAA\n\n  \nssh-ed25519 AAAA me@here\n", "[ssh-ed25519 AAAA]");
        expect_keys("ssh-rsa AAAA==\r\nssh-rsa BBBB", "[ssh-rsa AAAA==][ssh-rsa BBBB]");
        expect_keys("\tecdsa-sha2-nistp256\tAAAA\tx", "[ecdsa-sha2-nistp256 AAAA]");
        expect_keys("sk-ssh-ed25519@openssh.com AAAA", "[sk-ssh-ed25519@openssh.com AAAA]");
        expect_keys("from=\"10.0.0.1\",no-pty ssh-rsa AAAA", "[ssh-rsa AAAA]");
        expect_keys("command=\"echo \\\"a b\\\" ssh-rsa CCCC\" ssh-rsa AAAA",
                    "[forced ssh-rsa AAAA]");
        expect_keys("no-pty,Command=\"a,b\",from=\"*\" ssh-rsa AAAA", "[forced ssh-rsa AAAA]");
        expect_keys("environment=\"A=,command=x,cert-authority\" ssh-rsa AAAA", "[ssh-rsa AAAA]");
        expect_keys("environment=\"A=\\\",command=\" ssh-rsa AAAA", "[ssh-rsa AAAA]");
        expect_keys("cert-authority,principals=\"a b\" ssh-rsa AAAA", "[ca ssh-rsa AAAA]");
        /* what is no key is none */
        expect_keys("ssh-rsa\nssh-rsa \nssh-rsa AA;AA\nssh- AAAA\nrestrict\nssh-rsa\"x y\" AAAA",
                    "");
        expect_keys("ssh-rsa \x1b[31m\nx y z\nfrom=\"open ssh-rsa AAAA\nssh-rsa BBBB",
                    "[ssh-rsa BBBB]");
}

static void expect_path_in(char *home, const char *pattern, const char *want)
{
        char name[] = "ana";
        const struct user u = { .name = name, .uid = 1001, .home = home };
        AUTO_BUF out = BUF_INIT;
        bool good = authorized_keys_path(pattern, strlen(pattern), &u, &out);

        assert_string_equal(good ? buf_str(&out) : "none", want);
}

static void expect_path(const char *pattern, const char *want)
{
        char home[] = "/home/ana";

        expect_path_in(home, pattern, want);
}

/* As sshd has it; never one that is relative to where the program stands. */
static void test_path_without_a_home(void **state)
{
        char none[] = "";

        (void)state;
        expect_path_in(none, ".ssh/authorized_keys", "/.ssh/authorized_keys");
        expect_path_in(none, "%h/.ssh/authorized_keys", "/.ssh/authorized_keys");
        expect_path_in(none, "%hkeys", "/keys");
        expect_path_in(none, "%h%u", "/ana");
        expect_path_in(none, "/etc/ssh/keys/%u", "/etc/ssh/keys/ana");
}

static void test_path(void **state)
{
        (void)state;
        expect_path(".ssh/authorized_keys", "/home/ana/.ssh/authorized_keys");
        expect_path("%h/.ssh/authorized_keys", "/home/ana/.ssh/authorized_keys");
        expect_path("/etc/ssh/keys/%u", "/etc/ssh/keys/ana");
        expect_path("/k/%U-%%", "/k/1001-%");
        expect_path("%u", "/home/ana/ana");
        expect_path("/k/%x", "none");
        expect_path("/k/%", "none");
        expect_path("", "none");
}

static bool has_password(const char *text, const char *user)
{
        return shadow_has_password(text, strlen(text), user);
}

static void test_shadow(void **state)
{
        static const char text[] = "root:*:1::::::\nana:$y$j9T$abcdefgh$x:1::::::\n"
                                   "bob:!$y$j9T$abcdefgh$x:1::::::\neve::1::::::\n"
                                   "des:abcdefghijklm:\nend:$6$0123456789";

        (void)state;
        assert_false(has_password(text, "root"));
        assert_true(has_password(text, "ana"));
        assert_false(has_password(text, "an"));
        assert_false(has_password(text, "bob"));
        assert_false(has_password(text, "eve"));
        assert_true(has_password(text, "des"));
        assert_true(has_password(text, "end"));
        assert_false(has_password(text, "nobody"));
        assert_false(has_password("", "ana"));
        assert_false(has_password("ana", "ana"));
        assert_false(has_password("ana:", "ana"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_path),
                cmocka_unit_test(test_path_without_a_home),
                cmocka_unit_test(test_shadow),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
