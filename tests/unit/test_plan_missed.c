/* SPDX-License-Identifier: MIT
 *
 * test_plan_missed.c: what a run that was killed left, and what others put in its place.
 */
#include "world.h"

/* A run that was killed between writing addresses and telling whoever listens. */
static void test_missed(void **state)
{
        struct world w = settled_world("listen_address: 127.0.0.1\n");

        (void)state;
        w.base.tcp[TCP_SSH_SERVICE].changed = 10000000;
        world_entry(&w, PATH_SSHD_DROPIN)->o.mtime = 20000000;
        expect_units(&w, "listen_address: 127.0.0.1\n", "c systemctl reload ssh.service\n");
        w = settled_world("listen_address: 127.0.0.1\n");
        w.base.tcp[TCP_SSH_SERVICE].changed = 20000000;
        world_entry(&w, PATH_SSHD_DROPIN)->o.mtime = 10000000;
        expect_units(&w, "listen_address: 127.0.0.1\n", "");
}

/* By the clock of a file system that need not be ours: two seconds of difference tell nothing, nor
 * does a file from the future. */
static void test_grace(void **state)
{
        static const struct {
                unsigned file, run, now; /* tenths of a second; 0: not known */
                bool missed;
        } table[] = { { 219, 200, 0, false },
                      { 221, 200, 0, true },
                      { 221, 200, 300, true },
                      { 319, 200, 300, true },
                      { 321, 200, 300, false } };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct world w = settled_world("listen_address: 127.0.0.1\n");

                w.base.tcp[TCP_SSH_SERVICE].changed = table[i].run * 100000u;
                world_entry(&w, PATH_SSHD_DROPIN)->o.mtime = table[i].file * 100000u;
                w.base.now = table[i].now * 100000u;
                expect_units(&w, "listen_address: 127.0.0.1\n",
                             table[i].missed ? "c systemctl reload ssh.service\n" : "");
        }
}

/* What sshd itself shows of a reload that never came: more than is wanted, or less by us. */
static void test_stale(void **state)
{
        struct world w = settled_world("listen_address: 127.0.0.1\n");

        (void)state;
        w.base.tcp[TCP_SSH_SERVICE].stale = STALE_CONFINED;
        expect_units(&w, "listen_address: 127.0.0.1\n", "c systemctl reload ssh.service\n");
        w = settled_world("");
        w.base.tcp[TCP_SSH_SERVICE].stale = STALE_CONFINED;
        expect_units(&w, "", "a systemctl reload ssh.service\n");
        /* what the administrator has not reloaded yet is his affair */
        w = settled_world("");
        w.base.tcp[TCP_SSH_SERVICE].stale = STALE;
        expect_units(&w, "", "");
}

/* Either one that runs or one that the next boot starts is told where to listen. */
static void test_socket_that_is_told(void **state)
{
        static const char dropin[] = UNITS "ssh.socket.d/" SOCKET_DROPIN;

        (void)state;
        for (unsigned how = 0; how < 4; how++) {
                AUTO(config_free) struct config c = sample_config("listen_address: 127.0.0.1\n");
                AUTO(planning_free) struct planning plan = { 0 };
                struct world w = settled_world("");
                bool found = false;

                w.base.tcp[TCP_SSH_SOCKET].active = how & 1;
                w.base.tcp[TCP_SSH_SOCKET].enabled = how & 2;
                plan_world(&w, &c, &plan);
                for (size_t k = 0; k < plan.p.n; k++)
                        found = found || strcmp(plan.p.ops[k].name, dropin) == 0;
                assert_int_equal(found, how != 0);
                users_free(&w.base.users);
                world_free(&w);
        }
}

