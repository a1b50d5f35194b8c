/* SPDX-License-Identifier: MIT
 *
 * test_client_config.c: what is printed for the other side, for each kind of machine.
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

#define PROXY "/usr/lib/systemd/systemd-ssh-proxy"
#define SOCAT "    ProxyCommand socat - VSOCK-CONNECT:42:2222\n"
#define ID    "0cb41c0b-fd26-4a41-8370-dccb048e216e"
#define SHELL(to)                                                                                  \
        "sh -c 'exec 3<&0 4>&1; exec socat UNIX-CONNECT:" to " SYSTEM:\"exec 5<&0; "               \
        "echo CONNECT 2222; read ok || exit 1; cat <&5 >&4 3<&- & exec cat <&3 4>&-\"'"
#define FDPASS(to)                                                                                 \
        "    HostName " to "\n    ProxyCommand " PROXY " %h 2222\n"                                \
        "    ProxyUseFdpass yes\n"
#define WSL(d)                                                                                     \
        "    ProxyCommand cmd.exe /d /q /c for /f %%i in ('wsl.exe " d                             \
        "-e wslinfo --vm-id ^<nul') do winsocat.exe STDIO HVSOCK:%%i:vsock-2222\n"

/* One row per kind of host: by what this machine knows, by nothing, and by what the user says. */
static const struct {
        const char *id, *known, *unknown, *address, *said;
} rows[N_ROUTES] = {
        [ROUTE_LINUX] = { "linux", SOCAT, "    ProxyCommand socat - VSOCK-CONNECT:CID:2222\n", "7",
                          "    ProxyCommand socat - VSOCK-CONNECT:7:2222\n" },
        [ROUTE_SYSTEMD] = { "systemd", FDPASS("vsock/42"), FDPASS("vsock/CID"), "7",
                            FDPASS("vsock/7") },
        [ROUTE_SOCAT] = { "socat", SOCAT, "    ProxyCommand socat - VSOCK-CONNECT:CID:2222\n", "7",
                          "    ProxyCommand socat - VSOCK-CONNECT:7:2222\n" },
        [ROUTE_MUX] = { "mux", FDPASS("vsock-mux/PATH"), FDPASS("vsock-mux/PATH"), "/run/v",
                        FDPASS("vsock-mux//run/v") },
        [ROUTE_UNIX] = { "unix", "    ProxyCommand " SHELL("PATH") "\n",
                         "    ProxyCommand " SHELL("PATH") "\n", "/run/v",
                         "    ProxyCommand " SHELL("/run/v") "\n" },
        [ROUTE_HVC] = { "hvc", "    ProxyCommand hvc.exe nc -t vsock " ID " 2222\n",
                        "    ProxyCommand hvc.exe nc -t vsock VM-NAME 2222\n", "mint",
                        "    ProxyCommand hvc.exe nc -t vsock mint 2222\n" },
        [ROUTE_WINSOCAT] = { "winsocat",
                             "    ProxyCommand winsocat.exe STDIO HVSOCK:" ID ":vsock-2222\n",
                             "    ProxyCommand winsocat.exe STDIO HVSOCK:VM-ID:vsock-2222\n", ID,
                             "    ProxyCommand winsocat.exe STDIO HVSOCK:" ID ":vsock-2222\n" },
        [ROUTE_WSL] = { "wsl", WSL("-d Debian "), WSL(""), "Mint-22", WSL("-d Mint-22 ") },
};

/* systemd's way for `cid`, in front of socat's. */
static void add_match(enum client_route route, const char *cid, struct buf *out)
{
        if (route == ROUTE_LINUX)
                buf_addf(out,
                         "Match originalhost box exec \"test -x " PROXY "\"\n"
                         "    ProxyCommand " PROXY " vsock/%s 2222\n    ProxyUseFdpass yes\n",
                         cid);
}

static void expect_stanza(const struct client *c, const char *cid, const char *more,
                          const char *want)
{
        AUTO_BUF b = BUF_INIT, whole = BUF_INIT;

        add_match(c->route, cid, &whole);
        buf_addf(&whole, "Host box\n    HostKeyAlias box.vsock\n    CheckHostIP no\n%s%s", more,
                 want);
        client_stanza(c, c->route, &b);
        assert_string_equal(buf_str(&b), buf_str(&whole));
}

static void test_stanzas(void **state)
{
        (void)state;
        for (unsigned route = 0; route < N_ROUTES; route++) {
                struct client c = { .name = "box", .port = 2222, .asked = true, .route = route };

                assert_string_equal(client_routes[route].id, rows[route].id);
                expect_stanza(&c, "CID", "", rows[route].unknown);
                c.cid = 42;
                c.vm_id = ID;
                c.vm_name = "mint";
                c.distribution = "Debian";
                expect_stanza(&c, "42", "", rows[route].known);
                c.address = rows[route].address;
                expect_stanza(&c, "7", "", rows[route].said);
                c.user = "admin";
                expect_stanza(&c, "7", "    User admin\n", rows[route].said);
                c.identity = "~/.ssh/a key";
                expect_stanza(&c, "7",
                              "    User admin\n    IdentityFile \"~/.ssh/a key\"\n"
                              "    IdentitiesOnly yes\n",
                              rows[route].said);
        }
}

