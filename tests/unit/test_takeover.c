/* SPDX-License-Identifier: MIT */
#include "sample.h"

#include "core/plan/takeover.h"

/* What is different about it, on port 22; "" for a unit that does what ours does. */
static void check(enum takeover kind, const char *text, const char *expected)
{
        AUTO_BUF b = BUF_INIT;
        int r = takeover_is_alike(kind, text, strlen(text), 22, &b);

        assert_int_equal(r, expected[0] == '\0');
        assert_string_equal(buf_str(&b), expected);
}

#define SOCKET(lines)                                                                              \
        "[Unit]\nDescription=x\n[Socket]\n" lines "[Install]\nWantedBy=sockets.target\n"
#define TEMPLATE(lines) "[Unit]\nDescription=x %I\n[Service]\nStandardInput=socket\n" lines

static void test_sockets_that_are_alike(void **state)
{
        (void)state;
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::22\nAccept=yes\n"), "");
        check(TAKEOVER_SOCKET,
              SOCKET("Accept=1\n# a\n; b\n  ListenStream = vsock:4294967295:0x16 \n"), "");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::+22\nAccept=yes\n"), "");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::0b10110\nAccept=yes\n"), "");
        check(TAKEOVER_SOCKET,
              SOCKET("ListenStream=\\\nvsock-stream::22\r\nAccept=True\nBacklog=4\n"), "");
        /* mkosi's */
        check(TAKEOVER_SOCKET,
              SOCKET("ListenStream=vsock::22\nAccept=yes\n") "[Unit]\nConditionVirtualization="
                                                             "!container\n",
              "");
        check(TAKEOVER_TEMPLATE, TEMPLATE("ExecStart=sshd -i -o UsePAM=no\n"), "");
        check(TAKEOVER_SOCKET, "\xef\xbb\xbf[Socket]\nListenStream=vsock::22\nAccept=on", "");
}

/* An empty assignment takes back what stood before, of any Listen…= and of each command. */
static void test_what_was_taken_back(void **state)
{
        (void)state;
        check(TAKEOVER_SOCKET,
              SOCKET("ListenStream=22\nListenStream=\nListenStream=vsock::22\nAccept=yes\n"), "");
        check(TAKEOVER_SOCKET,
              SOCKET("ListenStream=vsock::2222\nListenFIFO=/run/x\nListenDatagram=\n"
                     "ListenStream=\nAccept=yes\nListenStream=vsock::22\n"),
              "");
        check(TAKEOVER_SOCKET,
              SOCKET("ListenStream=vsock::22\nListenStream=\nListenStream=22\nAccept=yes\n"),
              "\"ListenStream=22\" (another address)");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::22\nAccept=yes\nListenStream=\n"),
              "no ListenStream=");
        check(TAKEOVER_TEMPLATE,
              TEMPLATE("ExecStart=/bin/x\nEnvironmentFile=/etc/x\nExecStartPre=/bin/y\n"
                       "ExecStart=\nExecStart=-/usr/sbin/sshd -i\nExecStartPre=\n"
                       "EnvironmentFile=\n"),
              "");
        check(TAKEOVER_TEMPLATE, TEMPLATE("ExecStart=-/usr/sbin/sshd -i\nExecStart=\n"),
              "no ExecStart=");
        check(TAKEOVER_TEMPLATE, TEMPLATE("ExecStart=-/usr/sbin/sshd -i\nCapabilityBoundingSet=\n"),
              "\"CapabilityBoundingSet=\"");
}

