/* SPDX-License-Identifier: MIT
 *
 * test_desired.c: which paths, in which order and phase, for each configuration and each layout.
 */
#include "items.h"

static void test_defaults(void **state)
{
        AUTO(made_free) struct made m = make("", sample_facts());

        (void)state;
        expect_items(&m, LISTENER("o", "+") PROVISION("o", "+") MODULES("o", "+") HOSTS("o", "+")
                                 HUSH("-", "-", "-") LISTEN("o", "-") SOCKET_DROPINS("o", "-", "-")
                                         PRESET("o", "+"));
        assert_string_equal(find(&m, PATH_HOSTS)->content, "127.0.0.1");
}

/* The record of a mask is written before the mask, and both after all else. Where sshd listens is
 * left as it is. */
static void test_closed(void **state)
{
        AUTO(made_free)
        struct made m = make("disable_tcp: true\nhosts_entry: false\n", sample_facts());

        (void)state;
        expect_items(&m,
                     LISTENER("o", "+") PROVISION("o", "+") MODULES("o", "+") HOSTS("o", "-")
                             HUSH("-", "-", "-") RECORD("c", "+", "ssh.service")
                                     MASK("c", "+", "ssh.service") RECORD("c", "+", "ssh.socket")
                                             MASK("c", "+", "ssh.socket") PRESET("o", "+"));
        assert_null(strstr(find(&m, PATH_PRESET)->content, "disable"));
        assert_non_null(
                strstr(find(&m, record_of("ssh.service"))->content, "\ndisable ssh.service\n"));
}

/* Masks of ours stay, and their record; foreign ones never get into it. */
static void test_closed_already(void **state)
{
        struct facts f = sample_facts();

        (void)state;
        f.tcp[TCP_SSH_SERVICE].masked = f.tcp[TCP_SSH_SERVICE].ours = true;
        f.tcp[TCP_SSH_SOCKET].masked = true;
        {
                AUTO(made_free) struct made m = make("disable_tcp: true\n", f);

                assert_int_equal(desired_masks(&m.f), 1u << TCP_SSH_SERVICE);
                assert_int_equal(find(&m, record_of("ssh.service"))->phase, PHASE_OPEN);
                assert_null(find(&m, record_of("ssh.socket")));
                assert_true(find(&m, UNITS "ssh.service")->wanted);
                assert_null(find(&m, UNITS "ssh.socket"));
        }
}

/* Opening: the mask goes before its record, or a run that is cut short would leave a foreign one.
 */
static void test_reopened(void **state)
{
        struct facts f = sample_facts();

        (void)state;
        f.tcp[TCP_SSH_SERVICE].masked = f.tcp[TCP_SSH_SERVICE].ours = true;
        f.tcp[TCP_SSH_SERVICE].recorded = true;
        {
                AUTO(made_free) struct made m = make("", f);
                const struct item *mask = find(&m, UNITS "ssh.service");

                assert_false(mask->wanted);
                assert_int_equal(mask->phase, PHASE_OPEN);
                assert_true(mask < find(&m, record_of("ssh.service")));
                assert_null(find(&m, record_of("ssh.socket")));
                assert_null(find(&m, UNITS "ssh.socket"));
        }
}

static void test_masks(void **state)
{
        (void)state;
        for (unsigned bits = 0; bits < 16; bits++) {
                struct facts f = { 0 };
                struct tcp_unit *t = &f.tcp[TCP_SSHD_SOCKET];
                bool exists, foreign_mask;

                t->vendor = bits & 1;
                t->foreign = bits & 2;
                t->masked = bits & 4;
                t->ours = bits & 8;
                exists = t->vendor || t->foreign;
                foreign_mask = t->masked && !t->ours;
                assert_int_equal(desired_masks(&f),
                                 exists && !foreign_mask ? 1u << TCP_SSHD_SOCKET : 0);
        }
}

