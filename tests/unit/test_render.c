/* SPDX-License-Identifier: MIT
 *
 * test_render.c: the exact bytes of each file that is ours, for the facts that change them.
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

#define SOCKET(port, poll)                                                                         \
        MARKER "[Unit]\n"                                                                          \
               "Description=SSH on AF_VSOCK\n"                                                     \
               "Documentation=man:sshd-vsock(8)\n"                                                 \
               "Wants=sshd-vsock-hostkeys.service\n"                                               \
               "\n"                                                                                \
               "[Socket]\n"                                                                        \
               "ListenStream=vsock::" port "\n"                                                    \
               "Accept=yes\n"                                                                      \
               "MaxConnections=64\n"                                                               \
               "MaxConnectionsPerSource=8\n"                                                       \
               "TriggerLimitIntervalSec=0\n" poll "LogLevelMax=err\nCPUWeight=100\n\n"             \
               "[Install]\n"                                                                       \
               "WantedBy=sockets.target\n"
#define POLL_LIMIT "PollLimitIntervalSec=0\n"

/* An older systemd would log the unknown directive at every boot. */
static void test_socket(void **state)
{
        static const struct {
                unsigned version;
                const char *config, *want;
        } table[] = {
                { 0, "", SOCKET("22", "") },
                { 247, "port: 2222", SOCKET("2222", "") },
                { 254, "", SOCKET("22", "") },
                { 255, "", SOCKET("22", POLL_LIMIT) },
                { 262, "port: 4294967294", SOCKET("4294967294", POLL_LIMIT) },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(config_free) struct config c = sample_config(table[i].config);
                struct facts f = { .systemd_version = table[i].version };
                AUTO_BUF b = BUF_INIT;

                render_socket(&c, &f, &b);
                expect(&b, table[i].want);
        }
}

#define TEMPLATE(service)                                                                          \
        MARKER "[Unit]\n"                                                                          \
               "Description=SSH connection on AF_VSOCK (%I)\n"                                     \
               "Documentation=man:sshd-vsock(8) man:sshd(8)\n"                                     \
               "Wants=sshd-vsock-hostkeys.service\n"                                               \
               "After=sshd-vsock-hostkeys.service\n"                                               \
               "CollectMode=inactive-or-failed\n"                                                  \
               "\n"                                                                                \
               "[Service]\n" service "StandardInput=socket\n"                                      \
               "StandardError=journal\n"                                                           \
               "RuntimeDirectory=sshd\n"                                                           \
               "RuntimeDirectoryMode=0755\n"                                                       \
               "RuntimeDirectoryPreserve=yes\n"

static void test_template(void **state)
{
        struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_template(&f, &b);
        expect(&b, TEMPLATE("ExecStart=-/usr/sbin/sshd -i\n"));

        f.sshd = text("/usr/bin/sshd");
        render_template(&f, &b);
        expect(&b, TEMPLATE("ExecStart=-/usr/bin/sshd -i\n"));

        f.environments = 1u << 0;
        render_template(&f, &b);
        expect(&b, TEMPLATE("EnvironmentFile=-/etc/default/ssh\n"
                            "ExecStart=-/usr/bin/sshd -i $SSHD_OPTS\n"));

        f.environments = 1u << 1 | 1u << 3;
        render_template(&f, &b);
        expect(&b, TEMPLATE("EnvironmentFile=-/etc/sysconfig/sshd\n"
                            "EnvironmentFile=-/etc/crypto-policies/back-ends/"
                            "opensshserver.config\n"
                            "ExecStart=-/usr/bin/sshd -i $OPTIONS $CRYPTO_POLICY\n"));
}

