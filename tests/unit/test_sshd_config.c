/* SPDX-License-Identifier: MIT
 *
 * test_sshd_config.c: the words of OpenSSH's configuration, the shipped files' Include lines, our
 * block and our comment marks.
 */
#include "core/format/sshd-config.h"
#include "full.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Each item as `LINE:KIND ARGUMENT`, with `m` and `o` for in_match and ours. */
static void render(const char *text, size_t len, struct buf *out)
{
        static const char *const kinds[] = { "I", "L", "P", "F", "K" };
        AUTO(sshd_config_free) struct sshd_config c = { 0 };

        assert_int_equal(sshd_config_scan(text, len, &c), 0);
        for (size_t i = 0; i < c.n; i++)
                buf_addf(out, "%u:%s%s%s <%s>\n", c.items[i].line, kinds[c.items[i].kind],
                         c.items[i].in_match ? "m" : "", c.items[i].ours ? "o" : "",
                         c.items[i].argument);
}

static void expect(const char *text, const char *want)
{
        AUTO_BUF got = BUF_INIT;

        render(text, strlen(text), &got);
        assert_string_equal(buf_str(&got), want);
}

static void test_debian(void **state)
{
        (void)state;
        expect("# This is the sshd server system-wide configuration file.\n"
               "\n"
               "Include /etc/ssh/sshd_config.d/*.conf\n"
               "\n"
               "#Port 22\n"
               "#AddressFamily any\n"
               "#ListenAddress 0.0.0.0\n"
               "#ListenAddress ::\n"
               "UsePAM yes\n"
               "Subsystem\tsftp\t/usr/lib/openssh/sftp-server\n"
               "#Match User anoncvs\n",
               "3:I </etc/ssh/sshd_config.d/*.conf>\n");
        expect("", "");
        expect("\n\n", "");
}

static void test_keywords(void **state)
{
        (void)state;
        expect("LISTENADDRESS ::1\nlistenaddress 127.0.0.1:22\n",
               "1:L <::1>\n2:L <127.0.0.1:22>\n");
        expect("Port 22\nPorts 22\nPor 22\nAddressFamily inet", "1:P <22>\n4:F <inet>\n");
        expect(" \t\r Port\t 22 \f\r\nPort 22\f\n", "1:P <22>\n2:P <22>\n");
        expect("Port=22\nPort = 22\nPort= 22\nPort =22\n",
               "1:P <22>\n2:P <22>\n3:P <22>\n4:P <22>\n");
        /* only one '=' goes; what strdelim() leaves, the value has */
        expect("Port == 22\nPort==22\n", "1:P <=>\n2:P <=22>\n");
        expect("=Port 22\n", "1:P <22>\n");
        expect("\"Port\" 22\nPo\"rt\" 22\n\"Port\"=22\n\"Port 22\n",
               "1:P <22>\n2:P <22>\n3:P <=22>\n");
        expect("Port\nPort \nPort=\nPort #\nPort \"\"\nPort '' 22\n", "");
        expect("\fPort 22\n", "");
}

static void test_arguments(void **state)
{
        (void)state;
        expect("ListenAddress \"::1\"\n", "1:L <::1>\n");
        expect("ListenAddress 'a'\"b\"c\n", "1:L <abc>\n");
        expect("ListenAddress ::1 rdomain vrf\n", "1:L <::1>\n");
        expect("ListenAddress ::1 # home\n", "1:L <::1>\n");
        expect("ListenAddress ::1# home\n", "1:L <::1#>\n");
        expect("Include a \"b c\" d\\ e f\\\\g\\h #i\n",
               "1:I <a>\n1:I <b c>\n1:I <d e>\n1:I <f\\g\\h>\n");
        expect("Include \"a\\\"b\" 'c\\'d' \"e\\ f\"\n", "1:I <a\"b>\n1:I <c'd>\n1:I <e\\ f>\n");
        expect("Include a \"b\nInclude 'c\"\nPort 1\n", "3:P <1>\n"); /* open quotes */
        expect("Port 1 '\nInclude a \"\" b'\nPort 2\n", "3:P <2>\n"); /* further on, too */
        expect("Include a \"\" b\n", "1:I <a>\n");
        expect("Include a\rb\n", "1:I <a\rb>\n"); /* CR divides keywords, not arguments */
}