/* What has quotes of its own gets through two shells. */
static void test_jump(void **state)
{
        static const char *const want[N_ROUTES] = {
                [ROUTE_SOCAT] = "    ProxyCommand ssh -T me@hyp socat - VSOCK-CONNECT:42:2222\n",
                [ROUTE_UNIX] = "    ProxyCommand ssh -T me@hyp 'sh -c '\\''exec 3<&0 4>&1; exec "
                               "socat UNIX-CONNECT:PATH SYSTEM:\"exec 5<&0; echo CONNECT 2222; "
                               "read ok || exit 1; cat <&5 >&4 3<&- & exec cat <&3 4>&-\"'\\'''\n",
                [ROUTE_HVC] = "    ProxyCommand ssh -T me@hyp hvc.exe nc -t vsock mint 2222\n",
                [ROUTE_WINSOCAT] = "    ProxyCommand ssh -T me@hyp winsocat.exe STDIO "
                                   "HVSOCK:VM-ID:vsock-2222\n",
        };

        (void)state;
        for (unsigned route = 0; route < N_ROUTES; route++) {
                const struct client c = { .name = "box",
                                          .port = 2222,
                                          .cid = 42,
                                          .asked = true,
                                          .route = route,
                                          .vm_name = "mint",
                                          .jump = "me@hyp" };

                assert_int_equal(client_routes[route].jumps, want[route] != NULL);
                if (want[route])
                        expect_stanza(&c, "42", "", want[route]);
        }
}

static unsigned count(const char *text, const char *part)
{
        unsigned n = 0;

        for (; (text = strstr(text, part)); text += strlen(part))
                n++;
        return n;
}

/* Which hosts each kind of machine can have, and which one is meant where nobody says. */
static void test_ways(void **state)
{
        (void)state;
        for (unsigned virt = 0; virt < N_VIRTS; virt++) {
                struct client c = { .name = "box", .port = 22, .cid = 3, .virt = virt };
                bool all = virt == VIRT_UNKNOWN, hyperv = virt == VIRT_MICROSOFT;
                bool wsl = virt == VIRT_WSL;
                enum client_route windows = wsl ? ROUTE_WSL : ROUTE_HVC;

                for (unsigned route = 0; route < N_ROUTES; route++) {
                        bool by_vm = route == ROUTE_HVC || route == ROUTE_WINSOCAT;
                        bool want = all || (route == ROUTE_WSL ? wsl
                                            : by_vm            ? hyperv
                                                               : !hyperv && !wsl);

                        assert_int_equal(client_has_route(&c, route), want);
                }
                assert_int_equal(client_pick(&c), hyperv || wsl ? windows : ROUTE_LINUX);
                c.jump = "hyp";
                assert_int_equal(client_pick(&c), hyperv || wsl ? windows : ROUTE_SOCAT);
                assert_false(client_has_route(&c, ROUTE_LINUX));
                assert_false(client_has_route(&c, ROUTE_WSL));
                c.by_socket = true;
                assert_int_equal(client_pick(&c), hyperv || wsl ? windows : ROUTE_UNIX);
        }
}

/* What is asked for is printed, whatever the machine is known to be, and nothing else. */
static void test_asked(void **state)
{
        (void)state;
        for (unsigned i = 0; i < N_VIRTS * N_ROUTES; i++) {
                const struct client c = { .name = "box",
                                          .port = 22,
                                          .virt = i / N_ROUTES,
                                          .hostless = true,
                                          .asked = true,
                                          .route = i % N_ROUTES };
                AUTO_BUF b = BUF_INIT;

                for (unsigned route = 0; route < N_ROUTES; route++)
                        assert_int_equal(client_has_route(&c, route), route == c.route);
                client_render(&c, &b);
                assert_int_equal(count(buf_str(&b), "Host box\n"), 1);
                assert_int_equal(count(buf_str(&b), "another kind of host"), 0);
        }
}

/* One name, one stanza; the others are named. */
static void test_one_stanza(void **state)
{
        static const char *const others[N_VIRTS] = {
                [VIRT_UNKNOWN] = "systemd, socat, mux, unix, hvc, winsocat, wsl\n",
                [VIRT_MICROSOFT] = "winsocat\n",
                [VIRT_WSL] = "",
        };

        (void)state;
        for (unsigned virt = 0; virt < N_VIRTS; virt++) {
                const struct client c = { .name = "box", .port = 22, .cid = 3, .virt = virt };
                const char *want = others[virt] ? others[virt] : "systemd, socat, mux, unix\n";
                AUTO_BUF b = BUF_INIT, line = BUF_INIT;

                client_render(&c, &b);
                assert_int_equal(count(buf_str(&b), "\nHost "), 1);
                assert_int_equal(count(buf_str(&b), "HostKeyAlias box.vsock\n"), 1);
                buf_addf(&line, "# For another kind of host: --for=%s", want);
                assert_int_equal(count(buf_str(&b), buf_str(&line)), want[0] != '\0');
        }
}