static void test_sockets_that_are_not(void **state)
{
        (void)state;
        check(TAKEOVER_SOCKET, "", "no ListenStream=, no Accept=yes");
        check(TAKEOVER_SOCKET,
              SOCKET("ListenStream=vsock::22\nAccept=yes\n") "[Unit]\nConditionVirtualization="
                                                             "kvm\n",
              "\"ConditionVirtualization=kvm\" (another condition)");
        check(TAKEOVER_TEMPLATE, TEMPLATE("ExecStart=sshd -i -o UsePAM=yes\n"),
              "\"ExecStart=sshd -i -o UsePAM=yes\" (options that sshd-vsock does not pass: put "
              "them "
              "into sshd_config)");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::22\n"), "no Accept=yes");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::22\nAccept=no\n"),
              "\"Accept=no\" (one process for all connections)");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::2222\nAccept=yes\n"),
              "\"ListenStream=vsock::2222\" (another port than the configuration's)");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock:3:22\nAccept=yes\n"),
              "\"ListenStream=vsock:3:22\" (another address)");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::22\nListenStream=22\nAccept=yes\n"),
              "\"ListenStream=22\" (another address)");
        check(TAKEOVER_SOCKET,
              SOCKET("ListenStream=vsock::22\nListenStream=vsock::22\nAccept=yes\n"),
              "\"ListenStream=vsock::22\" (a second address)");
        check(TAKEOVER_SOCKET, SOCKET("ListenStream=vsock::22x\nAccept=yes\n"),
              "\"ListenStream=vsock::22x\" (another port than the configuration's)");
        check(TAKEOVER_SOCKET,
              SOCKET("ListenStream=vsock::22\nAccept=yes\nListenDatagram=1\nnonsense\n"
                     "IPAddressDeny=any\n"),
              "\"ListenDatagram=1\", \"nonsense\", \"IPAddressDeny=any\"");
        check(TAKEOVER_SOCKET, "[Service]\nListenStream=vsock::22\n[Socket\nAccept=yes\n",
              "\"ListenStream=vsock::22\", \"Accept=yes\"");
}

static void test_who_starts_sshd(void **state)
{
        static const struct {
                const char *text;
                bool starts;
        } table[] = {
                { "", false },
                { TEMPLATE("ExecStart=-/usr/sbin/sshd -i\n"), true },
                { TEMPLATE("ExecStart=sshd -i -o UsePAM=no\n"), true },
                { TEMPLATE("ExecStart=@-/usr/sbin/sshd sshd -ie -o DenyUsers=root\n"), true },
                { TEMPLATE("ExecStart=/usr/sbin/sshd -D\n"), false },
                { TEMPLATE("ExecStart=/usr/sbin/sshd -o -i\n"), false },
                { TEMPLATE("ExecStart=/usr/bin/login -i\n"), false },
                { TEMPLATE("ExecStart=/opt/sshd -i\n"), false },
                { TEMPLATE("ExecStart=/usr/sbin/sshd -i\nExecStart=\n"), false },
                { TEMPLATE("ExecStart=/bin/false\nExecStart=\nExecStart=sshd -i\n"), true },
                { TEMPLATE("ExecStart=sshd -i\nStandardInput=null\n"), false },
                { "[Service]\nExecStart=sshd -i\n", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(takeover_starts_sshd(table[i].text, strlen(table[i].text)),
                                 table[i].starts);
}

static void test_templates_that_are_alike(void **state)
{
        (void)state;
        check(TAKEOVER_TEMPLATE,
              TEMPLATE(
                      "ExecStart=-/usr/sbin/sshd -i\nStandardOutput=socket\nStandardError=journal\n"
                      "RuntimeDirectory=sshd\nRuntimeDirectoryPreserve=yes\n"),
              "");
        check(TAKEOVER_TEMPLATE,
              TEMPLATE("EnvironmentFile=-/etc/default/ssh\n"
                       "ExecStart=/usr/sbin/sshd -e -i -o UseDNS=no -ologlevel=DEBUG -u0 -u 0 "
                       "$SSHD_OPTS\nExecStartPre=-/bin/mkdir -p -m 0755 /run/sshd\n"
                       "KillMode=process\nType=simple\nUser=root\n"),
              "");
}

/* The same words in other letters: quotes, merged /usr, a variable in braces, letters together. */
static void test_commands_that_are_alike(void **state)
{
        static const char *const same[] = {
                "/sbin/sshd -i",
                "-/bin/sshd -i",
                "\"/usr/sbin/sshd\" '-i'",
                "/usr/sbin/sshd -i ${SSHD_OPTS}",
                "/usr/sbin/sshd -i -o \"PrintMotd no\"",
                "/usr/sbin/sshd -i '-oLogLevel VERBOSE' -o 'UsePAM no'",
                "/usr/sbin/sshd -ie -Dq",
        };
        static const char *const others[] = {
                "/opt/sbin/sshd -i",
                "/usr/sbin/sshd -i -o \"PermitRootLogin no\"",
                "/usr/sbin/sshd -i -o 'UsePAM yes'",
                "/usr/sbin/sshd -i '-f /etc/x'",
                "/usr/sbin/sshd -i ${MINE}",
                "/usr/sbin/sshd -it",
                "/usr/sbin/sshd \\-i",
                "/usr/sbin/sshd -i \"\"",
        };
        AUTO_BUF different = BUF_INIT, text = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(same); i++) {
                buf_free(&text);
                buf_addf(&text, "%sExecStart=%s\n", TEMPLATE(""), same[i]);
                check(TAKEOVER_TEMPLATE, buf_str(&text), "");
                assert_true(takeover_starts_sshd(buf_str(&text), text.len));
        }
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                buf_free(&text);
                buf_addf(&text, "%sExecStart=%s\n", TEMPLATE(""), others[i]);
                assert_int_equal(takeover_is_alike(TAKEOVER_TEMPLATE, buf_str(&text), text.len, 22,
                                                   &different),
                                 0);
        }
}