static void test_match(void **state)
{
        (void)state;
        expect("Port 1\nmatch user a\n  Include x\nMatch all\nPort 2\n",
               "1:P <1>\n3:Im <x>\n5:P <2>\n");
        expect("Match user a\nmatch \"ALL\" # again\nPort 1\nMatch user all\nPort 2\n",
               "3:P <1>\n5:Pm <2>\n");
        expect("Match all user a\nPort 1\nMatch\nPort 2\n", "2:Pm <1>\n4:Pm <2>\n");
        expect("#Match user a\nMatchUser a\nPort 2\n", "3:P <2>\n");
        expect("Match=all\nPort 2\n", "2:P <2>\n");
}

static void test_nul(void **state)
{
        static const char text[] = "Port 1\0 2\nListenAddress a\0\nPo\0rt 3\n";
        AUTO_BUF got = BUF_INIT;

        (void)state;
        render(text, sizeof(text) - 1, &got);
        assert_string_equal(buf_str(&got), "1:P <1>\n2:L <a>\n");
}

static void test_ours(void **state)
{
        (void)state;
        expect(SSHD_CONFIG_BEGIN "\nListenAddress ::1\n" SSHD_CONFIG_END "\nListenAddress ::2\n",
               "2:Lo <::1>\n4:L <::2>\n");
        expect(SSHD_CONFIG_BEGIN "\r\nPort 1\r\n" SSHD_CONFIG_END "\r\n", "2:Po <1>\n");
        /* a lost end, a lost beginning */
        expect(SSHD_CONFIG_BEGIN "\nPort 1\n" SSHD_CONFIG_BEGIN "\nPort 2\n" SSHD_CONFIG_END
                                 "\nPort 3\n",
               "2:P <1>\n4:Po <2>\n6:P <3>\n");
        expect("Port 1\n" SSHD_CONFIG_END "\n", "1:P <1>\n");
        expect(SSHD_CONFIG_STRAY "Port 1\nPort 2\n", "2:P <2>\n");
}

/* ---- Include --------------------------------------------------------------------------------- */

static bool includes(const char *text, const char *path)
{
        AUTO(sshd_config_free) struct sshd_config c = { 0 };

        assert_int_equal(sshd_config_scan(text, strlen(text), &c), 0);
        return sshd_config_includes(&c, path);
}

/* What a block ends is marked once, however many there are around it and beside it. */
static void test_blocks_in_blocks(void **state)
{
        enum { BLOCKS = 40000, ITEMS = 5 };
        AUTO(sshd_config_free) struct sshd_config c = { 0 };
        AUTO_BUF text = BUF_INIT;
        clock_t began = clock();

        (void)state;
        buf_adds(&text, "Port 1\n");
        for (size_t i = 0; i < BLOCKS; i++)
                buf_adds(&text, SSHD_CONFIG_BEGIN "\nPort 2\n");
        for (size_t i = 0; i < BLOCKS; i++) {
                buf_adds(&text, "Port 2\n" SSHD_CONFIG_BEGIN "\nPort 2\nPort 2\n");
                buf_adds(&text, SSHD_CONFIG_END "\nPort 2\n" SSHD_CONFIG_END "\n");
        }
        buf_adds(&text, SSHD_CONFIG_END "\nPort 1\n" SSHD_CONFIG_BEGIN "\nPort 1\n");
        assert_int_equal(sshd_config_scan(buf_str(&text), text.len, &c), 0);
        assert_int_equal(c.n, ITEMS * BLOCKS + 3);
        for (size_t i = 0; i < c.n; i++)
                assert_int_equal(c.items[i].ours, c.items[i].argument[0] == '2');
        assert_true((clock() - began) / CLOCKS_PER_SEC < 10);
}