/* Killed between writing the drop-in, or taking it away, and telling the socket. */
static void test_socket_that_was_not_told(void **state)
{
        struct world w = settled_world("");

        (void)state;
        w.base.tcp[TCP_SSH_SOCKET].active = w.base.tcp[TCP_SSH_SOCKET].dropin = true;
        expect_units(&w, "",
                     RELOAD "a systemctl stop ssh.service\na systemctl restart ssh.socket\n");
        w = settled_world("");
        w.base.tcp[TCP_SSH_SOCKET].dropin = true;
        expect_units(&w, "", "");
        /* a reload for another's sake closes addresses that are gone */
        w = settled_world("");
        w.base.tcp[TCP_SSH_SOCKET].active = w.base.tcp[TCP_SSH_SOCKET].needs_reload = true;
        w.units.provision.needs_reload = true;
        expect_units(&w, "",
                     RELOAD "a systemctl stop ssh.service\na systemctl restart ssh.socket\n");
        w = settled_world("");
        w.base.tcp[TCP_SSH_SOCKET].active = w.base.tcp[TCP_SSH_SOCKET].needs_reload = true;
        expect_units(&w, NULL,
                     RELOAD "a systemctl stop ssh.service\na systemctl restart ssh.socket\n"
                            "c systemctl stop sshd-vsock.socket\nc systemctl daemon-reload\n");
        /* one that opens again has to know where */
        w = settled_world("disable_tcp: true\n");
        w.base.tcp[TCP_SSH_SOCKET].needs_reload = true;
        expect_units(&w, "disable_tcp: true\n", RELOAD);
}

/* A generator makes the socket's addresses of sshd's Port, in the reload itself: before it systemd
 * has read all there is. */