/* Where systemd's own door answers ours goes; what serves both stays. */
static void test_generated(void **state)
{
        struct facts f = sample_facts();

        (void)state;
        f.generated_listener = true;
        {
                AUTO(made_free) struct made m = make("", f);

                assert_true(find(&m, UNITS UNIT_KEYGEN)->wanted);
                assert_false(find(&m, UNITS UNIT_TEMPLATE)->wanted);
                assert_false(find(&m, UNITS UNIT_SOCKET)->wanted);
                assert_false(find(&m, UNITS "sockets.target.wants/" UNIT_SOCKET)->wanted);
                assert_true(find(&m, UNITS UNIT_PROVISION)->wanted);
        }
}

#define CLOUD_INIT "/etc/ssh/sshd_config.d/50-cloud-init.conf"

/* Ours first, then the strays: with none at all sshd would listen everywhere. */
static void test_listen(void **state)
{
        char *files[] = { text(PATH_SSHD_CONFIG), text(CLOUD_INIT) };
        struct facts f = sample_facts();

        (void)state;
        f.sshd_files.list = files;
        f.sshd_files.n = ELEMENTSOF(files);
        f.tcp[TCP_SSH_SOCKET].enabled = true;
        {
                AUTO(made_free) struct made m = make("listen_address: 127.0.0.1\n", f);

                expect_items(&m, LISTENER("o", "+") PROVISION("o", "+") MODULES("o", "+")
                                         HOSTS("o", "+") HUSH("-", "-", "-") LISTEN(
                                                 "c", "+") "c+ /etc/ssh/sshd_config\n"
                                                           "c+ "
                                                           "/etc/ssh/sshd_config.d/"
                                                           "50-cloud-init.conf\n" SOCKET_DROPINS(
                                                                   "c", "+", "-") PRESET("o", "+"));
                assert_string_equal(find(&m, PATH_SSHD_CONFIG)->content, "");
        }
}

/* What is closed may be told at once where to listen, before it opens; not so where one of the
 * units runs, or would after a boot. The strays are free again before ours goes. */
static void test_listen_after_closed(void **state)
{
        char *files[] = { text(PATH_SSHD_CONFIG), text(CLOUD_INIT) };
        struct facts f = sample_facts();

        (void)state;
        f.sshd_files.list = files;
        f.sshd_files.n = ELEMENTSOF(files);
        f.tcp[TCP_SSH_SERVICE].masked = f.tcp[TCP_SSH_SERVICE].ours = true;
        f.tcp[TCP_SSH_SERVICE].recorded = true;
        for (unsigned running = 0; running < 3; running++) {
                AUTO(config_free) struct config c = sample_config("listen_address: 127.0.0.1\n");
                enum phase phase = running ? PHASE_CLOSE : PHASE_OPEN;
                struct made m = { .f = f };

                m.f.tcp[TCP_SSH_SOCKET].active = running == 1;
                m.f.tcp[TCP_SSH_SOCKET].enabled = running == 2; /* came since */
                assert_int_equal(desired_make(&c, &m.f, &m.d), 0);
                assert_int_equal(find(&m, PATH_SSHD_DROPIN)->phase, phase);
                assert_int_equal(find(&m, CLOUD_INIT)->phase, phase);
                assert_int_equal(find(&m, UNITS "ssh.service")->phase, phase);
                assert_true(find(&m, CLOUD_INIT) < find(&m, UNITS "ssh.service"));
                assert_int_equal(find(&m, record_of("ssh.service"))->phase,
                                 running ? PHASE_CLOSE : PHASE_ACTIVATE);
                assert_int_equal(find(&m, record_of("ssh.service"))->flags & ITEM_LATE,
                                 running ? ITEM_LATE : 0);
                desired_free(&m.d);
        }
        {
                AUTO(made_free) struct made m = make("", f);

                assert_true(find(&m, CLOUD_INIT) < find(&m, PATH_SSHD_CONFIG));
                assert_true(find(&m, PATH_SSHD_CONFIG) < find(&m, PATH_SSHD_DROPIN));
        }
}