static void test_templates_that_are_not(void **state)
{
        (void)state;
        check(TAKEOVER_TEMPLATE, TEMPLATE(""), "no ExecStart=");
        check(TAKEOVER_TEMPLATE, "[Service]\nExecStart=/usr/sbin/sshd -i\n",
              "no StandardInput=socket");
        check(TAKEOVER_TEMPLATE, TEMPLATE("ExecStart=/usr/sbin/sshd -D\n"),
              "\"ExecStart=/usr/sbin/sshd -D\" (not for one connection: it lacks -i)");
        check(TAKEOVER_TEMPLATE, TEMPLATE("ExecStart=/usr/sbin/sshd -i -o PermitRootLogin=no\n"),
              "\"ExecStart=/usr/sbin/sshd -i -o PermitRootLogin=no\" (options that sshd-vsock does "
              "not pass: put them into sshd_config)");
        check(TAKEOVER_TEMPLATE, TEMPLATE("ExecStart=/usr/sbin/sshd -i -f /etc/other\n"),
              "\"ExecStart=/usr/sbin/sshd -i -f /etc/other\" (options that sshd-vsock does not "
              "pass: "
              "put them into sshd_config)");
        check(TAKEOVER_TEMPLATE, TEMPLATE("ExecStart=/usr/sbin/dropbear -i\n"),
              "\"ExecStart=/usr/sbin/dropbear -i\" (another program than the system's sshd)");
        check(TAKEOVER_TEMPLATE,
              TEMPLATE("ExecStart=/usr/sbin/sshd -i\nExecStart=/usr/sbin/sshd -i\n"),
              "\"ExecStart=/usr/sbin/sshd -i\" (a second command)");
        check(TAKEOVER_TEMPLATE,
              TEMPLATE("ExecStart=/usr/sbin/sshd -i\nExecStartPre=/bin/touch /run/sshd\n"
                       "ProtectHome=yes\nUser=nobody\n"),
              "\"ExecStartPre=/bin/touch /run/sshd\" (another command), \"ProtectHome=yes\", "
              "\"User=nobody\" (not root's)");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sockets_that_are_alike),
                cmocka_unit_test(test_what_was_taken_back),
                cmocka_unit_test(test_sockets_that_are_not),
                cmocka_unit_test(test_who_starts_sshd),
                cmocka_unit_test(test_templates_that_are_alike),
                cmocka_unit_test(test_commands_that_are_alike),
                cmocka_unit_test(test_templates_that_are_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