/* Loopback's CID, the host's, and the kernel's word for none are no way in: a word stands in their
 * place, and it is said. */
static void test_no_cid(void **state)
{
        static const uint32_t cids[] = { 0, 1, 2, UINT32_MAX };
        static const enum client_route routes[] = { ROUTE_LINUX, ROUTE_SYSTEMD, ROUTE_SOCAT };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cids) * ELEMENTSOF(routes); i++) {
                enum client_route route = routes[i / ELEMENTSOF(cids)];
                const struct client c = { .name = "box",
                                          .port = 22,
                                          .asked = true,
                                          .route = route,
                                          .cid = cids[i % ELEMENTSOF(cids)] };
                AUTO_BUF b = BUF_INIT, want = BUF_INIT;

                client_render(&c, &b);
                buf_addf(&want,
                         "# Put the CID that the host gave this machine in CID's place, or say "
                         "--for=%s:CID.\n",
                         client_routes[route].id);
                assert_int_equal(count(buf_str(&b), buf_str(&want)), 1);
                assert_null(strstr(buf_str(&b), "4294967295"));
        }
}

/* What is known needs no word of advice. */
static void test_nothing_to_fill_in(void **state)
{
        (void)state;
        for (unsigned route = 0; route < N_ROUTES; route++) {
                struct client c = { .name = "box", .port = 22, .asked = true, .route = route };
                AUTO_BUF before = BUF_INIT, after = BUF_INIT;

                client_render(&c, &before);
                assert_int_equal(count(buf_str(&before), "say --for="), 1);
                c.address = rows[route].address;
                client_render(&c, &after);
                assert_int_equal(count(buf_str(&after), "say --for="), 0);
        }
}

#define KEY                                                                                        \
        "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Virtualization\\"                        \
        "GuestCommunicationServices\\00000016-FACB-11E6-BD58-64006A7986D3"

/* For who comes by Hyper-V's own sockets; to WSL's machine the user who started it may. */
static void test_registration(void **state)
{
        (void)state;
        for (unsigned i = 0; i < N_VIRTS * (N_ROUTES + 1); i++) {
                struct client c = { .name = "box", .port = 22, .virt = i % N_VIRTS };
                unsigned route = i / N_VIRTS;
                bool by_vm = route == ROUTE_HVC || route == ROUTE_WINSOCAT, want;
                AUTO_BUF b = BUF_INIT;

                c.asked = route < N_ROUTES;
                c.route = c.asked ? route : 0;
                want = c.asked ? by_vm : c.virt == VIRT_MICROSOFT;
                client_render(&c, &b);
                assert_int_equal(client_is_registered(&c),
                                 want || (!c.asked && c.virt == VIRT_UNKNOWN));
                assert_int_equal(count(buf_str(&b), "(New-Item -Force -Path \"HKLM:\\" KEY
                                                    "\").SetValue(\"ElementName\", "),
                                 want);
                assert_int_equal(count(buf_str(&b), "[HKEY_LOCAL_MACHINE\\" KEY "]\n"), want);
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
                assert_int_equal(count(buf_str(&b), "\nHost box"), i != 0);
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

/* As a whole it is a file for Include: everything that is no stanza is a comment. */
static void test_is_ssh_config(void **state)
{
        (void)state;
        for (unsigned route = 0; route <= N_ROUTES; route++) {
                const struct client c = { .name = "box",
                                          .port = 22,
                                          .asked = route < N_ROUTES,
                                          .route = route < N_ROUTES ? route : 0 };
                AUTO_BUF b = BUF_INIT;

                client_render(&c, &b);
                for (const char *line = buf_str(&b); *line; line = strchr(line, '\n') + 1)
                        assert_true(line[0] == '#' || line[0] == '\n' ||
                                    strncmp(line, "    ", 4) == 0 ||
                                    strncmp(line, "Host box\n", 9) == 0 ||
                                    strncmp(line, "Match originalhost box ", 23) == 0);
        }
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
                cmocka_unit_test(test_jump),         cmocka_unit_test(test_ways),
                cmocka_unit_test(test_asked),        cmocka_unit_test(test_one_stanza),
                cmocka_unit_test(test_no_cid),       cmocka_unit_test(test_nothing_to_fill_in),
                cmocka_unit_test(test_registration), cmocka_unit_test(test_is_ssh_config),
                cmocka_unit_test(test_known_host),   cmocka_unit_test(test_no_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
