/* SPDX-License-Identifier: MIT
 *
 * test_rivals.c: which other units on our port are masked, which lose a stream, which are left as
 * they are; and in which order the port changes hands.
 */
#include "world.h"

#define UNIT "[Socket]\nAccept=yes\n[Install]\nWantedBy=sockets.target\n"
#define INSTANCE                                                                                   \
        "[Service]\nExecStart=sshd -i -o UsePAM=no\nStandardInput=socket\nSuccessExitStatus=255\n"

/* A live ssh.socket of these words, its drop-in among them where there is one. */
static struct rival sample_rival(const char *text, const char *dropin)
{
        struct rival v = { .name = strdup("ssh.socket"),
                           .service = strdup("ssh.service"),
                           .enabled = true,
                           .active = true };

        buf_adds(&v.text, text);
        buf_adds(&v.text, dropin ? dropin : "");
        buf_adds(&v.instance, INSTANCE);
        if (dropin) {
                v.files = calloc(1, sizeof(*v.files));
                v.files[v.n_files++] =
                        (struct rival_file){ .path = strdup(UNITS "ssh.socket.d/x.conf"),
                                             .text = strdup(dropin),
                                             .len = strlen(dropin) };
        }
        return v;
}

static enum rival_kind decide(struct rival *v, struct rivals_wish wish, bool live)
{
        struct facts f = { .live = live, .rivals = v, .n_rivals = 1 };

        assert_int_equal(rivals_decide(&f, &wish), 0);
        return v->kind;
}