static void test_socket_whose_ports_change_in_the_reload(void **state)
{
        static const struct {
                uint16_t ports[2]; /* of the files, as they will be */
                size_t n;
                const char *listen; /* as systemd has read them */
                bool lost;
        } table[] = {
                { { 22 }, 1, "[::]:22", false },
                { { 22 }, 1, "0.0.0.0:22 [::]:22 vsock::2222 /run/x:1", false },
                { { 2222 }, 1, "[::]:22", true },
                { { 22, 2222 }, 2, "[::]:22", true },
                { { 22 }, 1, "[::]:22 [::]:2222", true },
                { { 22 }, 1, "", false }, /* it is not known */
                { { 0 }, 0, "[::]:22", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct world w = settled_world("");
                struct tcp_unit *t = &w.base.tcp[TCP_SSH_SOCKET];

                t->active = true;
                t->streams.n_ports = table[i].n;
                memcpy(t->streams.ports, table[i].ports, sizeof(table[i].ports));
                (void)snprintf(t->listen, sizeof(t->listen), "%s", table[i].listen);
                w.units.provision.needs_reload = true;
                expect_units(&w, "",
                             table[i].lost ? RELOAD "a systemctl stop ssh.service\n"
                                                    "a systemctl restart ssh.socket\n"
                                           : RELOAD);
        }
}

/* Whoever closes TCP leaves the keys that the machine was booted with: they may be all there is. */
static void test_keys_of_the_boot(void **state)
{
        struct world w = settled_world("");

        (void)state;
        w.units.credential.active = true;
        expect_units(&w, "disable_tcp: true\n",
                     "c systemctl stop ssh.service\nc systemctl daemon-reload\n");
        w = settled_world("");
        w.units.credential.active = true;
        expect_units(&w, NULL,
                     "c systemctl stop sshd-vsock.socket\n"
                     "c systemctl stop sshd-vsock-credential.service\n"
                     "c systemctl daemon-reload\n");
}

/* Where both are enabled the socket comes first; beside a service that runs it stays down. */
static void test_reopened_socket(void **state)
{
        struct world w = settled_world("disable_tcp: true\n");

        (void)state;
        w.base.tcp[TCP_SSH_SOCKET].enabled = true;
        expect_units(&w, "",
                     RELOAD "a systemctl start ssh.socket\na systemctl start ssh.service\n");
        w = settled_world("disable_tcp: true\n");
        w.base.tcp[TCP_SSH_SOCKET].enabled = w.base.tcp[TCP_SSH_SERVICE].active = true;
        expect_units(&w, "", RELOAD);
}

/* Started while ours has the vsock port, a unit fails with all that it listens on: TCP is back with
 * the run that takes its vsock stream, unless it is to be closed; a failure that has another reason
 * is left alone. */
static void test_socket_that_failed_beside_ours(void **state)
{
        static const char path[] = UNITS "ssh.socket.d/vsock.conf";
        static const struct {
                const char *yaml;
                bool failed, enabled, stripped, unread;
                const char *want;
        } table[] = {
                { "", true, true, false, false, RELOAD "a systemctl start ssh.socket\n" },
                { "", true, true, true, false, "" },
                { "", true, true, true, true, RELOAD "a systemctl start ssh.socket\n" },
                { "", true, false, false, false, RELOAD },
                { "", false, true, false, false, RELOAD },
                { "disable_tcp: true\n", true, true, false, false, RELOAD },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct world w = settled_world(table[i].yaml);
                struct rival_file file = { .path = text(path),
                                           .text = text("[Socket]\nListenStream=vsock::22\n"),
                                           .len = 33 };
                struct rival r = { .name = text("ssh.socket"),
                                   .service = text("ssh.service"),
                                   .kind = RIVAL_STREAM,
                                   .failed = table[i].failed,
                                   .files = &file,
                                   .n_files = 1 };

                w.base.rivals = &r;
                w.base.n_rivals = 1;
                file.saved = table[i].stripped;
                w.base.tcp[TCP_SSH_SOCKET].needs_reload = table[i].unread;
                w.units.socket.needs_reload = table[i].unread;
                w.base.tcp[TCP_SSH_SERVICE].active = false;
                w.base.tcp[TCP_SSH_SOCKET].vendor = true;
                w.base.tcp[TCP_SSH_SOCKET].active = false;
                w.base.tcp[TCP_SSH_SOCKET].enabled = table[i].enabled;
                world_put_text(&w, path, table[i].stripped ? FILE_MARKER "\n" : file.text);
                if (table[i].stripped)
                        file.text = text(FILE_MARKER "\n"), file.len = strlen(file.text);
                expect_units(&w, table[i].yaml, table[i].want);
        }
}

/* A file of somebody else is in the way of what it would be for. */
static void test_preset_of_somebody_else(void **state)
{
        static const struct {
                const char *path;
                enum blocks blocks;
        } table[] = { { PATH_PRESET, BLOCKS_LISTENER },
                      { PRESET_DIR "/10-sshd-vsock-ssh.service.preset", BLOCKS_CLOSE } };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(config_free) struct config c = sample_config("disable_tcp: true\n");
                AUTO(planning_free) struct planning plan = { 0 };
                struct world w = live_world();

                world_put_text(&w, table[i].path, "enable mine.service\n");
                plan_world(&w, &c, &plan);
                assert_int_equal(plan_blocked(&plan.p), table[i].blocks);
                assert_int_equal(plan.p.n_conflicts, 1);
                users_free(&w.base.users);
                world_free(&w);
        }
}

/* Killed before its masks were there: their record, which is whole, is not taken back for a moment.
 */
static void test_record_that_is_ahead(void **state)
{
        AUTO(config_free) struct config c = sample_config("disable_tcp: true\n");
        AUTO(planning_free) struct planning plan = { 0 };
        struct world w = settled_world("disable_tcp: true\n");

        (void)state;
        world_remove(&w, UNITS "ssh.service");
        plan_world(&w, &c, &plan);
        assert_true(plan.p.n > 0);
        for (size_t k = 0; k < plan.p.n; k++)
                assert_null(strstr(plan.p.ops[k].name, PRESET_DIR));
        users_free(&w.base.users);
        world_free(&w);
}