/* RHEL 8: nothing includes our drop-in, so there is none, and the lines are in the main file. */
static void test_listen_without_include(void **state)
{
        char *files[] = { text(PATH_SSHD_CONFIG), text(CLOUD_INIT) };
        struct facts f = sample_facts();

        (void)state;
        f.dropins = false;
        f.sshd_files.list = files;
        f.sshd_files.n = ELEMENTSOF(files);
        {
                AUTO(made_free) struct made m = make("listen_address: 127.0.0.1\n", f);

                assert_false(find(&m, PATH_SSHD_DROPIN)->wanted);
                /* a socket that is not in use needs no addresses */
                assert_false(find(&m, UNITS "ssh.socket.d/" SOCKET_DROPIN)->wanted);
                assert_string_equal(find(&m, PATH_SSHD_CONFIG)->content,
                                    "ListenAddress 127.0.0.1\n");
                assert_string_equal(find(&m, CLOUD_INIT)->content, "");
        }
}

/* openSUSE: an /etc/ssh/sshd_config would put the vendor's out of force, security settings and all.
 */
static void test_never_makes_sshd_config(void **state)
{
        char *files[] = { text(PATH_SSHD_CONFIG_VENDOR),
                          text("/usr/etc/ssh/sshd_config.d/40-suse.conf"), text(CLOUD_INIT) };
        static const char *const configs[] = { "", "disable_tcp: true\n",
                                               "listen_address: 127.0.0.1\n" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                struct facts f = sample_facts();

                f.sshd_config = false;
                f.sshd_files.list = files;
                f.sshd_files.n = ELEMENTSOF(files);
                {
                        AUTO(made_free) struct made m = make(configs[i], f);

                        assert_null(find(&m, PATH_SSHD_CONFIG));
                        for (size_t k = 0; k < m.d.n; k++)
                                /* one of sshd's is looked at, and is a conflict at most */
                                assert_true(strncmp(m.d.items[k].path, "/etc/", 5) == 0 ||
                                            m.d.items[k].kind == ITEM_FLAG ||
                                            (m.d.items[k].kind == ITEM_SSHD_CONFIG &&
                                             m.c.n_listen > 0));
                        assert_true(m.c.disable_tcp || find(&m, files[2]));
                }
        }
}

/* No module of ours in the kernel: no list of them. */
static void test_no_modules(void **state)
{
        struct facts f = sample_facts();

        (void)state;
        f.modules = 0;
        {
                AUTO(made_free) struct made m = make("", f);

                assert_false(find(&m, PATH_MODULES_LOAD)->wanted);
        }
}

/* The other way round: TCP opens first, our listener goes last, and what a link pointed to is
 * known. */
static void test_none(void **state)
{
        struct made m = { .f = sample_facts() };

        (void)state;
        m.f.tcp[TCP_SSH_SERVICE].masked = m.f.tcp[TCP_SSH_SERVICE].ours = true;
        m.f.tcp[TCP_SSH_SERVICE].recorded = true;
        m.f.tcp[TCP_SSH_SOCKET].masked = true;
        assert_int_equal(desired_none(&m.f, &m.d), 0);
        expect_items(&m,
                     LISTEN("o", "-") SOCKET_DROPINS("o", "-", "-") MASK("o", "-", "ssh.service")
                             RECORD("a", "-", "ssh.service") HUSH("-", "-", "-") PRESET("c", "-")
                                     HOSTS("c", "-") MODULES("c", "-") LISTENER_GOES);
        for (size_t i = 0; i < m.d.n; i++)
                assert_true((m.d.items[i].kind == ITEM_LINK) == (m.d.items[i].content != NULL));
        made_free(&m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_closed),
                cmocka_unit_test(test_closed_already),
                cmocka_unit_test(test_reopened),
                cmocka_unit_test(test_masks),
                cmocka_unit_test(test_generated),
                cmocka_unit_test(test_listen),
                cmocka_unit_test(test_listen_after_closed),
                cmocka_unit_test(test_listen_without_include),
                cmocka_unit_test(test_never_makes_sshd_config),
                cmocka_unit_test(test_no_modules),
                cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