static void test_keygen(void **state)
{
        struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT, named = BUF_INIT;

        (void)state;
        render_keygen(&f, &b);
        for (size_t i = 0; distro_host_keys[i]; i++)
                assert_int_equal(argv_adds(&f.sshd_settings.host_keys, distro_host_keys[i]), 0);
        render_keygen(&f, &named);
        assert_string_equal(buf_str(&b), buf_str(&named));
        facts_free(&f);
        expect(&b, MARKER "[Unit]\n"
                          "Description=Host keys for SSH on AF_VSOCK\n"
                          "Documentation=man:sshd-vsock(8) man:ssh-keygen(1)\n"
                          "Wants=sshd-keygen.target\n"
                          "After=sshd-keygen.target sshd-keygen.service sshdgenkeys.service "
                          "cloud-init.service cloud-init-network.service auditd.service\n"
                          "Before=ssh.service sshd.service\n"
                          "StartLimitIntervalSec=0\n"
                          "ConditionFileNotEmpty=|!/etc/ssh/ssh_host_rsa_key\n"
                          "ConditionFileNotEmpty=|!/etc/ssh/ssh_host_ecdsa_key\n"
                          "ConditionFileNotEmpty=|!/etc/ssh/ssh_host_ed25519_key\n"
                          "\n"
                          "[Service]\n"
                          "Type=oneshot\n"
                          "ExecStart=/bin/sh -c 'make=yes; for key in /etc/ssh/ssh_host_*_key; do "
                          "if test -s \"$$key\"; then test \"$$make\" = again || make=no; elif "
                          "test -e \"$$key\"; then rm -f \"$$key\" \"$$key.pub\"; make=again; fi; "
                          "done; test \"$$make\" = no || exec ssh-keygen -A'\n");
}

#define PROVISION(program, input, config)                                                          \
        MARKER "[Unit]\n"                                                                          \
               "Description=Provision and verify SSH on AF_VSOCK\n"                                \
               "Documentation=man:sshd-vsock(8)\n"                                                 \
               "DefaultDependencies=no\n"                                                          \
               "ConditionFileIsExecutable=" program "\n"                                           \
               "Wants=sshd-vsock-keygen.service\n"                                                 \
               "After=basic.target sshd-vsock.socket sshd-vsock-keygen.service "                   \
               "cloud-init.service cloud-init-network.service ssh.service ssh.socket "             \
               "sshd.service "                                                                     \
               "sshd.socket\n"                                                                     \
               "Conflicts=shutdown.target\n"                                                       \
               "Before=shutdown.target\n"                                                          \
               "\n"                                                                                \
               "[Service]\n"                                                                       \
               "Type=idle\n"                                                                       \
               "ExecStart=" program " " input "apply\n"                                            \
               "SuccessExitStatus=3\n"                                                             \
               "RuntimeMaxSec=15min\n" config "\n"                                                 \
               "[Install]\n"                                                                       \
               "WantedBy=multi-user.target\n"

static void test_provision(void **state)
{
        struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_provision(&f, &b);
        expect(&b, PROVISION("/usr/sbin/sshd-vsock", "", ""));

        f.program = text("/usr/local/bin/sshd-vsock");
        render_provision(&f, &b);
        expect(&b, PROVISION("/usr/local/bin/sshd-vsock", "", ""));

        f.embedded = text("");
        render_provision(&f, &b);
        expect(&b, PROVISION("/usr/local/bin/sshd-vsock", "--config=- ",
                             "StandardInput=data\nStandardInputText=# all defaults\n"));

        f.embedded = text("port: 2222\nhushlogin: [root]\n");
        render_provision(&f, &b);
        expect(&b, PROVISION("/usr/local/bin/sshd-vsock", "--config=- ",
                             "StandardInput=data\nStandardInputText=port: 2222\n"
                             "StandardInputText=hushlogin: [root]\n"));

        f.embedded = text("port: 2222");
        render_provision(&f, &b);
        expect(&b, PROVISION("/usr/local/bin/sshd-vsock", "--config=- ",
                             "StandardInput=data\nStandardInputText=port: 2222\n"));
}

static void carries(const char *unit, const char *want)
{
        AUTO_BUF b = BUF_INIT;

        assert_int_equal(provision_carries(unit, strlen(unit), &b), want != NULL);
        if (want)
                assert_string_equal(buf_str(&b), want);
}

