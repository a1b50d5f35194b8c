/* SPDX-License-Identifier: MIT
 *
 * test_render.c: what facts change in each file that is ours. Whole files, byte for byte, are the
 * goldens of tests/offline/test_layouts.py.
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

/* Whether whole lines are in it, one behind the other. */
static bool has(const struct buf *b, const char *lines)
{
        AUTO_BUF wanted = BUF_INIT;

        assert_int_equal(b->error, 0);
        assert_memory_equal(b->data, MARKER, sizeof(MARKER) - 1);
        buf_addf(&wanted, "\n%s\n", lines);
        return strstr(buf_str(b), buf_str(&wanted)) != NULL;
}

/* An older systemd would log the unknown directive at every boot. */
static void test_socket(void **state)
{
        static const struct {
                unsigned version;
                const char *config, *stream;
                bool limits_polls;
        } table[] = {
                { 0, "", "ListenStream=vsock::22", false },
                { 247, "port: 2222", "ListenStream=vsock::2222", false },
                { 254, "", "ListenStream=vsock::22", false },
                { 255, "", "ListenStream=vsock::22", true },
                { 262, "port: 4294967294", "ListenStream=vsock::4294967294", true },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(config_free) struct config c = sample_config(table[i].config);
                struct facts f = { .systemd_version = table[i].version };
                AUTO_BUF b = BUF_INIT;

                render_socket(&c, &f, &b);
                assert_true(has(&b, table[i].stream));
                assert_true(has(&b, "Before=ssh-access.target")); /* known or not */
                assert_int_equal(has(&b, "PollLimitIntervalSec=0"), table[i].limits_polls);
        }
}

