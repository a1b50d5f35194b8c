/* SPDX-License-Identifier: MIT
 *
 * test_plan_units.c: what has to be loaded, reloaded, started and stopped, and what has not.
 */
#include "world.h"

static void test_first_time(void **state)
{
        struct world w = live_world();

        (void)state;
        w.base.n_host_keys = 0;
        expect_units(&w, "",
                     "a modprobe vsock_loopback\na modprobe vmw_vsock_virtio_transport\n" RELOAD
                     "a systemctl start sshd-vsock-keygen.service\n" START_SOCKET);
        /* in an image there is nobody to ask */
        w = (struct world){ .base = sample_facts() };
        expect_units(&w, "", "");
}

static void test_nothing_to_do(void **state)
{
        struct world w = settled_world("");

        (void)state;
        expect_units(&w, "", "");
        w = settled_world("disable_tcp: true\n");
        expect_units(&w, "disable_tcp: true\n", "");
}

/* systemd reads units again only where one changed; the socket goes down only for its own sake. */
static void test_what_changed(void **state)
{
        struct world w = settled_world("");

        (void)state;
        expect_units(&w, "hushlogin: true\nhosts_entry: false\n", "");
        w = settled_world("");
        expect_units(&w, "port: 2222\n", RELOAD RESTART_SOCKET);
        w = settled_world("");
        world_remove(&w, UNITS UNIT_TEMPLATE);
        expect_units(&w, "", RELOAD);
        w = settled_world("");
        world_remove(&w, UNITS UNIT_PROVISION);
        expect_units(&w, "", RELOAD);
}

/* A port is lost while the socket is down: only another address is worth that. */
static void test_socket_keeps_its_port(void **state)
{
        struct world w = settled_world("port: 2222\n");
        struct observed *o = &world_entry(&w, UNITS UNIT_SOCKET)->o;

        (void)state;
        strstr(o->data, "\nMaxConnections=")[strlen("\nMaxConnections=")] ^= 1; /* another digit */
        expect_units(&w, "port: 2222\n", RELOAD);
        w = settled_world("port: 2222\n");
        (void)snprintf(w.units.socket.listen, sizeof(w.units.socket.listen),
                       "vsock::2222 vsock::22");
        expect_units(&w, "port: 2222\n", "");
        w = settled_world("port: 2222\n");
        (void)snprintf(w.units.socket.listen, sizeof(w.units.socket.listen),
                       "vsock::2222 vsock::22");
        expect_units(&w, "port: 22\n", RELOAD RESTART_SOCKET);
}

static void test_what_runs(void **state)
{
        struct world w = settled_world("");

        (void)state;
        w.units.socket.active = false;
        expect_units(&w, "", START_SOCKET);
        w = settled_world("");
        w.units.socket.active = false;
        expect_units(&w, "port: 2222\n", RELOAD START_SOCKET);
        /* written by a run that was killed before it came to systemd */
        w = settled_world("");
        w.units.socket.needs_reload = true;
        expect_units(&w, "", RELOAD);
        w = settled_world("");
        w.units.socket.needs_reload = true;
        (void)snprintf(w.units.socket.listen, sizeof(w.units.socket.listen), "vsock::2222");
        expect_units(&w, "", RELOAD RESTART_SOCKET);
        w = settled_world("");
        w.units.socket.needs_reload = true;
        w.units.socket.listen[0] = '\0'; /* systemd does not say */
        expect_units(&w, "", RELOAD RESTART_SOCKET);
        w = settled_world("");
        w.units.keygen.needs_reload = true;
        expect_units(&w, "", RELOAD);
        w = settled_world("");
        w.units.hostkeys.needs_reload = true;
        expect_units(&w, "", RELOAD);
        w = settled_world("");
        w.units.provision.needs_reload = true;
        expect_units(&w, "", RELOAD);
        w = settled_world("");
        w.units.socket = (struct unit_state){ 0 };
        expect_units(&w, "", RELOAD START_SOCKET);
        w = settled_world("");
        w.base.loaded &= ~(1u << MODULE_LOOPBACK);
        expect_units(&w, "", "a modprobe vsock_loopback\n");
}