static void test_includes(void **state)
{
        static const char *const yes[] = {
                "Include /etc/ssh/sshd_config.d/*.conf\n",
                "Include sshd_config.d/*.conf\n",
                "Include ./sshd_config.d/*.conf\n",
                "Include /other /etc/ssh/sshd_config.d/*\n",
                "Include /etc/ssh/sshd_config.d/10-sshd-vsock.conf\n",
                "Include /etc/ssh/sshd_config.d/[0-9]?-*.conf\n",
                "Include /etc//ssh/./sshd_config.d/*.conf\n",
                "Include /etc/ssh/*/*.conf\n",
                "include=\"/etc/ssh/sshd_config.d/*.conf\"\nMatch user x\n",
                "Match user x\nMatch all\nInclude /etc/ssh/sshd_config.d/*.conf\n",
        };
        static const char *const no[] = {
                "",
                "#Include /etc/ssh/sshd_config.d/*.conf\n",
                "Include /usr/etc/ssh/sshd_config.d/*.conf\n",
                "Include /etc/ssh/*.conf\n", /* '*' does not match a slash */
                "Include /etc/ssh/sshd_config.d/5*.conf\n",
                "Include /etc/ssh/sshd_config.d\n",
                "Include ~/sshd_config.d/*.conf\n",
                "Include etc/ssh/sshd_config.d/*.conf\n",
                "Match user x\nInclude /etc/ssh/sshd_config.d/*.conf\n",
                "Port /etc/ssh/sshd_config.d/*.conf\n",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (!includes(yes[i], "/etc/ssh/sshd_config.d/10-sshd-vsock.conf"))
                        fail_msg("%s", yes[i]);
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (includes(no[i], "/etc/ssh/sshd_config.d/10-sshd-vsock.conf"))
                        fail_msg("%s", no[i]);
        /* a temporary file's leading dot */
        assert_false(includes("Include /etc/ssh/sshd_config.d/*\n", "/etc/ssh/sshd_config.d/.#x"));
        assert_false(includes("Include ~x\n", "/etc/ssh/~x"));
}

/* ---- edits ----------------------------------------------------------------------------------- */

static void expect_block(const char *text, const char *body, const char *want)
{
        AUTO_BUF out = BUF_INIT;

        sshd_config_set_block(text, strlen(text), body, &out);
        assert_int_equal(out.error, 0);
        assert_string_equal(buf_str(&out), want);
}

#define BLOCK(body) SSHD_CONFIG_BEGIN "\n" body SSHD_CONFIG_END "\n"

static void test_block(void **state)
{
        (void)state;
        expect_block("Port 1\n", "ListenAddress ::1\n", BLOCK("ListenAddress ::1\n") "Port 1\n");
        expect_block("Port 1", "ListenAddress ::1", BLOCK("ListenAddress ::1\n") "Port 1");
        expect_block("", "", BLOCK(""));
        expect_block("", NULL, "");
        expect_block(BLOCK("x\n") "Port 1", NULL, "Port 1");
        expect_block(BLOCK("x\n") "Port 1", "y\n", BLOCK("y\n") "Port 1");
        /* moved by somebody, doubled, with another line end, without the last one */
        expect_block("Port 1\n" BLOCK("x\n") "Port 2\n" BLOCK("y\n"), "z\n",
                     BLOCK("z\n") "Port 1\nPort 2\n");
        expect_block("a\r\n" SSHD_CONFIG_BEGIN "\r\nx\r\n" SSHD_CONFIG_END, NULL, "a\r\n");
        expect_block("\xef\xbb\xbf" BLOCK("x\n") "Port 1\n", "y\n", BLOCK("y\n") "Port 1\n");
        /* what has lost one of its ends is kept */
        expect_block(SSHD_CONFIG_BEGIN "\nPort 1\n" BLOCK("x\n") "Port 2\n", NULL,
                     SSHD_CONFIG_BEGIN "\nPort 1\nPort 2\n");
        expect_block("a\n" SSHD_CONFIG_END "\nb\n" SSHD_CONFIG_BEGIN "\nc", NULL,
                     "a\n" SSHD_CONFIG_END "\nb\n" SSHD_CONFIG_BEGIN "\nc");
        expect_block(" " BLOCK("x\n"), NULL, " " BLOCK("x\n")); /* not at the line's beginning */
}

static void comment(const char *text, size_t len, struct buf *out)
{
        AUTO(sshd_config_free) struct sshd_config c = { 0 };

        assert_int_equal(sshd_config_scan(text, len, &c), 0);
        sshd_config_comment_strays(text, len, &c, out);
}

static void test_comment(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "Port 1\n\nPort 3", "Port 1\n\nPort 3" },
                { "", "" },
                { "ListenAddress ::", SSHD_CONFIG_STRAY "ListenAddress ::" },
                { "Port 1\n\n\tListenAddress=::\r\n",
                  "Port 1\n\n" SSHD_CONFIG_STRAY "\tListenAddress=::\r\n" },
                { "ListenAddress ::\nPort 2\nListenAddress 1.2.3.4\n", SSHD_CONFIG_STRAY
                  "ListenAddress ::\nPort 2\n" SSHD_CONFIG_STRAY "ListenAddress 1.2.3.4\n" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO_BUF out = BUF_INIT;
                AUTO_BUF again = BUF_INIT;
                AUTO_BUF back = BUF_INIT;

                comment(table[i].text, strlen(table[i].text), &out);
                assert_string_equal(buf_str(&out), table[i].want);
                comment(buf_str(&out), out.len, &again);
                assert_string_equal(buf_str(&again), table[i].want);
                sshd_config_uncomment(buf_str(&out), out.len, &back);
                assert_string_equal(buf_str(&back), table[i].text);
        }
}