static void test_kinds(void **state)
{
        static const struct {
                const char *text, *dropin;
                enum rival_kind kind;
                const char *different;
        } table[] = {
                { UNIT "[Socket]\nListenStream=vsock::22\n", NULL, RIVAL_WHOLE, "" },
                { UNIT "[Socket]\nListenStream=vsock::2222\n", NULL, RIVAL_ASIDE, "" },
                { UNIT "[Socket]\nListenStream=22\n", NULL, RIVAL_ASIDE, "" },
                { UNIT "[Socket]\nListenStream=22\n", "[Socket]\nListenStream=vsock::22\n",
                  RIVAL_STREAM, "" },
                { UNIT "[Socket]\nListenStream=vsock::1022\n", "[Socket]\nListenStream=vsock::22\n",
                  RIVAL_STREAM, "" },
                /* the stream is in a file that is not one of /etc */
                { UNIT "[Socket]\nListenStream=22\nListenStream=vsock::22\n", NULL, RIVAL_ASIDE,
                  "" },
                { UNIT "[Socket]\nListenStream=vsock::22\nListenStream=\nListenStream=22\n", NULL,
                  RIVAL_ASIDE, "" },
                { UNIT "[Socket]\nListenStream=vsock::22\nMark=1\n", NULL, RIVAL_WHOLE,
                  "\"Mark=1\"" },
                { "[Socket]\nListenStream=22\n",
                  "[Socket]\nListenStream=\nListenStream=vsock::22\n", RIVAL_WHOLE, "" },
                { "[Socket]\nListenStream=22\n",
                  "[Socket]\nListenStream=\nListenStream=vsock::22\nMark=1\n", RIVAL_WHOLE,
                  "\"Mark=1\"" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct rival v = sample_rival(table[i].text, table[i].dropin);

                assert_int_equal(decide(&v, (struct rivals_wish){ .port = 22 }, true),
                                 table[i].kind);
                assert_string_equal(buf_str(&v.different), table[i].different);
                rival_free(&v);
        }
}

/* What does something else is a conflict only where it is in the way, and none with --takeover. */
static void test_others(void **state)
{
        static const struct {
                struct rivals_wish wish;
                bool live, active;
                enum rival_kind kind;
        } table[] = {
                { { .port = 22 }, true, true, RIVAL_WHOLE },
                { { .port = 22 }, true, false, RIVAL_ASIDE },
                { { .port = 22, .served = true }, true, true, RIVAL_ASIDE },
                { { .port = 22 }, false, false, RIVAL_WHOLE },
                { { .port = 22, .served = true, .takeover = true }, true, false, RIVAL_WHOLE },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct rival v =
                        sample_rival(UNIT "[Socket]\nListenStream=vsock::22\nMark=1\n", NULL);

                v.active = table[i].active;
                assert_int_equal(decide(&v, table[i].wish, table[i].live), table[i].kind);
                assert_int_equal(v.different.len > 0,
                                 v.kind == RIVAL_WHOLE && !table[i].wish.takeover);
                rival_free(&v);
        }
}

/* What serves the stream of a unit that has others is looked at before ours listens. */
static void test_templates_of_streams(void **state)
{
        static const struct {
                struct rivals_wish wish;
                const char *instance, *different;
                bool saved;
        } table[] = {
                { { .port = 22 }, INSTANCE, "", false },
                { { .port = 22 }, INSTANCE "Mark=1\n", "\"Mark=1\"", false },
                { { .port = 22 }, INSTANCE "Mark=1\n", "", true },
                { { .port = 22, .served = true }, INSTANCE "Mark=1\n", "", false },
                { { .port = 22, .takeover = true }, INSTANCE "Mark=1\n", "", false },
                { { .port = 22 }, "", "no ExecStart=, no StandardInput=socket", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                for (unsigned accepts = 0; accepts < 2; accepts++) {
                        struct rival v = sample_rival(accepts ? UNIT : "[Socket]\n",
                                                      "[Socket]\nListenStream=vsock::22\n"
                                                      "ListenStream=22\n");

                        buf_free(&v.instance);
                        buf_adds(&v.instance, table[i].instance);
                        v.files[0].saved = table[i].saved;
                        assert_int_equal(decide(&v, table[i].wish, true), RIVAL_STREAM);
                        assert_string_equal(buf_str(&v.different),
                                            accepts ? table[i].different : "");
                        rival_free(&v);
                }
        }
}

/* Our mask stays until everything goes; one of the administrator's is left alone. */
static void test_masks(void **state)
{
        static const struct {
                bool recorded, masked, own;
                unsigned port;
                enum rival_kind kind;
        } table[] = {
                { true, true, false, 22, RIVAL_WHOLE },   { false, true, false, 22, RIVAL_ASIDE },
                { true, false, false, 22, RIVAL_WHOLE },  { true, true, true, 2222, RIVAL_WHOLE },
                { true, true, false, 2222, RIVAL_ASIDE }, { true, true, false, 0, RIVAL_WHOLE },
                { true, false, false, 0, RIVAL_WHOLE },   { false, false, false, 0, RIVAL_ASIDE },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct rival v = sample_rival(UNIT "[Socket]\nListenStream=vsock::22\n", NULL);

                v.recorded = table[i].recorded;
                v.masked = table[i].masked;
                v.own = table[i].own;
                assert_int_equal(decide(&v, (struct rivals_wish){ .port = table[i].port }, true),
                                 table[i].kind);
                rival_free(&v);
        }
}

static void test_strip(void **state)
{
        char text[] = "# mine\n[Socket]\nListenStream=22\n ListenStream = vsock::0x16 # no\n"
                      "ListenStream=vsock:3:\\\n22\nBacklog=5\n[Unit]\nnonsense\n";
        char none[] = "[Socket]\nListenStream=vsock::22\n";
        struct rival_file file = { .text = text, .len = strlen(text) };
        AUTO_BUF b = BUF_INIT, again = BUF_INIT;
        const char *rest = "\n[Socket]\nListenStream=22\nListenStream=vsock::0x16 # no\n"
                           "ListenStream=vsock:3: 22\nBacklog=5\n\n[Unit]\nnonsense\n";

        (void)state;
        assert_int_equal(rival_strip(&file, 22, &b), 0); /* those two no systemd takes */
        assert_string_equal(strstr(buf_str(&b), "\n[") ? strstr(buf_str(&b), "\n[") : "", rest);
        buf_free(&b);
        file = (struct rival_file){ .text = none, .len = strlen(none) };
        assert_int_equal(rival_strip(&file, 22, &b), 1);
        assert_null(strstr(buf_str(&b), "\n["));
        assert_memory_equal(buf_str(&b), FILE_MARKER "\n", strlen(FILE_MARKER) + 1);
        file = (struct rival_file){ .text = b.data, .len = b.len };
        assert_int_equal(rival_strip(&file, 22, &again), 0);
        assert_string_equal(buf_str(&again), buf_str(&b));
}

#define MODULES    "a modprobe vsock_loopback\na modprobe vmw_vsock_virtio_transport\n"
#define STOP(unit) "a systemctl stop ssh." unit "\n"

static void expect_handover(struct world *w, const char *yaml, struct rival v, const char *want)
{
        w->base.rivals = &v;
        w->base.n_rivals = 1;
        assert_int_equal(rivals_decide(&w->base, &(struct rivals_wish){ .port = yaml ? 22 : 0 }),
                         0);
        expect_units(w, yaml, want);
        rival_free(&v);
}

static void test_order(void **state)
{
        const char *whole = UNIT "[Socket]\nListenStream=vsock::22\n";
        const char *stream = "[Socket]\nListenStream=vsock::22\n";
        struct world w = live_world();
        struct rival v = sample_rival(whole, NULL);

        (void)state;
        v.serves = true; /* ssh.service has TCP, and nothing to do with it */
        expect_handover(&w, "", v, MODULES STOP("socket") RELOAD START_SOCKET);
        /* one that lost the race at boot */
        w = settled_world("");
        v = sample_rival(whole, NULL);
        v.active = false;
        expect_handover(&w, "", v, RELOAD);
        /* its mask is ours, for the vsock port: nothing starts it */
        w = settled_world("");
        v = sample_rival(whole, NULL);
        v.active = false;
        v.recorded = v.masked = w.base.tcp[TCP_SSH_SOCKET].enabled = true;
        w.base.tcp[TCP_SSH_SERVICE].active = w.base.tcp[TCP_SSH_SERVICE].enabled = false;
        world_put(&w, UNITS "ssh.socket", OBSERVED_LINK, "/dev/null", strlen("/dev/null"));
        world_put_text(&w, record_of("ssh.socket"), FILE_MARKER "\n");
        expect_handover(&w, "", v, "");
        /* the service has the stream's descriptor, too */
        w = live_world();
        v = sample_rival("[Socket]\nListenStream=22\n", stream);
        v.serves = true;
        expect_handover(&w, "", v, MODULES RELOAD STOP("service") START_SOCKET);
        w = live_world();
        v = sample_rival("[Socket]\nListenStream=22\n", stream);
        expect_handover(&w, "", v, MODULES RELOAD START_SOCKET);
        /* and back, once ours has stopped */
        w = settled_world("");
        v = sample_rival(whole, NULL);
        v.active = false;
        v.recorded = v.masked = true;
        world_put(&w, UNITS "ssh.socket", OBSERVED_LINK, "/dev/null", strlen("/dev/null"));
        expect_handover(&w, NULL, v,
                        "c systemctl stop sshd-vsock.socket\nc systemctl daemon-reload\n"
                        "c systemctl start ssh.socket\n");
        w = settled_world("");
        v = sample_rival("[Socket]\nListenStream=22\n", "# nothing\n");
        v.files[0].saved = v.serves = true;
        world_put_text(&w, UNITS "ssh.socket.d/x.conf", FILE_MARKER "\n");
        world_put_text(&w, UNITS "ssh.socket.d/x.conf" SAVED_SUFFIX, stream);
        expect_handover(&w, NULL, v,
                        "c systemctl stop sshd-vsock.socket\nc systemctl daemon-reload\n"
                        "c systemctl stop ssh.service\nc systemctl restart ssh.socket\n");
}

/* One process that has the port for all connections goes first, and its socket, which would start
 * it again. */
static void test_takeover_of_one_process(void **state)
{
        AUTO(config_free) struct config c = sample_config("");
        AUTO(planning_free) struct planning p = { 0 };
        struct world w = settled_world("");
        AUTO_BUF order = BUF_INIT, expected = BUF_INIT;

        (void)state;
        world_put_text(&w, UNITS UNIT_SOCKET, "[Socket]\nListenStream=vsock::22\n");
        (void)snprintf(w.units.server, sizeof(w.units.server), "sshd-vsock.service");
        p.f = world_facts(&w);
        assert_int_equal(desired_make(&c, &p.f, &p.d), 0);
        p.d.takeover = true;
        p.observed = world_observe(&w, &p.d);
        assert_int_equal(plan_make(&p.d, p.observed, &p.f, &w.units, &p.p), 0);
        for (size_t k = 0; k < p.p.n; k++)
                if (!p.p.ops[k].item)
                        buf_addf(&order, "%d %s\n", p.p.ops[k].kind, p.p.ops[k].name);
        buf_addf(&expected, "%d %s\n%d %s\n%d daemon-reload\n%d %s\n", OP_STOP, UNIT_SOCKET,
                 OP_STOP, "sshd-vsock.service", OP_RELOAD, OP_RESTART, UNIT_SOCKET);
        assert_string_equal(buf_str(&order), buf_str(&expected));
        users_free(&w.base.users);
        world_free(&w);
}

/* A file that is not ours to write has the stream: that is in the way of a boot that starts both.
 */
static void test_obstacle(void **state)
{
        (void)state;
        for (int enabled = 0; enabled < 2; enabled++) {
                struct rival v = sample_rival("[Socket]\nListenStream=22\n",
                                              "[Socket]\nListenStream=vsock::22\n");

                v.enabled = enabled;
                v.files[0].foreign = true;
                assert_int_equal(decide(&v, (struct rivals_wish){ .port = 22 }, true), RIVAL_ASIDE);
                assert_int_equal(v.obstacle != NULL, enabled);
                rival_free(&v);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_takeover_of_one_process),
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_masks),
                cmocka_unit_test(test_strip),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_obstacle),
                cmocka_unit_test(test_templates_of_streams),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
