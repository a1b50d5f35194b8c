/* SPDX-License-Identifier: MIT
 *
 * test_plan_print.c: a plan in words.
 */
#include "world.h"

#define LOST "Changes are lost at the next \"sshd-vsock apply\".\n"

static const char closing[] =
        "--- /dev/null\n"
        "+++ " UNITS "sshd-vsock-keygen.service\n"
        "@@ -0,0 +1 @@\n"
        "+unit\n"
        "--- /dev/null\n"
        "+++ " UNITS "sshd-vsock-hostkeys.service\n"
        "@@ -0,0 +1 @@\n"
        "+unit\n"
        "--- /dev/null\n"
        "+++ /etc/ssh/sshd-vsock.conf\n"
        "@@ -0,0 +1,4 @@\n"
        "+" FILE_MARKER " " LOST "+Include /etc/ssh/sshd_config\n"
        "+AuthorizedKeysCommand /bin/cat /run/sshd-vsock/authorized_keys\n"
        "+AuthorizedKeysCommandUser root\n"
        "--- /dev/null\n"
        "+++ " UNITS "sshd-vsock-credential.service\n"
        "@@ -0,0 +1 @@\n"
        "+unit\n"
        "--- /dev/null\n"
        "+++ " UNITS "sshd-vsock@.service\n"
        "@@ -0,0 +1 @@\n"
        "+unit\n"
        "--- /dev/null\n"
        "+++ " UNITS "sshd-vsock.socket\n"
        "@@ -0,0 +1 @@\n"
        "+unit\n"
        "link " UNITS "sockets.target.wants/sshd-vsock.socket -> " UNITS "sshd-vsock.socket\n"
        "--- /dev/null\n"
        "+++ " UNITS "sshd-vsock-provision.service\n"
        "@@ -0,0 +1 @@\n"
        "+unit\n"
        "link " UNITS "multi-user.target.wants/sshd-vsock-provision.service -> " UNITS
        "sshd-vsock-provision.service\n"
        "--- /dev/null\n"
        "+++ /etc/modules-load.d/sshd-vsock.conf\n"
        "@@ -0,0 +1,3 @@\n"
        "+" FILE_MARKER " " LOST "+vsock_loopback\n"
        "+hv_sock\n"
        "--- /etc/hosts\n"
        "+++ /etc/hosts\n"
        "@@ -1 +1,2 @@\n"
        " 127.0.0.1 a\\x1b[2J\n"
        "+127.0.0.1 UNKNOWN # sshd-vsock\n"
        "--- /dev/null\n"
        "+++ /etc/systemd/system-preset/10-sshd-vsock.preset\n"
        "@@ -0,0 +1,3 @@\n"
        "+" FILE_MARKER " " LOST "+enable sshd-vsock.socket\n"
        "+enable sshd-vsock-provision.service\n"
        "systemctl daemon-reload\n"
        "systemctl start sshd-vsock.socket\n"
        "# only after verification:\n"
        "--- /dev/null\n"
        "+++ /etc/systemd/system-preset/10-sshd-vsock-ssh.service.preset\n"
        "@@ -0,0 +1,2 @@\n"
        "+" FILE_MARKER " " LOST "+disable ssh.service\n"
        "link " UNITS "ssh.service -> /dev/null\n"
        "--- /dev/null\n"
        "+++ /etc/systemd/system-preset/10-sshd-vsock-ssh.socket.preset\n"
        "@@ -0,0 +1,2 @@\n"
        "+" FILE_MARKER " " LOST "+disable ssh.socket\n"
        "link " UNITS "ssh.socket -> /dev/null\n"
        "systemctl daemon-reload\n";

static void test_closing(void **state)
{
        AUTO(world_free) struct world w = live_world();
        AUTO(config_free) struct config c = sample_config("disable_tcp: true\n");
        AUTO(planning_free) struct planning plan = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        w.base.virt = VIRT_UNKNOWN;
        w.base.loaded = ~0u;
        w.base.tcp[TCP_SSH_SERVICE].active = false;
        world_put_text(&w, PATH_HOSTS, "127.0.0.1 a\x1b[2J\n");
        plan_world(&w, &c, &plan);
        /* the units are test_render.c's */
        for (size_t k = 0; k < plan.p.n; k++)
                if (strncmp(plan.p.ops[k].name, UNITS "sshd-vsock", strlen(UNITS) + 10) == 0) {
                        free(plan.p.ops[k].content);
                        plan.p.ops[k].content = strdup("unit\n");
                        plan.p.ops[k].len = 5;
                }
        plan_print(&plan.p, CLOSING_VERIFIED, &b);
        users_free(&w.base.users);
        assert_string_equal(buf_str(&b), closing);
}