static void test_comment_at_the_end(void **state)
{
        AUTO_BUF out = BUF_INIT;

        (void)state;
        sshd_config_uncomment("x " SSHD_CONFIG_STRAY "\n", strlen("x " SSHD_CONFIG_STRAY "\n"),
                              &out);
        assert_string_equal(buf_str(&out), "x " SSHD_CONFIG_STRAY "\n");
}

/* ---- laws ------------------------------------------------------------------------------------ */

static bool equal(const struct buf *a, const struct buf *b)
{
        return a->len == b->len && memcmp(buf_str(a), buf_str(b), a->len) == 0;
}

/* `a` comes without complete blocks and without marks. */
static void check_laws(const struct buf *a)
{
        AUTO_BUF with = BUF_INIT;
        AUTO_BUF again = BUF_INIT;
        AUTO_BUF back = BUF_INIT;
        AUTO_BUF commented = BUF_INIT;
        AUTO_BUF uncommented = BUF_INIT;

        sshd_config_set_block(a->data, a->len, "ListenAddress ::1\n", &with);
        sshd_config_set_block(with.data, with.len, "ListenAddress ::1\n", &again);
        sshd_config_set_block(with.data, with.len, NULL, &back);
        if (!equal(&with, &again) || !equal(a, &back))
                fail_msg("<%s> → <%s> → <%s>", buf_str(a), buf_str(&with), buf_str(&back));

        comment(buf_str(a), a->len, &commented);
        sshd_config_uncomment(commented.data, commented.len, &uncommented);
        assert_true(equal(a, &uncommented));
}

static void test_laws(void **state)
{
        static const char *const parts[] = {
                "Port 1",
                "ListenAddress ::",
                "Include \"a\"",
                "Match user a",
                "Match all",
                "\n",
                "\n",
                "\r\n",
                " ",
                "\\",
                "'",
                "#comment",
                SSHD_CONFIG_BEGIN,
                SSHD_CONFIG_END,
                SSHD_CONFIG_BEGIN "\n",
                SSHD_CONFIG_END "\n",
        };
        uint32_t seed = 3;

        (void)state;
        for (unsigned round = 0; round < rounds(30000); round++) {
                AUTO_BUF x = BUF_INIT;
                AUTO_BUF a = BUF_INIT;
                AUTO_BUF b = BUF_INIT;

                for (unsigned i = 0; i < 16; i++) {
                        seed = seed * 1664525U + 1013904223U;
                        if ((seed >> 24) == 0)
                                buf_add(&x, "\0", 1);
                        buf_adds(&x, parts[(seed >> 8) % ELEMENTSOF(parts)]);
                }
                sshd_config_set_block(x.data, x.len, NULL, &a);
                sshd_config_set_block(a.data, a.len, NULL, &b);
                assert_true(equal(&a, &b));
                check_laws(&a);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_debian),    cmocka_unit_test(test_keywords),
                cmocka_unit_test(test_arguments), cmocka_unit_test(test_match),
                cmocka_unit_test(test_nul),       cmocka_unit_test(test_ours),
                cmocka_unit_test(test_includes),  cmocka_unit_test(test_block),
                cmocka_unit_test(test_comment),   cmocka_unit_test(test_comment_at_the_end),
                cmocka_unit_test(test_laws),      cmocka_unit_test(test_blocks_in_blocks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
