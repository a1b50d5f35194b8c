/* SPDX-License-Identifier: MIT
 *
 * test_config.c: values that come out, the way back to text, and memory that runs out at any
 * moment. The words of the faults are in tests/corpus/config.
 */
#include "core/format/passwd.h"
#include "core/plan/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- memory that runs out: the linker puts these in place of the C library's (--wrap) -----------
 */

static unsigned allocations;
static unsigned failing; /* the one that fails, from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
int __real_vasprintf(char **ret, const char *fmt, va_list ap);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap) PRINTF(2, 0);

static bool fails(void)
{
        return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
        return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
        return fails() ? NULL : __real_strdup(s);
}

int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
        return fails() ? -1 : __real_vasprintf(ret, fmt, ap);
}

/* ---- values ---------------------------------------------------------------------------------- */

static struct config parse(const char *text)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        struct config c = { 0 };

        if (config_parse(text, strlen(text), NULL, &d, &c) != 0)
                fail_msg("%s\n%s", text, buf_str(&d.out));
        assert_int_equal(d.n_errors, 0);
        return c;
}

static void test_defaults(void **state)
{
        static const char *const texts[] = {
                "",
                "# nothing\n",
                "---\n",
                ("port: 22\ndisable_tcp: false\nhushlogin: false\nhosts_entry: true\n"
                 "verify_timeout: 10\n"),
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                AUTO(config_free) struct config c = parse(texts[i]);

                assert_int_equal(c.port, 22);
                assert_false(c.disable_tcp);
                assert_int_equal(c.n_listen, 0);
                assert_false(c.assume_host);
                assert_int_equal(c.hushlogin, HUSHLOGIN_OFF);
                assert_int_equal(c.n_users, 0);
                assert_string_equal(c.hosts_address, "127.0.0.1");
                assert_int_equal(c.verify_timeout, 10);
        }
}

static void test_values(void **state)
{
        AUTO(config_free)
        struct config c =
                parse("port: 4294967294\nlisten_address: [127.0.0.1, '[2001:DB8:0::1]:65535']\n"
                      "hushlogin:\n- root\n- admin\nhosts_entry: false\nverify_timeout: 300\n");

        (void)state;
        assert_int_equal(c.port, 4294967294);
        assert_int_equal(c.n_listen, 2);
        assert_string_equal(c.listen[0].address, "127.0.0.1");
        assert_false(c.listen[0].ipv6);
        assert_int_equal(c.listen[0].port, 0);
        assert_string_equal(c.listen[1].address, "2001:db8::1");
        assert_true(c.listen[1].ipv6);
        assert_int_equal(c.listen[1].port, 65535);
        assert_int_equal(c.listen[1].at.column, 29);
        assert_int_equal(c.hushlogin, HUSHLOGIN_USERS);
        assert_int_equal(c.n_users, 2);
        assert_string_equal(c.users[1].name, "admin");
        assert_int_equal(c.users[1].at.line, 5);
        assert_null(c.hosts_address);
        assert_int_equal(c.verify_timeout, 300);
}

/* On failure the caller's configuration is untouched, and the file's text is there for quoting. */
static void test_failure(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        struct config c = { .port = 77 };
        const char text[] = "port: 1\nprot: 1\n";

        (void)state;
        assert_int_equal(config_parse(text, strlen(text), NULL, &d, &c), -EBADMSG);
        assert_int_equal(c.port, 77);
        assert_ptr_equal(d.text, text);
        assert_int_equal(d.n_errors, 1);
}

static void test_size(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        AUTO_FREE char *text = malloc(CONFIG_SIZE_MAX + 1);
        AUTO(config_free) struct config c = { 0 };

        (void)state;
        memset(text, '#', CONFIG_SIZE_MAX + 1);
        assert_int_equal(config_parse(text, CONFIG_SIZE_MAX + 1, NULL, &d, &c), -EBADMSG);
        assert_string_equal(buf_str(&d.out), "f: error: is larger than 64 KiB\n");
        assert_int_equal(config_parse(text, CONFIG_SIZE_MAX, NULL, &d, &c), 0);
}