/* One conflict with those words, and nothing that would be done again by each run. The world goes.
 */
static void expect_conflict(struct world *w, const char *yaml, const char *words)
{
        struct config c = sample_config(yaml);
        AUTO(planning_free) struct planning plan = { 0 };

        plan_world(w, &c, &plan);
        assert_int_equal(plan.p.n, 0);
        assert_int_equal(plan.p.n_conflicts, 1);
        assert_non_null(strstr(plan.p.conflicts[0].reason, words));
        assert_int_equal(plan_blocked(&plan.p), BLOCKS_LISTENER);
        config_free(&c);
        users_free(&w->base.users);
        world_free(w);
}

/* A drop-in that is no good stays so, whatever is written, read again and started. */
static void test_socket_that_systemd_refuses(void **state)
{
        struct world w = settled_world("");
        const struct unit_state rejected = { .rejected = true, .dropins = "/etc/systemd/x.conf" };

        (void)state;
        w.units.socket = rejected;
        expect_conflict(&w, "", "is refused by systemd, with /etc/systemd/x.conf; fix: ");
        w = settled_world("");
        w.units.socket = rejected;
        w.units.socket.needs_reload = true;
        expect_units(&w, "", RELOAD START_SOCKET);
        w = settled_world("");
        w.units.socket = rejected;
        expect_units(&w, "port: 2222\n", RELOAD START_SOCKET);
}

/* A restart would give it the drop-in's port again. */
static void test_socket_that_a_drop_in_moves(void **state)
{
        struct world w;

        (void)state;
        for (int unread = 0; unread <= 1; unread++) {
                w = settled_world("");
                (void)snprintf(w.units.socket.listen, sizeof(w.units.socket.listen), "vsock::2222");
                (void)snprintf(w.units.socket.mover, sizeof(w.units.socket.mover), "/etc/x.conf");
                w.units.socket.needs_reload = unread;
                if (unread)
                        expect_units(&w, "", RELOAD RESTART_SOCKET);
                else
                        expect_conflict(&w, "", "out of /etc/x.conf, then");
        }
        w = settled_world("");
        (void)snprintf(w.units.socket.mover, sizeof(w.units.socket.mover), "/etc/x.conf");
        expect_units(&w, "", ""); /* it adds one */
}

/* What the host handed over counts in this boot already; systemd does it alone in the next. */
static void test_credential(void **state)
{
        struct world w = settled_world("");

        (void)state;
        w.base.key_credential = true;
        expect_units(&w, "", "a systemctl start " UNIT_CREDENTIAL "\n");
        w = settled_world("");
        w.base.key_credential = true;
        expect_units(&w, "port: 2222\n",
                     RELOAD RESTART_SOCKET "a systemctl start " UNIT_CREDENTIAL "\n");
        w = settled_world("");
        w.base.key_credential = true;
        w.units.credential.active = true;
        expect_units(&w, "", "");
        w = settled_world("");
        w.units.credential.needs_reload = true;
        expect_units(&w, "", RELOAD);
        w = settled_world("");
        w.base.key_credential = true;
        w.base.generated_listener = true;
        w.units.socket = (struct unit_state){ 0 };
        expect_units(&w, "", RELOAD);
}

