/* SPDX-License-Identifier: MIT
 *
 * test_exec_start.c: the words that systemd makes of an ExecStart= and its environment files, and
 * that a shell behind ssh's % gives the same word back.
 */
#include "core/format/exec-start.h"
#include "sample.h"

/* The words, each in [ ]. */
static void expect_command(const char *const *words, const char *file, const char *want)
{
        AUTO(argv_free) struct argv in = { 0 };
        AUTO(argv_free) struct argv env = { 0 };
        AUTO(argv_free) struct argv out = { 0 };
        AUTO_BUF text = BUF_INIT;

        for (size_t i = 0; words[i]; i++)
                assert_int_equal(argv_adds(&in, words[i]), 0);
        assert_int_equal(environment_parse(file, strlen(file), &env), 0);
        assert_int_equal(command_expand(&in, &env, &out), 0);
        for (size_t i = 0; i < out.n; i++)
                buf_addf(&text, "[%s]", out.list[i]);
        assert_string_equal(buf_str(&text), want);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_expand(void **state)
{
        (void)state;
        expect_command(WORDS("/usr/sbin/sshd", "-i", "$SSHD_OPTS"), "", "[/usr/sbin/sshd][-i]");
        expect_command(WORDS("sshd", "$SSHD_OPTS"), "SSHD_OPTS=\"-f  /etc/x -4\"\n",
                       "[sshd][-f][/etc/x][-4]");
        expect_command(WORDS("sshd", "$O"), "O=\"-o 'X y' \\\"a b\\\"c d\\\\ e '' 'open \"\n",
                       "[sshd][-o][X y][a bc][d e][][open ]");
        expect_command(WORDS("sshd", "$O"), "O=-o \"X y\" -4\n", "[sshd][-o][X y][-4]");
        expect_command(WORDS("-o", "AuthorizedKeysFile ${DIR}/a .ssh/b"), "DIR=/run/c",
                       "[-o][AuthorizedKeysFile /run/c/a .ssh/b]");
        expect_command(WORDS("${A}", "x${A}y", "$A.b", "$$A", "a$$", "${A", "$"), "A='1 2'",
                       "[1 2][x1 2y][$A.b][$A][a$][${A][$]");
        expect_command(WORDS("${A}"), "A=old\nA=new\n", "[new]");
        expect_command(WORDS("${NONE}"), "", "[]");
}

static void expect_file(const char *file, const char *want)
{
        AUTO(argv_free) struct argv env = { 0 };
        AUTO_BUF text = BUF_INIT;

        assert_int_equal(environment_parse(file, strlen(file), &env), 0);
        for (size_t i = 0; i < env.n; i++)
                buf_addf(&text, "[%s]", env.list[i]);
        assert_string_equal(buf_str(&text), want);
}

/* As systemd's test-env-file.c has it. */
static void test_environment_file(void **state)
{
        (void)state;
        expect_file("", "");
        expect_file("# a comment \\\nA=1\n; another\nB=2", "[B=2]");
        expect_file("  A = 1\nB=  two words  \nC=", "[A=1][B=two words][C=]");
        expect_file("A=\"a b\"'c d'e\\ f\n", "[A=a bc de f]");
        /* quotes are some at the value's beginning, and behind each other; blanks there go */
        expect_file("A=\"a b\" c \nB= 'x ' \nC='1' \"2\"", "[A=a bc][B=x ][C=12]");
        expect_file("A=-o \"X y\" 'z'\nB=it's\nC=\\'a b'", "[A=-o \"X y\" 'z'][B=it's][C='a b']");
        expect_file("A=\"1\\\"2\\$\\x\"\n", "[A=1\"2$\\x]");
        expect_file("A=one\\\ntwo\r\nB=3\r\n", "[A=onetwo][B=3]");
        expect_file("A=\"over\ntwo lines\"\nB=1", "[A=over\ntwo lines][B=1]");
        expect_file("A=\"open", "[A=open]");
        expect_file("A=\\\nB=\"\\", "[A=B=\"]");
        expect_file("B=\"\\", "[B=]");
        expect_file("export A=1\n=2\n1A=3\nB=4", "[B=4]");
        expect_file("bad key='over\nA=1\n'\nA=2\nC", "[A=2]");
        expect_file("A=x #not a comment\n", "[A=x #not a comment]");
}

static void expect_quoted(const char *word, const char *want)
{
        AUTO_BUF out = BUF_INIT;

        command_quote(word, &out);
        assert_string_equal(buf_str(&out), want);
}

static void test_quote(void **state)
{
        (void)state;
        expect_quoted("", "''");
        expect_quoted("a b", "'a b'");
        expect_quoted("it's $x `y` \"z\"\n", "'it'\\''s $x `y` \"z\"\n'");
        expect_quoted("%h %% keys/%u", "'%%h %%%% keys/%%u'");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_expand),
                cmocka_unit_test(test_environment_file),
                cmocka_unit_test(test_quote),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
