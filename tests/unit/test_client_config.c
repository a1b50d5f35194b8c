/* SPDX-License-Identifier: MIT
 *
 * test_client.c: what is printed for the other side, for each kind of machine.
 */
#include "core/plan/client-config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Pairs from Microsoft's and the kernel's documentation. */
static void test_guid(void **state)
{
        static const struct {
                uint32_t port;
                const char *want;
        } table[] = {
                { 22, "00000016-FACB-11E6-BD58-64006A7986D3" },
                { 2222, "000008AE-FACB-11E6-BD58-64006A7986D3" },
                { 50000, "0000C350-FACB-11E6-BD58-64006A7986D3" },
                { 4294967294, "FFFFFFFE-FACB-11E6-BD58-64006A7986D3" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO_BUF b = BUF_INIT;

                client_guid(table[i].port, &b);
                assert_string_equal(buf_str(&b), table[i].want);
        }
}

static void test_stanzas(void **state)
{
        static const char *const want[N_ROUTES] = {
                [ROUTE_SYSTEMD] = "    HostName vsock/42\n"
                                  "    ProxyCommand /usr/lib/systemd/systemd-ssh-proxy %h 2222\n"
                                  "    ProxyUseFdpass yes\n",
                [ROUTE_MUX] = "    HostName vsock-mux/PATH\n"
                              "    ProxyCommand /usr/lib/systemd/systemd-ssh-proxy %h 2222\n"
                              "    ProxyUseFdpass yes\n",
                [ROUTE_SOCAT] = "    ProxyCommand socat - VSOCK-CONNECT:42:2222\n",
                [ROUTE_UNIX] =
                        "    ProxyCommand sh -c 'exec 3<&0 4>&1; exec socat UNIX-CONNECT:PATH "
                        "SYSTEM:\"exec 5<&0; echo CONNECT 2222; read ok || exit 1; "
                        "cat <&5 >&4 3<&- & exec cat <&3 4>&-\"'\n",
                [ROUTE_HVC] = "    ProxyCommand hvc.exe nc -t vsock box 2222\n",
                [ROUTE_WINSOCAT] = "    ProxyCommand winsocat.exe STDIO HVSOCK:VM-ID:vsock-2222\n",
        };
        static const char *const hosts[N_ROUTES] = { "box",      "box-mux", "box-socat",
                                                     "box-unix", "box-hvc", "box-winsocat" };
        const struct client c = { .name = "box", .port = 2222, .cid = 42 };

        (void)state;
        for (unsigned route = 0; route < N_ROUTES; route++) {
                AUTO_BUF b = BUF_INIT, whole = BUF_INIT, host = BUF_INIT;

                buf_addf(&whole, "Host %s\n    HostKeyAlias box.vsock\n    CheckHostIP no\n%s",
                         hosts[route], want[route]);
                client_stanza(&c, route, &b);
                assert_string_equal(buf_str(&b), buf_str(&whole));
                client_host(&c, route, &host);
                assert_string_equal(buf_str(&host), hosts[route]);
        }
}

static unsigned count(const char *text, const char *part)
{
        unsigned n = 0;

        for (; (text = strstr(text, part)); text += strlen(part))
                n++;
        return n;
}

/* Which hosts each kind of machine can have. */
static void test_ways(void **state)
{
        (void)state;
        for (unsigned virt = 0; virt < N_VIRTS; virt++) {
                const struct client c = { .name = "box", .port = 22, .cid = 3, .virt = virt };
                bool windows = virt == VIRT_WSL || virt == VIRT_MICROSOFT;
                unsigned want = virt == VIRT_UNKNOWN ? 6 : windows ? 2 : 4;
                AUTO_BUF b = BUF_INIT;

                client_render(&c, &b);
                assert_int_equal(count(buf_str(&b), "\nHost "), want);
                assert_int_equal(count(buf_str(&b), "HostKeyAlias box.vsock\n"), want);
                assert_int_equal(client_has_route(&c, ROUTE_SYSTEMD), !windows);
                assert_int_equal(client_has_route(&c, ROUTE_HVC), windows || virt == VIRT_UNKNOWN);
        }
}

/* Loopback's CID, the host's, and the kernel's word for none are no way in: a word stands in their
 * place, and it is said. */
static void test_no_cid(void **state)
{
        static const enum virt virts[] = { VIRT_UNKNOWN, VIRT_OTHER, VIRT_VMWARE, VIRT_WSL,
                                           VIRT_MICROSOFT };
        static const uint32_t cids[] = { 0, 1, 2, UINT32_MAX };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(virts) * ELEMENTSOF(cids); i++) {
                const struct client c = { .name = "box",
                                          .port = 22,
                                          .cid = cids[i % ELEMENTSOF(cids)],
                                          .virt = virts[i / ELEMENTSOF(cids)] };
                bool linux_host = client_has_route(&c, ROUTE_SYSTEMD);
                AUTO_BUF b = BUF_INIT;

                client_render(&c, &b);
                assert_int_equal(count(buf_str(&b), "HostName vsock/CID\n"), linux_host);
                assert_int_equal(count(buf_str(&b), "VSOCK-CONNECT:CID:22\n"), linux_host);
                assert_int_equal(count(buf_str(&b), "The CID is not known here"), linux_host);
                assert_null(strstr(buf_str(&b), "4294967295"));
        }
}

