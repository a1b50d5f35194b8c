/* SPDX-License-Identifier: MIT
 *
 * test_udiff.c: exact output for the cases that can be read, and for random texts the proof of the
 * pudding: what patch(1) makes of the diff is the target. Skips that part where there is no patch.
 */
#include "core/util/udiff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "full.h"

static uint32_t seed;

static uint32_t pick(uint32_t below)
{
        seed = seed * 1664525U + 1013904223U;
        return (seed >> 8) % below;
}

static void diff(const char *from, const char *to, struct buf *out)
{
        struct udiff_side a = { "a/f", from, from ? strlen(from) : 0 };
        struct udiff_side b = { "b/f", to, to ? strlen(to) : 0 };

        udiff(&a, &b, out);
        assert_int_equal(out->error, 0);
}

static void expect(const char *from, const char *to, const char *want)
{
        AUTO_BUF out = BUF_INIT;

        diff(from, to, &out);
        assert_string_equal(buf_str(&out), want);
}

#define HEAD "--- a/f\n+++ b/f\n"

static void test_equal(void **state)
{
        (void)state;
        expect("a\n", "a\n", "");
        expect("", "", "");
        expect(NULL, NULL, "");
        expect(NULL, "", "");
}

static void test_create_and_delete(void **state)
{
        (void)state;
        expect(NULL, "a\nb\n", "--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
        expect("a\n", NULL, "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
        expect("a\n", "", HEAD "@@ -1 +0,0 @@\n-a\n");
}

static void test_context(void **state)
{
        (void)state;
        expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
               HEAD "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n");
        expect("1\n2\n", "0\n1\n2\n", HEAD "@@ -1,2 +1,3 @@\n+0\n 1\n 2\n");
        expect("1\n2\n", "1\n", HEAD "@@ -1,2 +1 @@\n 1\n-2\n");
}

/* Six unchanged lines between two changes are the context of both; seven are not. */
static void test_hunks_join(void **state)
{
        (void)state;
        expect("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
               HEAD "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
        expect("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
               HEAD "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
                    "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

static void test_no_newline(void **state)
{
        (void)state;
        expect("a", "a\n", HEAD "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
        expect("a\n", "a", HEAD "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
        expect("a\nb", "A\nb", HEAD "@@ -1,2 +1,2 @@\n-a\n+A\n b\n\\ No newline at end of file\n");
}

static void test_shortest(void **state)
{
        (void)state;
        expect("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n",
               HEAD "@@ -1,7 +1,6 @@\n-a\n-b\n c\n-a\n b\n+a\n b\n a\n+c\n");
}

static void test_escapes(void **state)
{
        static const char bytes[] = "nul\0, bell\a, tab\t, del\x7f, cr\r\n";
        struct udiff_side none = { "x", NULL, 0 };
        struct udiff_side file = { "home/\033[2J\n", bytes, sizeof(bytes) - 1 };
        AUTO_BUF out = BUF_INIT;

        (void)state;
        udiff(&none, &file, &out);
        assert_string_equal(buf_str(&out), "--- /dev/null\n+++ home/\\x1b[2J\\x0a\n@@ -0,0 +1 @@\n"
                                           "+nul\\x00, bell\\x07, tab\t, del\\x7f, cr\\x0d\n");
}

static void test_long_line(void **state)
{
        static const char end[] = "a… and 7 bytes more\n\\ No newline at end of file\n";
        static char text[(64 << 10) + 7];
        struct udiff_side none = { "x", NULL, 0 }, file = { "f", text, sizeof(text) };
        AUTO_BUF out = BUF_INIT;

        (void)state;
        memset(text, 'a', sizeof(text));
        udiff(&none, &file, &out);
        assert_true(out.len > strlen(end));
        assert_string_equal(buf_str(&out) + out.len - strlen(end), end);
}

static void test_utf8(void **state)
{
        static const struct {
                const char *in, *out;
        } cases[] = {
                { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
                { "\xe2\x82\xac \xf0\x9f\x9a\xaa", "\xe2\x82\xac \xf0\x9f\x9a\xaa" },
                { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
                { "\xc2\xa0", "\xc2\xa0" },
                { "\xc2\x9b", "\\xc2\\x9b" },                   /* CSI */
                { "\xc3", "\\xc3" },                            /* cut short */
                { "\xc0\xaf", "\\xc0\\xaf" },                   /* overlong */
                { "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf" },          /* overlong */
                { "\xf0\x82\x82\xac", "\\xf0\\x82\\x82\\xac" }, /* overlong */
                { "\xf8\x90\x80\x80", "\\xf8\\x90\\x80\\x80" }, /* of five bytes */
                { "\xe0\x82\x80", "\\xe0\\x82\\x80" },          /* overlong */
                { "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
                { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
                { "\xff\x80", "\\xff\\x80" },
                { "\xe2\x80\xae", "\\xe2\\x80\\xae" }, /* right-to-left override */
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                AUTO_BUF want = BUF_INIT;

                buf_addf(&want,
                         "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+%s\n"
                         "\\ No newline at end of file\n",
                         cases[i].out);
                expect(NULL, cases[i].in, buf_str(&want));
        }
}

/* More lines than the table has cells in all, and a row of it would be too many. */
static void test_beyond_all_bounds(void **state)
{
        const size_t n = (4u << 20) + 8;
        AUTO_BUF out = BUF_INIT;
        char *from, *to;

        (void)state;
        if (!is_full())
                skip();
        from = malloc(n + 1);
        to = malloc(n + 1);
        assert_true(from && to);
        memset(from, '\n', n);
        memset(to, '\n', n);
        from[0] = from[n - 2] = 'a';
        to[0] = to[n - 2] = 'b';
        from[n] = to[n] = '\0';
        diff(from, to, &out);
        assert_true(out.len > 2 * n);
        free(from);
        free(to);
}

/* 2,047 lines against as many are still told apart, 2,049 are not: then the lines they have in
 * common in between are part of the replacement, while the common head and tail still are not. */
static void test_limit(void **state)
{
        (void)state;
        for (unsigned pairs = 1024; pairs <= 1025; pairs++) {
                AUTO_BUF from = BUF_INIT;
                AUTO_BUF to = BUF_INIT;
                AUTO_BUF out = BUF_INIT;

                buf_adds(&from, "head\n");
                buf_adds(&to, "head\n");
                for (unsigned i = 0; i < pairs; i++) {
                        buf_addf(&from, "%u\nold %u\n", i, i);
                        buf_addf(&to, "%u\nnew %u\n", i, i);
                }
                buf_adds(&from, "tail\n");
                buf_adds(&to, "tail\n");
                diff(buf_str(&from), buf_str(&to), &out);
                assert_non_null(strstr(buf_str(&out), "\n head\n"));
                assert_non_null(strstr(buf_str(&out), "\n tail\n"));
                assert_true(!strstr(buf_str(&out), "\n-500\n") == (pairs == 1024));
                assert_true(!strstr(buf_str(&out), "\n 500\n") == (pairs != 1024));
        }
}

/* ---- against patch(1) ------------------------------------------------------------------------ */

static char directory[] = "/tmp/test_udiff.XXXXXX";

static void in_directory(const char *name, struct buf *path)
{
        buf_addf(path, "%s/%s", directory, name);
}

static void write_file(const char *name, const struct buf *content)
{
        AUTO_BUF path = BUF_INIT;
        FILE *f;

        in_directory(name, &path);
        f = fopen(buf_str(&path), "w");
        assert_non_null(f);
        assert_int_equal(fwrite(buf_str(content), 1, content->len, f), content->len);
        assert_int_equal(fclose(f), 0);
}

static void expect_file(const char *name, const struct buf *want)
{
        AUTO_BUF path = BUF_INIT;
        AUTO_FREE char *got = malloc(want->len + 2);
        FILE *f;

        in_directory(name, &path);
        f = fopen(buf_str(&path), "r");
        assert_non_null(f);
        assert_non_null(got);
        assert_int_equal(fread(got, 1, want->len + 1, f), want->len);
        assert_memory_equal(got, buf_str(want), want->len);
        assert_int_equal(fclose(f), 0);
}

static int run(const char *arguments)
{
        AUTO_BUF command = BUF_INIT;
        FILE *f;
        int c;

        buf_addf(&command, "cd %s && patch %s 2>&1", directory, arguments);
        f = popen(buf_str(&command), "r");
        assert_non_null(f);
        while ((c = getc(f)) != EOF)
                (void)putc(c, stderr);
        return pclose(f);
}

/* Few different lines, so that matches are plenty; `to` is `from` with some lines changed. */
static void random_pair(struct buf *from, struct buf *to)
{
        static const char *const words[] = { "a", "b", "c", "", "\t#", "--- x", "+++ y", "\\ z" };
        uint32_t n = pick(40), rate = 2 + pick(20);

        for (uint32_t i = 0; i < n; i++) {
                const char *word = words[pick(ELEMENTSOF(words))];

                if (pick(rate) != 0)
                        buf_addf(from, "%s\n", word);
                if (pick(rate) != 0)
                        buf_addf(to, "%s\n", pick(rate) == 0 ? "new" : word);
        }
        if (pick(3) == 0)
                buf_adds(from, "end");
        if (pick(3) == 0)
                buf_adds(to, "end");
}

static void test_patch(void **state)
{
        (void)state;
        if (run("--version >/dev/null") != 0)
                skip();
        for (seed = 1; seed < 200 * 7919U; seed += 7919) {
                uint32_t kept = seed;
                AUTO_BUF from = BUF_INIT;
                AUTO_BUF to = BUF_INIT;
                AUTO_BUF out = BUF_INIT;

                random_pair(&from, &to);
                seed = kept;
                diff(buf_str(&from), buf_str(&to), &out);
                assert_true((out.len == 0) == (strcmp(buf_str(&from), buf_str(&to)) == 0));
                if (out.len == 0)
                        continue;
                write_file("from", &from);
                write_file("diff", &out);
                /* No fuzz: each line of context must be where the diff says. */
                assert_int_equal(run("-s -f -F0 -o to from diff"), 0);
                expect_file("to", &to);
        }
}

/* Lines are counted from the first of the file, whatever is set aside. */
static void test_head_and_tail(void **state)
{
        AUTO_BUF from = BUF_INIT;
        AUTO_BUF to = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < 100; i++) {
                buf_addf(&from, "%zu\n", i);
                buf_adds(&to, i == 60 ? "X\n" : "");
                if (i != 50)
                        buf_addf(&to, "%zu\n", i);
        }
        buf_adds(&from, "end");
        buf_adds(&to, "end");
        expect(buf_str(&from), buf_str(&to),
               HEAD "@@ -48,7 +48,6 @@\n 47\n 48\n 49\n-50\n 51\n 52\n 53\n"
                    "@@ -58,6 +57,7 @@\n 57\n 58\n 59\n+X\n 60\n 61\n 62\n");
        expect("a\nb\nc\nd\ne", "a\nb\nc\nd\ne\n",
               HEAD "@@ -2,4 +2,4 @@\n b\n c\n d\n-e\n\\ No newline at end of file\n+e\n");
        expect("a\nb\nc\nd\n", "a\nb\nc\nd\nd\n", HEAD "@@ -2,3 +2,4 @@\n b\n c\n d\n+d\n");
        expect("xb\n1\n2\n3\n4\n", "b\n1\n2\n3\n4\n",
               HEAD "@@ -1,4 +1,4 @@\n-xb\n+b\n 1\n 2\n 3\n");
}

static int make_directory(void **state)
{
        (void)state;
        return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
        static const char *const names[] = { "from", "diff", "to" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                AUTO_BUF path = BUF_INIT;

                in_directory(names[i], &path);
                (void)remove(buf_str(&path));
        }
        return rmdir(directory);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_equal),
                cmocka_unit_test(test_create_and_delete),
                cmocka_unit_test(test_context),
                cmocka_unit_test(test_hunks_join),
                cmocka_unit_test(test_no_newline),
                cmocka_unit_test(test_shortest),
                cmocka_unit_test(test_escapes),
                cmocka_unit_test(test_long_line),
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_beyond_all_bounds),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_head_and_tail),
                cmocka_unit_test_setup_teardown(test_patch, make_directory, remove_directory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
