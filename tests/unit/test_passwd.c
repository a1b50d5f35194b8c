/* SPDX-License-Identifier: MIT
 *
 * test_passwd.c: real passwd files, malformed lines, and who may log in.
 */
#include "core/format/passwd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/util/buf.h"

static void parse(const char *text, struct users *ret)
{
        assert_int_equal(users_parse(text, strlen(text), ret), 0);
}

/* The names of those who can log in, each followed by a blank. */
static void expect_logins(const char *passwd, const char *want)
{
        AUTO(users_free) struct users u = { 0 };
        AUTO_BUF got = BUF_INIT;

        parse(passwd, &u);
        for (size_t i = 0; i < u.n; i++)
                if (user_can_login(&u.list[i]))
                        buf_addf(&got, "%s ", u.list[i].name);
        assert_string_equal(buf_str(&got), want);
}

static const char debian[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
                             "sys:x:3:3:sys:/dev:/usr/sbin/nologin\n"
                             "sync:x:4:65534:sync:/bin:/bin/sync\n"
                             "games:x:5:60:games:/usr/games:/usr/sbin/nologin\n"
                             "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
                             "_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n"
                             "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
                             "systemd-network:x:998:998:systemd Network Management:/:"
                             "/usr/sbin/nologin\n"
                             "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n"
                             "messagebus:x:100:107::/nonexistent:/usr/sbin/nologin\n";

static const char ubuntu_cloud[] = "root:x:0:0:root:/root:/bin/bash\n"
                                   "sync:x:4:65534:sync:/bin:/bin/sync\n"
                                   "pollinate:x:102:1::/var/cache/pollinate:/bin/false\n"
                                   "fwupd-refresh:x:989:989:Firmware update daemon:/var/lib/fwupd:"
                                   "/usr/sbin/nologin\n"
                                   "landscape:x:103:105::/var/lib/landscape:/usr/sbin/nologin\n"
                                   "ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash\n"
                                   "lxd:x:999:100::/var/snap/lxd/common/lxd:/bin/false\n"
                                   "ada:x:1001:1001:Ada,,,:/home/ada:/usr/bin/zsh\n";

static void test_debian(void **state)
{
        AUTO(users_free) struct users u = { 0 };
        const struct user *sshd;

        (void)state;
        parse(debian, &u);
        assert_int_equal(u.n, 11);
        sshd = users_find(&u, "sshd");
        assert_non_null(sshd);
        assert_int_equal(sshd->uid, 101);
        assert_int_equal(sshd->gid, 65534);
        assert_string_equal(sshd->home, "/run/sshd");
        assert_string_equal(sshd->shell, "/usr/sbin/nologin");
        assert_null(users_find(&u, "ssh"));
        assert_null(users_find(&u, ""));
        expect_logins(debian, "root ");
}

static void test_ubuntu(void **state)
{
        (void)state;
        expect_logins(ubuntu_cloud, "root ubuntu ada ");
}

static void test_uids(void **state)
{
        static const struct {
                uint32_t uid;
                bool want;
        } cases[] = {
                { 0, true },          { 1, false },     { 999, false },   { 1000, true },
                { 60000, true },      { 60001, false }, { 60513, false }, /* systemd-homed */
                { 60578, false },     { 61184, false }, { 65519, false }, /* DynamicUser= */
                { 65534, false },     { 65535, false }, { 65536, true },  { 1200000001, true },
                { 4294967294, true },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct user u = { .uid = cases[i].uid,
                                  .home = (char[]){ "/home/u" },
                                  .shell = (char[]){ "/bin/sh" } };

                if (user_can_login(&u) != cases[i].want)
                        fail_msg("uid %u", cases[i].uid);
        }
}

static void test_shells_and_homes(void **state)
{
        (void)state;
        expect_logins("empty:x:1000:1::/home/a:\n"
                      "fish:x:1000:1::/home/a:/usr/bin/fish\n"
                      "falsehood:x:1000:1::/home/a:/bin/falsehood\n"
                      "f:x:1000:1::/home/a:/usr/bin/false\n"
                      "n:x:1000:1::/home/a:/sbin/nologin\n"
                      "s:x:1000:1::/home/a:/sbin/shutdown\n"
                      "h:x:1000:1::/home/a:/sbin/halt\n"
                      "d:x:1000:1::/home/a:/dev/null\n"
                      "bare:x:1000:1::/home/a:nologin\n",
                      "empty fish falsehood ");
        expect_logins("ok:x:1000:1::/srv/a:\n"
                      "runner:x:1000:1::/runner:\n"
                      "dot:x:1000:1::/.run:\n"
                      "root2:x:1000:1::/:\n"
                      "root3:x:1000:1::///./:\n"
                      "none:x:1000:1::/nonexistent:\n"
                      "run:x:1000:1::/run/user/1:\n"
                      "proc:x:1000:1:://proc:\n"
                      "dev:x:1000:1::/./dev/shm:\n",
                      "ok runner dot ");
}

static void test_malformed(void **state)
{
        AUTO(users_free) struct users u = { 0 };

        (void)state;
        parse("\n"
              "# comment:x:1:1::/:\n"
              "+:x:1:1::/a:/bin/sh\n"
              "+@netgroup::::::\n"
              "-user:x:1:1::/a:/bin/sh\n"
              ":x:1:1::/a:/bin/sh\n"
              "sp ace:x:1:1::/a:/bin/sh\n"
              "..\xc3\xbc:x:1:1::/a:/bin/sh\n"
              "machine$:x:1:1::/a:/bin/sh\n"
              "few:x:1:1:/a\n"
              "six:x:1:1::/a\n"
              "nouid:x::1::/a:/bin/sh\n"
              "neg:x:-1:1::/a:/bin/sh\n"
              "hex:x:0x1:1::/a:/bin/sh\n"
              "big:x:4294967296:1::/a:/bin/sh\n"
              "wrap:x:18446744073709551616:1::/a:/bin/sh\n"
              "minus1:x:4294967295:1::/a:/bin/sh\n"
              "group:x:1:4294967295::/a:/bin/sh\n"
              "relative:x:1:1::a:/bin/sh\n"
              "good:x:1:1::/a:/bin/sh",
              &u);
        assert_int_equal(u.n, 1);
        assert_string_equal(u.list[0].name, "good");
}

static void test_odd_but_fine(void **state)
{
        AUTO(users_free) struct users u = { 0 };

        (void)state;
        parse("a.b_C-9:x:007:4294967294:G,,:/a b:/bin/sh:-c:x\n"
              "twice:x:1:1::/first:\n"
              "twice:x:2:2::/second:\n"
              "nohome:x:1000:1:::/bin/sh\n",
              &u);
        assert_int_equal(u.n, 4);
        assert_string_equal(users_find(&u, "nohome")->home, "");
        assert_true(user_can_login(users_find(&u, "nohome")));
        assert_int_equal(u.list[0].uid, 7);
        assert_int_equal(u.list[0].gid, 4294967294);
        assert_string_equal(u.list[0].home, "/a b");
        assert_string_equal(u.list[0].shell, "/bin/sh:-c:x");
        assert_string_equal(users_find(&u, "twice")->home, "/first");
        assert_string_equal(users_find(&u, "twice")->shell, "");
}

static void test_nul(void **state)
{
        static const char text[] = "a:x:1:1::/a\0b:/bin/sh\nb:x:1:1::/b:/bin/sh\n";
        AUTO(users_free) struct users u = { 0 };

        (void)state;
        assert_int_equal(users_parse(text, sizeof(text) - 1, &u), 0);
        assert_int_equal(u.n, 1);
        assert_string_equal(u.list[0].name, "b");
}

static void test_empty_and_many(void **state)
{
        AUTO(users_free) struct users none = { 0 };
        AUTO(users_free) struct users many = { 0 };
        AUTO_BUF text = BUF_INIT;

        (void)state;
        assert_int_equal(users_parse(NULL, 0, &none), 0);
        assert_int_equal(none.n, 0);
        for (unsigned i = 0; i < 1000; i++)
                buf_addf(&text, "u%u:x:%u:1::/u:\n", i, i);
        assert_int_equal(users_parse(text.data, text.len, &many), 0);
        assert_int_equal(many.n, 1000);
        for (unsigned i = 0; i < 1000; i++)
                assert_ptr_equal(users_find(&many, many.list[i].name), &many.list[i]);
        assert_null(users_find(&many, "u"));
        assert_null(users_find(&many, "u1000"));
        assert_null(users_find(&many, "v"));
        assert_null(users_find(&none, "u0"));
}

/* Any bytes at all: what comes out keeps the promises of the header. */
static void test_random(void **state)
{
        static const char alphabet[] = "aZ09.-_::::::://x\n\n+#\r\0";
        uint32_t seed = 42;

        (void)state;
        for (unsigned round = 0; round < 20000; round++) {
                AUTO(users_free) struct users u = { 0 };
                char text[64];

                for (size_t i = 0; i < sizeof(text); i++) {
                        seed = seed * 1664525U + 1013904223U;
                        text[i] = alphabet[(seed >> 8) % (sizeof(alphabet) - 1)];
                }
                assert_int_equal(users_parse(text, sizeof(text), &u), 0);
                for (size_t i = 0; i < u.n; i++) {
                        assert_true(u.list[i].name[0] != '\0' && u.list[i].name[0] != '-');
                        assert_null(strpbrk(u.list[i].name, ":/+#\r\n"));
                        assert_true(strchr("/", u.list[i].home[0]) != NULL);
                        assert_null(strpbrk(u.list[i].home, ":\n"));
                        assert_null(strchr(u.list[i].shell, '\n'));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_debian),    cmocka_unit_test(test_ubuntu),
                cmocka_unit_test(test_uids),      cmocka_unit_test(test_shells_and_homes),
                cmocka_unit_test(test_malformed), cmocka_unit_test(test_odd_but_fine),
                cmocka_unit_test(test_nul),       cmocka_unit_test(test_empty_and_many),
                cmocka_unit_test(test_random),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