static void test_users(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        static const char passwd[] = "root:x:0:0::/root:/bin/sh\n";
        static const char text[] = "prot: 22\nhushlogin: [bob, root, eve]\n";
        AUTO(users_free) struct users users = { 0 };
        AUTO(config_free) struct config c = { 0 };

        (void)state;
        assert_int_equal(users_parse(passwd, strlen(passwd), &users), 0);
        assert_int_equal(config_parse(text, strlen(text), &users, &d, &c), -EBADMSG);
        assert_string_equal(
                buf_str(&d.out),
                "f:1:1: error: unknown key \"prot\"; did you mean \"port\"?\n"
                "    1 | prot: 22\n      | ^~~~\n"
                "f:2:13: error: hushlogin[0]: there is no user \"bob\"\n"
                "    2 | hushlogin: [bob, root, eve]\n      |             ^~~\n"
                "f:2:24: error: hushlogin[2]: there is no user \"eve\"\n"
                "    2 | hushlogin: [bob, root, eve]\n      |                        ^~~\n");
}

/* ---- the way back ---------------------------------------------------------------------------- */

static void render(const char *text, const char *want)
{
        AUTO(config_free) struct config c = parse(text);
        AUTO_BUF out = BUF_INIT, again = BUF_INIT;

        config_render(&c, &out);
        assert_string_equal(buf_str(&out), want);
        for (size_t i = 0; i < out.len; i++) /* what systemd would take for something else */
                assert_true((out.data[i] >= ' ' && out.data[i] < 0x7f && out.data[i] != '%' &&
                             out.data[i] != '\\' && out.data[i] != '"') ||
                            out.data[i] == '\n');
        {
                AUTO(config_free) struct config back = parse(buf_str(&out));

                config_render(&back, &again);
                assert_string_equal(buf_str(&again), want);
        }
}

static void test_render(void **state)
{
        (void)state;
        render("", "");
        render("hushlogin: []\nhosts_entry: 127.0.0.1\n", "");
        render("verify_timeout: 11\nport: 23\ndisable_tcp: true\n",
               "port: 23\ndisable_tcp: true\nverify_timeout: 11\n");
        render("host_transport: auto\n", "");
        render("hushlogin: true\nhost_transport: 'assume'\n",
               "host_transport: assume\nhushlogin: true\n");
        render("listen_address: ::1\n", "listen_address: ['::1']\n");
        render("listen_address: [\"[0::1]:22\", 127.0.0.1, \"10.0.0.1:2222\", \"[::]\"]\n",
               "listen_address: ['[::1]:22', 127.0.0.1, '10.0.0.1:2222', '::']\n");
        render("hushlogin: true\n", "hushlogin: true\n");
        render("hushlogin: [root, 'no', '123', a.b, '.5', '2024-01-31']\n",
               "hushlogin: [root, 'no', '123', a.b, '.5', 2024-01-31]\n");
        render("hosts_entry: false\n", "hosts_entry: false\n");
        render("hosts_entry: \"100::55:4e4b\"\n", "hosts_entry: '100::55:4e4b'\n");
        render("hosts_entry: 10.0.0.1\n", "hosts_entry: 10.0.0.1\n");
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Fails each allocation in turn: -ENOMEM, or the result of a run that got through. What leaks is
 * found by the sanitizer. */
static void sweep(const char *text, int want)
{
        for (unsigned n = 1;; n++) {
                AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
                AUTO(config_free) struct config c = { .port = 77 };
                bool reached;
                int r;

                allocations = 0;
                failing = n;
                r = config_parse(text, strlen(text), NULL, &d, &c);
                reached = allocations >= failing;
                failing = 0;
                if (!reached) {
                        assert_int_equal(r, want);
                        assert_true(n > 2); /* or nothing is wrapped */
                        return;
                }
                assert_int_equal(r, -ENOMEM);
                assert_int_equal(c.port, 77);
        }
}

static void test_memory(void **state)
{
        AUTO_BUF large = BUF_INIT;

        (void)state;
        sweep("", 0);
        sweep("port: 1\nlisten_address: [127.0.0.1, '[::1]:22']\nhushlogin: [root, admin]\n"
              "hosts_entry: ::1\n",
              0);
        sweep("listen_address: ['::1']\nport: x\n", -EBADMSG);
        sweep("port: x\nprot: 1\nport: 2\nlisten_address: [1.1.1.1, 1.1.1.1, no]\n"
              "disable_tcp: true\nhushlogin: [a, a, '']\nhosts_entry: &a 1.2.3\nx: *a\n",
              -EBADMSG);
        for (unsigned i = 0; i < 300; i++) /* so that everything has to grow */
                buf_addf(&large, "%s user%u", i ? "," : "hushlogin: [", i);
        buf_adds(&large, "]\n");
        sweep(buf_str(&large), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
                cmocka_unit_test(test_failure),  cmocka_unit_test(test_size),
                cmocka_unit_test(test_users),    cmocka_unit_test(test_render),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
