/* SPDX-License-Identifier: MIT
 *
 * test_render_listen.c: listen_address as sshd and as a socket unit gets it.
 */
#include "core/plan/render.h"
#include "sample.h"

#define MARKER FILE_MARKER " Changes are lost at the next \"sshd-vsock apply\".\n"

static void expect(struct buf *b, const char *want)
{
        assert_int_equal(b->error, 0);
        assert_string_equal(buf_str(b), want);
        buf_free(b);
}

static void test_listen(void **state)
{
        AUTO(config_free)
        struct config c = sample_config(
                "listen_address: [127.0.0.1, '10.0.0.1:2200', '::1', '[fd80::1]:65535']");
        struct facts f = { 0 };
        AUTO(config_free)
        struct config twice = sample_config("listen_address: [127.0.0.1, '127.0.0.1:22']\n");
        struct unit_streams own = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_listen(&c, &b);
        expect(&b, "ListenAddress 127.0.0.1\nListenAddress 10.0.0.1:2200\nListenAddress ::1\n"
                   "ListenAddress [fd80::1]:65535\n");
        render_listen_dropin(&c, &b);
        expect(&b, MARKER "ListenAddress 127.0.0.1\nListenAddress 10.0.0.1:2200\n"
                          "ListenAddress ::1\nListenAddress [fd80::1]:65535\n");

#define DROPIN_HEAD MARKER "[Socket]\nListenStream=\nFreeBind=yes\nBindIPv6Only=ipv6-only\n"
        render_socket_dropin(&c, &f, &own, &b);
        expect(&b, DROPIN_HEAD "ListenStream=127.0.0.1:22\nListenStream=10.0.0.1:2200\n"
                               "ListenStream=[::1]:22\nListenStream=[fd80::1]:65535\n");

        /* sshd's own Ports stand in for the one that is not given */
        f.sshd_ports[f.n_sshd_ports++] = 22;
        f.sshd_ports[f.n_sshd_ports++] = 2022;
        render_socket_dropin(&c, &f, &own, &b);
        expect(&b, DROPIN_HEAD "ListenStream=127.0.0.1:22\nListenStream=127.0.0.1:2022\n"
                               "ListenStream=10.0.0.1:2200\n"
                               "ListenStream=[::1]:22\nListenStream=[::1]:2022\n"
                               "ListenStream=[fd80::1]:65535\n");

        /* … unless the unit has ports of its own; what else it has stays, but for a stream on
         * our own port; no address comes twice */
        own.ports[own.n_ports++] = 2200;
        buf_adds(&own.others, "ListenStream=vsock::22\nListenStream=vsock::1022\n"
                              "ListenStream=/run/x\n");
        render_socket_dropin(&c, &f, &own, &b);
        expect(&b, DROPIN_HEAD "ListenStream=127.0.0.1:2200\nListenStream=10.0.0.1:2200\n"
                               "ListenStream=[::1]:2200\nListenStream=[fd80::1]:65535\n"
                               "ListenStream=vsock::1022\nListenStream=/run/x\n");
        unit_streams_free(&own);
        f.n_sshd_ports = 0;
        render_socket_dropin(&twice, &f, &own, &b);
        expect(&b, DROPIN_HEAD "ListenStream=127.0.0.1:22\n");
}

/* A wildcard has all of its family on its port: what it covers cannot be bound besides. */
static void test_socket_with_wildcards(void **state)
{
        static const struct {
                const char *yaml, *streams;
        } table[] = {
                { "listen_address: [0.0.0.0, 127.0.0.1]", "ListenStream=0.0.0.0:22\n" },
                { "listen_address: ['::1', '::', 127.0.0.1]",
                  "ListenStream=[::]:22\nListenStream=127.0.0.1:22\n" },
                { "listen_address: ['10.0.0.1:2222', '0.0.0.0:22', '10.0.0.1', '10.0.0.1:22']",
                  "ListenStream=0.0.0.0:22\nListenStream=10.0.0.1:2222\n" },
                { "listen_address: ['0.0.0.0:2222', 10.0.0.1]",
                  "ListenStream=0.0.0.0:2222\nListenStream=10.0.0.1:22\n" },
                { "listen_address: ['0.0.0.0:222', '10.0.0.1:22', '110.0.0.0:22']",
                  "ListenStream=0.0.0.0:222\nListenStream=10.0.0.1:22\n"
                  "ListenStream=110.0.0.0:22\n" },
        };
        struct facts f = { 0 };
        struct unit_streams own = { 0 };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(config_free) struct config c = sample_config(table[i].yaml);
                AUTO_BUF b = BUF_INIT, want = BUF_INIT;

                render_socket_dropin(&c, &f, &own, &b);
                buf_addf(&want, "%s%s", DROPIN_HEAD, table[i].streams);
                expect(&b, buf_str(&want));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_listen),
                cmocka_unit_test(test_socket_with_wildcards),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