/* With something in the way of where sshd is to listen nothing opens: neither the mask goes, nor
 * does what has none any more start. */
static void test_nothing_opens_where_addresses_have_no_place(void **state)
{
        (void)state;
        for (unsigned killed = 0; killed < 2; killed++) {
                AUTO(config_free) struct config c = sample_config("listen_address: 127.0.0.1\n");
                AUTO(planning_free) struct planning plan = { 0 };
                struct world w = settled_world("disable_tcp: true\n");

                (void)world_put(&w, PATH_SSHD_DROPIN, OBSERVED_LINK, "/opt/x", strlen("/opt/x"));
                if (killed) {
                        world_remove(&w, UNITS "ssh.service");
                        world_remove(&w, UNITS "ssh.socket");
                }
                plan_world(&w, &c, &plan);
                assert_int_equal(plan_blocked(&plan.p), BLOCKS_CLOSE);
                for (size_t k = 0; k < plan.p.n; k++) {
                        const struct op *op = &plan.p.ops[k];

                        if (op->phase != PHASE_CLOSE && op->phase != PHASE_EXTRAS)
                                assert_true(op->kind != OP_START &&
                                            !(op->item &&
                                              (op->item->flags & (ITEM_TCP | ITEM_RECORD))));
                }
                users_free(&w.base.users);
                world_free(&w);
        }
}

#define LEFT "c systemctl stop sshd-vsock.socket\nc systemctl daemon-reload\n"

/* What a `remove` that was killed left listening is stopped; a generated one of that name is not
 * ours. */
static void test_socket_that_is_left(void **state)
{
        static const char ours[] = UNITS UNIT_SOCKET,
                          other[] = "/run/systemd/generator/" UNIT_SOCKET;
        static const struct {
                bool loaded, unread, masked;
                const char *fragment, *want;
        } table[] = {
                { true, true, false, ours, RELOAD LEFT }, { false, false, false, "", LEFT },
                { false, false, true, "", "" },           { true, false, false, ours, "" },
                { true, true, false, other, RELOAD },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct world w = live_world();
                struct unit_state *s = &w.units.socket;

                s->active = true;
                s->loaded = table[i].loaded;
                s->needs_reload = table[i].unread;
                s->masked = table[i].masked;
                (void)snprintf(s->fragment, sizeof(s->fragment), "%s", table[i].fragment);
                expect_units(&w, NULL, table[i].want);
        }
}

static void test_port_that_moves(void **state)
{
        static const struct {
                const char *from, *to;
                bool moves;
        } table[] = { { "", "port: 2222\n", true },
                      { "port: 2222\n", "port: 2223\n", true },
                      { "port: 2222\n", "port: 2222\nhosts_entry: false\n", false },
                      { "port: 2222\n", "port: 2222\ndisable_tcp: true\n", false } };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(config_free) struct config c = sample_config(table[i].to);
                AUTO(planning_free) struct planning plan = { 0 };
                struct world w = settled_world(table[i].from);

                plan_world(&w, &c, &plan);
                assert_int_equal(plan_moves_port(&plan.p), table[i].moves);
                users_free(&w.base.users);
                world_free(&w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_missed),
                cmocka_unit_test(test_grace),
                cmocka_unit_test(test_stale),
                cmocka_unit_test(test_socket_that_is_told),
                cmocka_unit_test(test_socket_that_was_not_told),
                cmocka_unit_test(test_socket_whose_ports_change_in_the_reload),
                cmocka_unit_test(test_keys_of_the_boot),
                cmocka_unit_test(test_reopened_socket),
                cmocka_unit_test(test_socket_that_failed_beside_ours),
                cmocka_unit_test(test_preset_of_somebody_else),
                cmocka_unit_test(test_record_that_is_ahead),
                cmocka_unit_test(test_nothing_opens_where_addresses_have_no_place),
                cmocka_unit_test(test_socket_that_is_left),
                cmocka_unit_test(test_port_that_moves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