static void test_every_kind(void **state)
{
        struct observed link = { .type = OBSERVED_LINK, .data = text("/x"), .len = 2 };
        struct observed file = {
                .type = OBSERVED_FILE, .data = text("a\n"), .len = 2, .mode = 0600
        };
        struct item item = { .kind = ITEM_FILE };
        struct op ops[] = {
                { .kind = OP_WRITE, .name = "/a", .mode = 0644, .before = &file, .item = &item },
                { .kind = OP_UNLINK, .name = "/b", .before = &link, .item = &item },
                { .kind = OP_UNLINK, .name = "/c", .before = &file, .item = &item },
                { .kind = OP_MODULE, .name = "hv_sock", .phase = PHASE_ACTIVATE },
                { .kind = OP_REFRESH, .name = "ssh.service", .phase = PHASE_CLOSE },
        };
        struct plan p = { .ops = ops, .n = ELEMENTSOF(ops) };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        file.uid = 5;
        ops[0].content = text("a\n");
        ops[0].len = 2;
        plan_print(&p, CLOSING_DEFERRED, &b);
        assert_string_equal(buf_str(&b), "mode 0600 5:0 -> 0644 0:0 /a\n"
                                         "remove /b\n"
                                         "--- /c\n"
                                         "+++ /dev/null\n"
                                         "@@ -1 +0,0 @@\n"
                                         "-a\n"
                                         "modprobe hv_sock\n"
                                         "# left to the first boot, after verification there:\n"
                                         "systemctl reload ssh.service\n");
}

/* Another unit's file has the name that it has. */
static void test_names_of_others(void **state)
{
        const struct item saved = { .kind = ITEM_SAVED };
        const struct item rival = { .kind = ITEM_LINK, .flags = ITEM_RIVAL };
        const struct op ops[] = {
                { .kind = OP_WRITE, .name = "/x.d/a\n\x1b.conf" SAVED_SUFFIX, .item = &saved },
                { .kind = OP_LINK, .name = "/x/b\x1b", .item = &rival, .content = text("/\x1b") },
        };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        op_describe(&ops[0], &b);
        buf_adds(&b, "\n");
        op_describe(&ops[1], &b);
        assert_string_equal(buf_str(&b), "take over /x.d/a\\x0a\\x1b.conf, kept as "
                                         "/x.d/a\\x0a\\x1b.conf" SAVED_SUFFIX "\n"
                                         "take over b\\x1b: link /x/b\\x1b -> /\\x1b");
}

/* What is said before closing is what the run does. */
static void test_what_comes_before_closing(void **state)
{
        static const char *const words[] = {
                [CLOSING_VERIFIED] = "# only after verification:\nsystemctl stop ssh.socket\n",
                [CLOSING_DEFERRED] = "# left to the first boot, after verification there:\n"
                                     "systemctl stop ssh.socket\n",
                [CLOSING_BLIND] = "# without verification (--no-verify):\n"
                                  "systemctl stop ssh.socket\n",
        };
        struct op op = { .kind = OP_STOP, .name = "ssh.socket", .phase = PHASE_CLOSE };
        struct plan p = { .ops = &op, .n = 1 };

        (void)state;
        for (enum closing how = CLOSING_VERIFIED; how <= CLOSING_BLIND; how++) {
                AUTO_BUF b = BUF_INIT;

                plan_print(&p, how, &b);
                assert_string_equal(buf_str(&b), words[how]);
        }
}

static void test_nothing(void **state)
{
        struct plan p = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        plan_print(&p, CLOSING_VERIFIED, &b);
        assert_string_equal(buf_str(&b), "");
}

/* Machines read them. */
static void test_kind_names(void **state)
{
        static const char *const want[] = {
                "write",         "link",  "remove",  "label", "module",
                "daemon-reload", "start", "restart", "stop",  "reload"
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(want); i++)
                assert_string_equal(op_kind_name((enum op_kind)i), want[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_of_others),
                cmocka_unit_test(test_closing),
                cmocka_unit_test(test_every_kind),
                cmocka_unit_test(test_what_comes_before_closing),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_kind_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
