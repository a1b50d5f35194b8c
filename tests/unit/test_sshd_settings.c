/* SPDX-License-Identifier: MIT
 *
 * test_sshd_settings.c: host keys, address family and main file as sshd's command and files give
 * them.
 */
#include "core/format/sshd-settings.h"

#include "sample.h"

#include <string.h>

static void show(const struct sshd_settings *s, struct buf *out)
{
        buf_addf(out, "%s %d", s->config ? s->config : "-", s->has_family ? s->family : -1);
        for (size_t i = 0; i < s->host_keys.n; i++)
                buf_addf(out, " %s", s->host_keys.list[i]);
        for (size_t i = 0; i < s->listen.n; i++)
                buf_addf(out, " at %s", s->listen.list[i]);
}

static void expect(const char *const *words, const char *file, const char *want)
{
        AUTO(argv_free) struct argv options = { 0 };
        AUTO(sshd_settings_free) struct sshd_settings s = { 0 };
        AUTO(sshd_config_free) struct sshd_config c = { 0 };
        AUTO_BUF text = BUF_INIT;

        for (size_t i = 0; words[i]; i++)
                assert_int_equal(argv_adds(&options, words[i]), 0);
        assert_int_equal(sshd_settings_options(&options, &s), 0);
        assert_int_equal(sshd_config_scan(file, strlen(file), &c), 0);
        for (size_t i = 0; i < c.n; i++)
                assert_int_equal(sshd_settings_item(&c.items[i], &s), 0);
        show(&s, &text);
        assert_string_equal(buf_str(&text), want);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NONE       ((const char *const[]){ NULL })

static void test_files(void **state)
{
        (void)state;
        expect(NONE, "", "- -1");
        expect(NONE, "#HostKey /a\nHostKey /b\nhostkey=\"/c d\"\nHostKey /b\n", "- -1 /b /c d");
        expect(NONE, "HostKey none\nHostKey run/k # mine\n", "- -1 /run/k");
        expect(NONE, "AddressFamily INET6\nAddressFamily inet\n", "- 6");
        expect(NONE, "AddressFamily any\nAddressFamily inet\n", "- 0");
        expect(NONE, "HostCertificate /k-cert.pub\nHostKeyAlgorithms x\nHostKeyAgent y\n", "- -1");
        expect(NONE, "Match user a\nHostKey /a\nAddressFamily inet\n", "- -1");
        expect(NONE, "Match user a\nMatch all\nHostKey /a\n", "- -1 /a");
}

static void test_options(void **state)
{
        (void)state;
        expect(WORDS("-D", "-f", "/etc/x", "-4"), "", "/etc/x 4");
        expect(WORDS("-Df/etc/x", "-de6"), "AddressFamily inet\n", "/etc/x 6");
        expect(WORDS("-f", "a", "-f", "b"), "", "b -1");
        expect(WORDS("-h", "/k", "-oHostKey=/l", "-o", "HostKey /m"), "HostKey /n\n",
               "- -1 /k /l /m /n");
        expect(WORDS("-oAddressFamily=inet", "-p", "-4"), "AddressFamily inet6\n", "- 4");
        expect(WORDS("-u0", "-o", "Port=4", "-h/k"), "", "- -1 /k");
        expect(WORDS("word", "-4"), "", "- -1");
        expect(WORDS("-", "-4"), "", "- -1");
        expect(WORDS("-f"), "", "- -1");
        expect(WORDS("-y", "-4"), "", "- -1");
}

static void test_addresses(void **state)
{
        (void)state;
        expect(WORDS("-oListenAddress=::1", "-o", "listenaddress 10.0.0.1:22", "-oPort=1"), "",
               "- -1 at ::1 at 10.0.0.1:22");
        expect(WORDS("-Df/x"),
               "#ListenAddress ::\nListenAddress [::1] # mine\n" SSHD_CONFIG_BEGIN
               "\nListenAddress 10.0.0.1\n" SSHD_CONFIG_END "\n",
               "/x -1 at [::1]");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_options),
                cmocka_unit_test(test_addresses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