static void test_what_the_provision_unit_carries(void **state)
{
        struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_provision(&f, &b);
        carries(buf_str(&b), NULL);
        buf_free(&b);
        f.embedded = text("port: 2222\nhushlogin: [root]\n");
        render_provision(&f, &b);
        carries(buf_str(&b), "port: 2222\nhushlogin: [root]\n");
        carries(buf_str(&b) + 1, NULL); /* not our marker */
        carries("", NULL);
        carries(FILE_MARKER "\nStandardInputText=a: b", "a: b\n");
}

static void test_a_long_verification_is_not_cut_short(void **state)
{
        struct facts f = { .verify_timeout = 300 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_provision(&f, &b);
        assert_non_null(strstr(buf_str(&b), "\nRuntimeMaxSec=45min\n"));
}

static void test_preset(void **state)
{
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_preset(1u << TCP_SSH_SERVICE | 1u << TCP_SSHD_SOCKET, &b);
        expect(&b, MARKER "enable sshd-vsock.socket\n"
                          "enable sshd-vsock-provision.service\n"
                          "disable ssh.service\n"
                          "disable sshd.socket\n");
}

/* What is written is what is read back, for every set of units, without the last newline too. */
static void test_preset_round(void **state)
{
        (void)state;
        for (unsigned closed = 0; closed < 1u << N_TCP_UNITS; closed++) {
                AUTO_BUF b = BUF_INIT;

                render_preset(closed, &b);
                assert_int_equal(preset_closed(b.data, b.len), closed);
                assert_int_equal(preset_closed(b.data, b.len - 1), closed);
        }
}

/* A line that only resembles one of ours records nothing. */
static void test_preset_closed(void **state)
{
        static const struct {
                const char *text;
                unsigned want;
        } table[] = {
                { "", 0 },
                { "\n\n", 0 },
                { "disable ssh.service", 1u << TCP_SSH_SERVICE },
                { "disable ssh.service\r\n", 0 },
                { "disable ssh.services\n", 0 },
                { "disable xssh.service\n", 0 },
                { "enable ssh.service\n", 0 },
                { "#disable ssh.service\n", 0 },
                { "disable *\ndisable sshd.socket\n", 1u << TCP_SSHD_SOCKET },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(preset_closed(table[i].text, strlen(table[i].text)),
                                 table[i].want);
        /* only what is inside of the length */
        assert_int_equal(preset_closed("disable ssh.service", 18), 0);
}

#define LOOPBACK (1u << MODULE_LOOPBACK)
#define HYPERV   (1u << MODULE_HYPERV)
#define VMCI     (1u << MODULE_VMCI)
#define VIRTIO   (1u << MODULE_VIRTIO)

static void test_modules_wanted(void **state)
{
        static const unsigned want[N_VIRTS] = {
                [VIRT_UNKNOWN] = LOOPBACK | HYPERV,
                [VIRT_OTHER] = LOOPBACK | VIRTIO,
                [VIRT_NONE] = LOOPBACK,
                [VIRT_CONTAINER] = LOOPBACK,
                [VIRT_MICROSOFT] = LOOPBACK | HYPERV,
                [VIRT_WSL] = LOOPBACK | HYPERV,
                [VIRT_VMWARE] = LOOPBACK | VMCI,
        };

        (void)state;
        for (unsigned virt = 0; virt < N_VIRTS; virt++) {
                struct facts f = { .virt = (enum virt)virt, .modules = (1u << N_MODULES) - 1 };
                unsigned all = modules_wanted(&f);

                assert_int_equal(all, want[virt]);
                /* a kernel takes one guest-to-host transport; the next module fails */
                assert_true(!(all & HYPERV) + !(all & VMCI) + !(all & VIRTIO) >= 2);
                for (f.modules = 0; f.modules < 1u << N_MODULES; f.modules++)
                        assert_int_equal(modules_wanted(&f), all & f.modules);
        }
}

static void test_modules(void **state)
{
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_modules(LOOPBACK | HYPERV | VMCI | VIRTIO, &b);
        expect(&b, MARKER "vsock_loopback\nhv_sock\nvmw_vsock_vmci_transport\n"
                          "vmw_vsock_virtio_transport\n");
        render_modules(LOOPBACK, &b);
        expect(&b, MARKER "vsock_loopback\n");
}

static void test_listen(void **state)
{
        AUTO(config_free)
        struct config c = sample_config(
                "listen_address: [127.0.0.1, '10.0.0.1:2200', '::1', '[fe80::1]:65535']");
        struct facts f = { 0 };
        AUTO(config_free)
        struct config twice = sample_config("listen_address: [127.0.0.1, '127.0.0.1:22']\n");
        struct unit_streams own = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_listen(&c, &b);
        expect(&b, "ListenAddress 127.0.0.1\nListenAddress 10.0.0.1:2200\nListenAddress ::1\n"
                   "ListenAddress [fe80::1]:65535\n");
        render_listen_dropin(&c, &b);
        expect(&b, MARKER "ListenAddress 127.0.0.1\nListenAddress 10.0.0.1:2200\n"
                          "ListenAddress ::1\nListenAddress [fe80::1]:65535\n");

#define DROPIN_HEAD MARKER "[Socket]\nListenStream=\nFreeBind=yes\nBindIPv6Only=ipv6-only\n"
        render_socket_dropin(&c, &f, &own, &b);
        expect(&b, DROPIN_HEAD "ListenStream=127.0.0.1:22\nListenStream=10.0.0.1:2200\n"
                               "ListenStream=[::1]:22\nListenStream=[fe80::1]:65535\n");

        /* sshd's own Ports stand in for the one that is not given */
        f.sshd_ports[f.n_sshd_ports++] = 22;
        f.sshd_ports[f.n_sshd_ports++] = 2022;
        render_socket_dropin(&c, &f, &own, &b);
        expect(&b, DROPIN_HEAD "ListenStream=127.0.0.1:22\nListenStream=127.0.0.1:2022\n"
                               "ListenStream=10.0.0.1:2200\n"
                               "ListenStream=[::1]:22\nListenStream=[::1]:2022\n"
                               "ListenStream=[fe80::1]:65535\n");

        /* … unless the unit has ports of its own; what else it has stays; no address comes twice */
        own.ports[own.n_ports++] = 2200;
        buf_adds(&own.others, "ListenStream=vsock::22\nListenStream=/run/x\n");
        render_socket_dropin(&c, &f, &own, &b);
        expect(&b, DROPIN_HEAD "ListenStream=127.0.0.1:2200\nListenStream=10.0.0.1:2200\n"
                               "ListenStream=[::1]:2200\nListenStream=[fe80::1]:65535\n"
                               "ListenStream=vsock::22\nListenStream=/run/x\n");
        unit_streams_free(&own);
        f.n_sshd_ports = 0;
        render_socket_dropin(&twice, &f, &own, &b);
        expect(&b, DROPIN_HEAD "ListenStream=127.0.0.1:22\n");
}

static void test_hushlogin(void **state)
{
        AUTO_BUF b = BUF_INIT;

        (void)state;
        render_hushlogin(&b);
        expect(&b, FILE_MARKER "\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_socket),
                cmocka_unit_test(test_template),
                cmocka_unit_test(test_keygen),
                cmocka_unit_test(test_provision),
                cmocka_unit_test(test_what_the_provision_unit_carries),
                cmocka_unit_test(test_a_long_verification_is_not_cut_short),
                cmocka_unit_test(test_preset),
                cmocka_unit_test(test_preset_round),
                cmocka_unit_test(test_preset_closed),
                cmocka_unit_test(test_modules_wanted),
                cmocka_unit_test(test_modules),
                cmocka_unit_test(test_listen),
                cmocka_unit_test(test_hushlogin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