/* On request ours takes the place of what served otherwise: only the restart makes it ours. */
static void test_takeover_on_request(void **state)
{
        static const struct {
                const char *text;
                bool restarts;
        } table[] = { { "[Socket]\nListenStream=vsock::22\nAccept=yes\n", false },
                      { "[Socket]\nListenStream=vsock::22\nAccept=no\n", true },
                      { FILE_MARKER "\n[Socket]\nListenStream=vsock::22\nAccept=no\n", false } };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(config_free) struct config c = sample_config("");
                AUTO(planning_free) struct planning p = { 0 };
                struct world w = settled_world("");
                bool found = false;

                world_put_text(&w, UNITS UNIT_SOCKET, table[i].text);
                p.f = world_facts(&w);
                assert_int_equal(desired_make(&c, &p.f, &p.d), 0);
                p.d.takeover = true;
                p.observed = world_observe(&w, &p.d);
                assert_int_equal(plan_make(&p.d, p.observed, &p.f, &w.units, &p.p), 0);
                for (size_t k = 0; k < p.p.n; k++)
                        found = found || (p.p.ops[k].kind == OP_RESTART &&
                                          strcmp(p.p.ops[k].name, UNIT_SOCKET) == 0);
                assert_int_equal(found, table[i].restarts);
                users_free(&w.base.users);
                world_free(&w);
        }
}

/* What ours went before listens again, on what it had; systemd keeps a socket whose address stays.
 */
static void test_uncovered(void **state)
{
        static const struct {
                const char *text;
                bool enabled, active;
                const char *expected;
        } table[] = {
                { "[Socket]\nListenStream=vsock::22\nAccept=yes\n", true, true, "" },
                { "[Socket]\nListenStream=vsock::22\nAccept=yes\n", true, false,
                  "c systemctl restart sshd-vsock.socket\n" },
                { "[Socket]\nListenStream=vsock::22\nAccept=no\n", true, true,
                  "c systemctl restart sshd-vsock.socket\n" },
                { "[Socket]\nListenStream=vsock::22\nAccept=yes\n", false, true, NULL },
                { NULL, true, true, NULL },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *expected = table[i].expected;
                struct world w = settled_world("");
                AUTO_BUF b = BUF_INIT;

                if (table[i].text)
                        w.base.covered_socket = (struct covered){ .text = text(table[i].text),
                                                                  .len = strlen(table[i].text) };
                w.base.covered_enabled = table[i].enabled;
                w.units.socket.active = table[i].active;
                if (!expected)
                        buf_adds(&b, "c systemctl stop sshd-vsock.socket\n");
                buf_addf(&b, "c systemctl daemon-reload\n%s", expected ? expected : "");
                expect_units(&w, NULL, buf_str(&b));
        }
}

/* Keys that somebody deleted. */
static void test_keys(void **state)
{
        struct world w = settled_world("");

        (void)state;
        w.base.n_host_keys = 0;
        expect_units(&w, "", "a systemctl start sshd-vsock-keygen.service\n");
}

static void test_generated_listener(void **state)
{
        struct world w = settled_world("");

        (void)state;
        w.base.generated_listener = true;
        expect_units(&w, "", "a systemctl stop sshd-vsock.socket\n" RELOAD);
}

static void test_closing(void **state)
{
        struct world w = settled_world("");

        (void)state;
        w.base.tcp[TCP_SSH_SOCKET].active = true;
        expect_units(&w, "disable_tcp: true\n",
                     "c systemctl stop ssh.socket\nc systemctl stop ssh.service\n"
                     "c systemctl daemon-reload\n");
        /* killed after the masks: what still runs is stopped by the next run */
        w = settled_world("disable_tcp: true\n");
        w.base.tcp[TCP_SSH_SERVICE].active = true;
        expect_units(&w, "disable_tcp: true\n", "c systemctl stop ssh.service\n");
}