/* The vendor's options of sshd, in their order, and no line that names no file. */
static void test_template(void **state)
{
        static const struct {
                const char *sshd;
                unsigned environments;
                const char *want;
        } table[] = {
                { NULL, 0, "[Service]\nExecStart=-/usr/sbin/sshd -i" },
                { "/usr/bin/sshd", 0, "[Service]\nExecStart=-/usr/bin/sshd -i" },
                { "/usr/bin/sshd", 1u << 0,
                  "[Service]\nEnvironmentFile=-/etc/default/ssh\n"
                  "ExecStart=-/usr/bin/sshd -i $SSHD_OPTS" },
                { "/usr/bin/sshd", 1u << 1 | 1u << 3,
                  "[Service]\nEnvironmentFile=-/etc/sysconfig/sshd\n"
                  "EnvironmentFile=-/etc/crypto-policies/back-ends/opensshserver.config\n"
                  "ExecStart=-/usr/bin/sshd -i $OPTIONS $CRYPTO_POLICY" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct facts f = { .environments = table[i].environments };
                AUTO_BUF b = BUF_INIT;

                if (table[i].sshd)
                        f.sshd = text(table[i].sshd);
                render_template(&f, &b);
                assert_true(has(&b, table[i].want));
        }
}

/* What a host hands over is nothing to an older systemd, and never changes what the vendor passes:
 * of two main files the last counts. Without one in /etc nothing is made of it. */
static void test_credential(void **state)
{
        static const struct {
                unsigned version;
                bool sshd_config;
                const char *line; /* NULL: it is not made */
        } table[] = {
                { 0, true, NULL },
                { 251, true, NULL },
                { 252, false, NULL },
                { 252, true, "LoadCredential=" CREDENTIAL_KEYS },
                { 253, true, "LoadCredential=" CREDENTIAL_KEYS },
                { 254, true, "ImportCredential=" CREDENTIAL_KEYS },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(config_free) struct config c = sample_config("");
                struct facts f = { .systemd_version = table[i].version,
                                   .sshd_config = table[i].sshd_config,
                                   .environments = 1u << 0 };
                AUTO_BUF socket = BUF_INIT, template = BUF_INIT, unit = BUF_INIT;
                bool made = table[i].line;

                assert_int_equal(render_has_credential(&f), made);
                render_socket(&c, &f, &socket);
                render_template(&f, &template);
                assert_int_equal(has(&socket, "Wants=" UNIT_HOSTKEYS " " UNIT_CREDENTIAL
                                              " ssh-access.target"),
                                 made);
                assert_int_equal(has(&template, "After=" UNIT_HOSTKEYS " " UNIT_CREDENTIAL), made);
                assert_int_equal(has(&template,
                                     "Environment=SSHD_VSOCK_OPTIONS=\n"
                                     "EnvironmentFile=-/run/sshd-vsock/environment\n"
                                     "EnvironmentFile=-/etc/default/ssh\n"
                                     "ExecStart=-/usr/sbin/sshd -i $SSHD_VSOCK_OPTIONS $SSHD_OPTS"),
                                 made);
                assert_int_equal(strstr(buf_str(&template), "SSHD_VSOCK_OPTIONS") != NULL, made);
                if (!made)
                        continue;
                render_credential(&f, &unit);
                assert_true(has(&unit, table[i].line));
                assert_true(has(&unit, "ConditionCredential=" CREDENTIAL_KEYS));
        }
}

/* sshd's usual keys are the same whether HostKey names them or nothing does. */
static void test_keygen(void **state)
{
        AUTO(facts_free) struct facts f = { 0 };
        AUTO_BUF b = BUF_INIT, named = BUF_INIT;

        (void)state;
        render_keygen(&f, &b);
        for (size_t i = 0; distro_host_keys[i]; i++)
                assert_int_equal(argv_adds(&f.sshd_settings.host_keys, distro_host_keys[i]), 0);
        render_keygen(&f, &named);
        assert_string_equal(buf_str(&b), buf_str(&named));
        assert_true(has(&b, "ConditionFileNotEmpty=|!/etc/ssh/ssh_host_rsa_key"));
        assert_non_null(strstr(buf_str(&b), "exec ssh-keygen -A'\n"));
}

static void test_provision(void **state)
{
        static const struct {
                const char *program, *embedded, *condition, *exec, *input;
        } table[] = {
#define USUAL "/usr/sbin/sshd-vsock"
#define LOCAL "/usr/local/bin/sshd-vsock"
#define IF    "ConditionFileIsExecutable="
                { NULL, NULL, IF USUAL, "ExecStart=" USUAL " apply", NULL },
                { LOCAL, NULL, IF LOCAL, "ExecStart=" LOCAL " apply", NULL },
                { LOCAL, "", IF LOCAL, "ExecStart=" LOCAL " --config=- apply",
                  "StandardInput=data\nStandardInputText=# all defaults\n" },
                { LOCAL, "port: 2222\nhushlogin: [root]\n", IF LOCAL,
                  "ExecStart=" LOCAL " --config=- apply",
                  "StandardInput=data\nStandardInputText=port: 2222\n"
                  "StandardInputText=hushlogin: [root]\n" },
                { LOCAL, "port: 2222", IF LOCAL, "ExecStart=" LOCAL " --config=- apply",
                  "StandardInput=data\nStandardInputText=port: 2222\n" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct facts f = { 0 };
                AUTO_BUF b = BUF_INIT;

                if (table[i].program)
                        f.program = text(table[i].program);
                if (table[i].embedded)
                        f.embedded = text(table[i].embedded);
                render_provision(&f, &b);
                assert_true(has(&b, table[i].condition));
                assert_true(has(&b, table[i].exec));
                if (table[i].input)
                        assert_true(has(&b, table[i].input)); /* and nothing more of it */
                else
                        assert_null(strstr(buf_str(&b), "StandardInput"));
        }
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
        render_preset(&b);
        expect(&b, MARKER "enable sshd-vsock.socket\n"
                          "enable sshd-vsock-provision.service\n");
        render_record("ssh.service", &b);
        expect(&b, MARKER "disable ssh.service\n");
}

/* What is written is what is read back, for every unit, without the last newline too. */
static void test_preset_round(void **state)
{
        (void)state;
        for (unsigned i = 0; i < N_TCP_UNITS; i++) {
                AUTO_BUF b = BUF_INIT;

                render_record(distro_tcp_units[i], &b);
                assert_int_equal(preset_closed(b.data, b.len), 1u << i);
                assert_int_equal(preset_closed(b.data, b.len - 1), 1u << i);
        }
}

/* A line that only resembles one of ours records nothing; nor does a file that is not ours. */
static void test_preset_closed(void **state)
{
        static const struct {
                const char *text;
                unsigned want;
        } table[] = {
                { MARKER "\n\n", 0 },
                { MARKER "disable ssh.service", 1u << TCP_SSH_SERVICE },
                { MARKER "disable ssh.service\r\n", 0 },
                { MARKER "disable ssh.services\n", 0 },
                { MARKER "disable xssh.service\nenable ssh.service\n", 0 },
                { MARKER "#disable ssh.service\n", 0 },
                { MARKER "disable *\ndisable sshd.socket\n", 1u << TCP_SSHD_SOCKET },
                { "disable ssh.service\n", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(preset_closed(table[i].text, strlen(table[i].text)),
                                 table[i].want);
        /* only what is inside of the length */
        assert_int_equal(preset_closed(MARKER "disable ssh.service", strlen(MARKER) + 18), 0);
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
                cmocka_unit_test(test_credential),
                cmocka_unit_test(test_keygen),
                cmocka_unit_test(test_provision),
                cmocka_unit_test(test_what_the_provision_unit_carries),
                cmocka_unit_test(test_a_long_verification_is_not_cut_short),
                cmocka_unit_test(test_preset),
                cmocka_unit_test(test_preset_round),
                cmocka_unit_test(test_preset_closed),
                cmocka_unit_test(test_modules_wanted),
                cmocka_unit_test(test_modules),
                cmocka_unit_test(test_hushlogin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