#define KEY                                                                                        \
        "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Virtualization\\"                        \
        "GuestCommunicationServices\\00000016-FACB-11E6-BD58-64006A7986D3"

static void test_registration(void **state)
{
        (void)state;
        for (unsigned virt = 0; virt < N_VIRTS; virt++) {
                const struct client c = { .name = "box", .port = 22, .virt = virt };
                unsigned want = virt == VIRT_MICROSOFT || virt == VIRT_UNKNOWN;
                AUTO_BUF b = BUF_INIT;

                client_render(&c, &b);
                assert_int_equal(client_is_registered(&c), want);
                assert_int_equal(count(buf_str(&b), "(New-Item -Force -Path \"HKLM:\\" KEY
                                                    "\").SetValue(\"ElementName\", "),
                                 want);
                assert_int_equal(count(buf_str(&b), "[HKEY_LOCAL_MACHINE\\" KEY "]\n"), want);
                assert_int_equal(count(buf_str(&b), "no registration is needed"), virt == VIRT_WSL);
        }
}

/* What nobody can come in by is not printed, the reason is; where the operator vouches, both are.
 */
static void test_no_way(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                const struct host_transport route = { .known = true,
                                                      .reachable = i == 2,
                                                      .assumed = i == 2,
                                                      .reason = "this is Azure",
                                                      .fix = "leave TCP open" };
                const struct client c = { .name = "box",
                                          .port = 22,
                                          .virt = VIRT_MICROSOFT,
                                          .host_transport = &route,
                                          .hostless = i == 0 };
                AUTO_BUF b = BUF_INIT;

                client_render(&c, &b);
                assert_int_equal(count(buf_str(&b), "\nHost box"), i == 0 ? 0 : 2);
                assert_int_equal(count(buf_str(&b), "New-Item"), i != 0);
                assert_int_equal(count(buf_str(&b),
                                       "# No host is known to come in: this is Azure.\n"
                                       "# Fix: leave TCP open.\n"),
                                 i != 2);
                assert_int_equal(count(buf_str(&b), "# Taken from host_transport: assume: this is "
                                                    "Azure.\n"),
                                 i == 2);
        }
}

/* Pasted as a whole into ssh_config, everything that is no stanza is a comment. */
static void test_is_ssh_config(void **state)
{
        const struct client c = { .name = "box", .port = 22, .virt = VIRT_UNKNOWN };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        client_render(&c, &b);
        for (const char *line = buf_str(&b); *line; line = strchr(line, '\n') + 1)
                assert_true(line[0] == '#' || line[0] == '\n' || strncmp(line, "    ", 4) == 0 ||
                            strncmp(line, "Host box", 8) == 0);
}

static void test_known_host(void **state)
{
        static const struct {
                const char *key, *want;
        } table[] = {
                { "ssh-ed25519 AAAA root@box\n", "box.vsock ssh-ed25519 AAAA\n" },
                { "ssh-ed25519 AAAA", "box.vsock ssh-ed25519 AAAA\n" },
                { "ssh-ed25519\t AAAA\tx y\nsecond line\n", "box.vsock ssh-ed25519 AAAA\n" },
                { "", "" },
                { "\n", "" },
                { "ssh-ed25519", "" },
                { "ssh-ed25519 \n", "" },
                { "ssh-ed25519\nAAAA\n", "" },
                { " ssh-ed25519 AAAA\n", "" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO_BUF b = BUF_INIT;

                client_known_host("box", table[i].key, &b);
                assert_string_equal(buf_str(&b), table[i].want);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_guid),         cmocka_unit_test(test_stanzas),
                cmocka_unit_test(test_ways),         cmocka_unit_test(test_no_cid),
                cmocka_unit_test(test_registration), cmocka_unit_test(test_is_ssh_config),
                cmocka_unit_test(test_known_host),   cmocka_unit_test(test_no_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