static void test_reopening(void **state)
{
        struct world w = settled_world("disable_tcp: true\n");

        (void)state;
        expect_units(&w, "", RELOAD "a systemctl start ssh.service\n");
        /* with addresses, only once those are written */
        w = settled_world("disable_tcp: true\n");
        expect_units(&w, "listen_address: 127.0.0.1\n", RELOAD "a systemctl start ssh.service\n");
        w = settled_world("disable_tcp: true\n");
        w.base.tcp[TCP_SSH_SOCKET].active = true;
        expect_units(&w, "listen_address: 127.0.0.1\n",
                     "c systemctl daemon-reload\nc systemctl restart ssh.socket\n"
                     "c systemctl start ssh.service\n");
        /* what the administrator keeps shut for this boot is left to him */
        w = settled_world("disable_tcp: true\n");
        w.base.tcp[TCP_SSH_SERVICE].barred = true;
        expect_units(&w, "", RELOAD);
        /* what was not enabled stays down */
        w = settled_world("disable_tcp: true\n");
        w.base.tcp[TCP_SSH_SERVICE].enabled = false;
        expect_units(&w, "", RELOAD);
        /* a run that was killed after it took the mask away: the record is still there */
        w = settled_world("disable_tcp: true\n");
        world_remove(&w, "/etc/systemd/system/ssh.service");
        world_remove(&w, "/etc/systemd/system/ssh.socket");
        expect_units(&w, "", "a systemctl start ssh.service\n");
}

static void test_listening(void **state)
{
        struct world w = settled_world("");

        (void)state;
        expect_units(&w, "listen_address: 127.0.0.1\n", "c systemctl reload ssh.service\n");
        w = settled_world("listen_address: 127.0.0.1\n");
        expect_units(&w, "", "a systemctl reload ssh.service\n");
        w = settled_world("");
        w.base.tcp[TCP_SSH_SERVICE].active = false;
        expect_units(&w, "listen_address: 127.0.0.1\n", "");
}

/* Ubuntu: the socket can only be bound anew while the service that has its descriptors is down. */
static void test_listening_socket(void **state)
{
        struct world w = settled_world("");

        (void)state;
        w.base.tcp[TCP_SSH_SOCKET].active = w.base.tcp[TCP_SSH_SOCKET].enabled = true;
        expect_units(&w, "listen_address: 127.0.0.1\n",
                     "c systemctl daemon-reload\nc systemctl stop ssh.service\n"
                     "c systemctl restart ssh.socket\n");
        w = settled_world("");
        w.base.tcp[TCP_SSH_SOCKET].active = w.base.tcp[TCP_SSH_SOCKET].enabled = true;
        w.base.tcp[TCP_SSH_SERVICE].active = false;
        expect_units(&w, "listen_address: 127.0.0.1\n",
                     "c systemctl daemon-reload\nc systemctl restart ssh.socket\n");
}

static void test_removing(void **state)
{
        struct world w = settled_world("");

        (void)state;
        expect_units(&w, NULL, "c systemctl stop sshd-vsock.socket\nc systemctl daemon-reload\n");
        /* the other door opens before ours goes */
        w = settled_world("disable_tcp: true\n");
        expect_units(&w, NULL,
                     RELOAD "a systemctl start ssh.service\n"
                            "c systemctl stop sshd-vsock.socket\nc systemctl daemon-reload\n");
        /* a credential's keys do not stay in /run */
        w = settled_world("");
        w.units.credential.active = true;
        expect_units(&w, NULL,
                     "c systemctl stop sshd-vsock.socket\nc systemctl stop " UNIT_CREDENTIAL
                     "\nc systemctl daemon-reload\n");
        /* nothing of ours: nothing to do */
        w = live_world();
        expect_units(&w, NULL, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_time),
                cmocka_unit_test(test_nothing_to_do),
                cmocka_unit_test(test_what_changed),
                cmocka_unit_test(test_what_runs),
                cmocka_unit_test(test_socket_that_systemd_refuses),
                cmocka_unit_test(test_socket_that_a_drop_in_moves),
                cmocka_unit_test(test_credential),
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_takeover_on_request),
                cmocka_unit_test(test_uncovered),
                cmocka_unit_test(test_generated_listener),
                cmocka_unit_test(test_closing),
                cmocka_unit_test(test_reopening),
                cmocka_unit_test(test_listening),
                cmocka_unit_test(test_listening_socket),
                cmocka_unit_test(test_removing),
                cmocka_unit_test(test_socket_keeps_its_port),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
