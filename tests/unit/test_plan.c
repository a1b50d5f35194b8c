/* SPDX-License-Identifier: MIT
 *
 * test_plan.c: every kind of item against everything that can be found in its place, and two
 * items of one path. What follows for units is in test_plan_units.c, the words are in
 * test_plan_print.c, the laws in test_plan_laws.c.
 */
#include "core/format/hosts-file.h"
#include "world.h"

#define BODY FILE_MARKER " more\n"

/* What is found. */
enum found {
        NOTHING,
        NO_DIRECTORY,
        SAME_FILE, /* just what is wanted */
        OUR_FILE,  /* ours, but not what is wanted */
        FOREIGN_FILE,
        SAME_LINK,
        MASK,
        OTHER_LINK,
        DIRECTORY,
        N_FOUND,
};

static const char *const same[] = {
        [ITEM_FILE] = BODY,
        [ITEM_FLAG] = BODY,
        [ITEM_SAVED] = "",
        [ITEM_LINK] = "/x/target",
        [ITEM_HOSTS] = "127.0.0.1 localhost\n127.0.0.1 UNKNOWN # sshd-vsock\n",
        [ITEM_SSHD_CONFIG] =
                ("# BEGIN sshd-vsock (do not edit: sshd-vsock apply writes this block)\n"
                 "ListenAddress 127.0.0.1\n# END sshd-vsock\n#sshd-vsock# ListenAddress ::\n"),
};
static const char *const ours[] = {
        [ITEM_FILE] = FILE_MARKER " less\n",
        [ITEM_FLAG] = FILE_MARKER "\n",
        [ITEM_LINK] = FILE_MARKER "\n",
        [ITEM_HOSTS] = "127.0.0.1 localhost\n10.0.0.1 UNKNOWN # sshd-vsock\n",
        [ITEM_SSHD_CONFIG] =
                ("# BEGIN sshd-vsock (do not edit: sshd-vsock apply writes this block)\n"
                 "ListenAddress ::1\n# END sshd-vsock\n"),
};
static const char *const foreign[] = {
        [ITEM_FILE] = "[Unit]\n",
        [ITEM_FLAG] = "",
        [ITEM_LINK] = "[Unit]\n",
        [ITEM_HOSTS] = "127.0.0.1 localhost\n",
        [ITEM_SSHD_CONFIG] = "ListenAddress ::\n",
};
static const char *const content[] = {
        [ITEM_FILE] = BODY,         [ITEM_FLAG] = BODY,
        [ITEM_SAVED] = "",          [ITEM_LINK] = "/x/target",
        [ITEM_HOSTS] = "127.0.0.1", [ITEM_SSHD_CONFIG] = "ListenAddress 127.0.0.1\n",
};

static struct observed find(enum item_kind kind, enum found found)
{
        static const enum observed_type types[] = {
                [NOTHING] = OBSERVED_NONE,      [NO_DIRECTORY] = OBSERVED_NO_DIRECTORY,
                [SAME_FILE] = OBSERVED_FILE,    [OUR_FILE] = OBSERVED_FILE,
                [FOREIGN_FILE] = OBSERVED_FILE, [SAME_LINK] = OBSERVED_LINK,
                [MASK] = OBSERVED_LINK,         [OTHER_LINK] = OBSERVED_LINK,
                [DIRECTORY] = OBSERVED_OTHER,
        };
        const char *const data[] = {
                [SAME_FILE] = same[kind],  [OUR_FILE] = ours[kind], [FOREIGN_FILE] = foreign[kind],
                [SAME_LINK] = "/x/target", [MASK] = "/dev/null",    [OTHER_LINK] = "/elsewhere",
                [DIRECTORY] = NULL,
        };
        struct observed o = { .type = types[found], .mode = 0644, .what = "a directory" };

        o.data = data[found] ? text(data[found]) : NULL;
        o.len = o.data ? strlen(o.data) : 0;
        return o;
}

/* What the plan for this one item says: '-' nothing, 'x' a conflict, 's' skipped, or the operation.
 */
static char decide(enum item_kind kind, bool wanted, const struct observed *o, unsigned flags)
{
        static const char letters[] = {
                [OP_WRITE] = 'w', [OP_LINK] = 'l', [OP_UNLINK] = 'u', [OP_LABEL] = 'b'
        };
        struct item i = { .kind = kind, .wanted = wanted, .mode = 0644, .flags = flags };
        struct desired d = { .items = &i, .n = 1 };
        struct facts f = { 0 };
        struct plan p;
        char letter = '-';

        i.path = text(kind == ITEM_FILE ? "/etc/x/target.socket" : "/etc/x/target");
        i.content = wanted || kind == ITEM_LINK ? text(content[kind]) : NULL;
        i.len = i.content ? strlen(i.content) : 0;
        assert_int_equal(plan_make(&d, o, &f, NULL, &p), 0);
        assert_true(p.n + p.n_conflicts + p.n_skipped <= 1);
        if (p.n_conflicts) {
                assert_string_equal(p.conflicts[0].path, i.path);
                assert_true(strlen(p.conflicts[0].reason) > 0);
                /* a link to /dev/null where a unit has to be: the door cannot answer */
                assert_int_equal(p.conflicts[0].masked, kind == ITEM_FILE &&
                                                                o->type == OBSERVED_LINK &&
                                                                strcmp(o->data, "/dev/null") == 0);
                letter = 'x';
        } else if (p.n_skipped) {
                assert_string_equal(p.skipped[0].path, i.path);
                assert_ptr_equal(p.skipped[0].reason, o->what);
                letter = 's';
        } else if (p.n) {
                assert_ptr_equal(p.ops[0].item, &i);
                assert_ptr_equal(p.ops[0].before, o);
                letter = letters[p.ops[0].kind];
        }
        plan_free(&p);
        return letter;
}

/* Columns as in enum found. */
static void test_every_kind_of_item(void **state)
{
        static const struct {
                enum item_kind kind;
                bool wanted;
                const char *want;
                bool mislabelled;
        } table[] = {
                { ITEM_FILE, true, "wwbwxxxxx", true },
                { ITEM_FILE, false, "--uu-----", true },
                { ITEM_LINK, true, "llxxxbxxx", true },
                { ITEM_HOSTS, true, "ww-wwxxxx", true },
                { ITEM_FILE, true, "ww-wxxxxx", false },
                { ITEM_FILE, false, "--uu-----", false },
                { ITEM_FLAG, true, "ws-------", false },
                { ITEM_FLAG, false, "--uu-----", false },
                { ITEM_LINK, true, "llxxx-xxx", false },
                { ITEM_LINK, false, "-----u---", false },
                { ITEM_HOSTS, true, "ww-wwxxxx", false },
                { ITEM_HOSTS, false, "--ww-----", false },
                { ITEM_SSHD_CONFIG, true, "xx-wwxxxx", false },
                { ITEM_SSHD_CONFIG, false, "--ww-----", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char got[N_FOUND + 1] = { 0 };

                for (size_t k = 0; k < N_FOUND; k++) {
                        struct observed o = find(table[i].kind, (enum found)k);

                        o.mislabelled = table[i].mislabelled;
                        got[k] = decide(table[i].kind, table[i].wanted, &o, 0);
                }
                if (strcmp(got, table[i].want) != 0)
                        fail_msg("kind %u, wanted %d: %s, not %s", table[i].kind, table[i].wanted,
                                 got, table[i].want);
        }
}

/* Only root may look at it, and somebody else asked: it is neither changed nor in the way. */
static void test_hidden(void **state)
{
        struct observed o = {
                .type = OBSERVED_OTHER, .unseen = true, .hidden = true, .what = "for root"
        };

        (void)state;
        for (int kind = ITEM_FILE; kind <= ITEM_SSHD_CONFIG; kind++)
                for (unsigned flags = 0; flags <= ITEM_SSHD; flags += ITEM_SSHD)
                        if (kind != ITEM_SAVED)
                                assert_int_equal(decide((enum item_kind)kind, true, &o, flags),
                                                 '-');
        o.hidden = false;
        assert_int_equal(decide(ITEM_FILE, true, &o, ITEM_SSHD), 'x');
}

/* systemctl enable links to where the distribution has the unit. */
static void test_alias(void **state)
{
        struct observed o = { .type = OBSERVED_LINK, .data = text("../target"), .len = 9 };

        (void)state;
        assert_int_equal(decide(ITEM_LINK, true, &o, 0), 'x');
        assert_int_equal(decide(ITEM_LINK, true, &o, ITEM_ALIAS), '-');
        assert_int_equal(decide(ITEM_LINK, false, &o, 0), '-');
        o.data = text("../other");
        o.len = 8;
        assert_int_equal(decide(ITEM_LINK, true, &o, ITEM_ALIAS), 'x');
}

/* Whether remove takes an enablement link away, by what stands where its unit would: the unit file
 * of ours, of somebody else, or none; and by whether another file of ours is left. */
static void test_link_is_known_by_its_unit(void **state)
{
        static const struct {
                enum found unit, other;
                const char *target;
                bool gone;
        } table[] = {
                { OUR_FILE, NOTHING, "/etc/u/x.socket", true },
                { OUR_FILE, NOTHING, "../x.socket", true },
                { OUR_FILE, NOTHING, "/usr/lib/u/x.socket", false }, /* enables that one */
                { OUR_FILE, NOTHING, "/etc/u/y.socket", false },
                { FOREIGN_FILE, OUR_FILE, "/etc/u/x.socket", false },
                { OTHER_LINK, OUR_FILE, "/etc/u/x.socket", false },
                { DIRECTORY, OUR_FILE, "/etc/u/x.socket", false },
                { NOTHING, OUR_FILE, "/etc/u/x.socket", true }, /* a remove that was killed */
                { NO_DIRECTORY, OUR_FILE, "/etc/u/x.socket", true },
                { NOTHING, OUR_FILE, "/usr/lib/u/x.socket", false },
                { NOTHING, FOREIGN_FILE, "/etc/u/x.socket", false },
                { NOTHING, NOTHING, "/etc/u/x.socket", false },
        };

        (void)state;
        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                struct item items[] = {
                        { .kind = ITEM_LINK, .path = text("/etc/u/s.wants/x.socket") },
                        { .kind = ITEM_FILE, .path = text("/etc/u/x.socket") },
                        { .kind = ITEM_FILE, .path = text("/etc/u/x@.service") },
                };
                struct observed o[] = { { .type = OBSERVED_LINK, .data = text(table[k].target) },
                                        find(ITEM_FILE, table[k].unit),
                                        find(ITEM_FILE, table[k].other) };
                struct desired d = { .items = items, .n = ELEMENTSOF(items) };
                struct facts f = { 0 };
                struct plan p;

                items[0].flags = ITEM_ALIAS;
                items[0].content = text("/etc/u/x.socket");
                o[0].len = strlen(o[0].data);
                assert_int_equal(plan_make(&d, o, &f, NULL, &p), 0);
                if ((p.n > 0 && p.ops[0].item == &items[0]) != table[k].gone)
                        fail_msg("row %zu", k);
                plan_free(&p);
        }
}

/* Half of the users want one, the others had one of ours: of the last of them it is the same file
 * as the first one's. */
static void test_homes_by_the_thousand(void **state)
{
        enum { N = 100000 };
        struct item *items = calloc(N, sizeof(*items));
        struct observed *o = calloc(N, sizeof(*o));
        struct desired d = { .items = items, .n = N };
        struct facts f = { 0 };
        struct plan p;

        (void)state;
        assert_true(items && o);
        for (size_t k = 0; k < N; k++) {
                items[k] = (struct item){ .kind = ITEM_FLAG,
                                          .phase = PHASE_EXTRAS,
                                          .path = text("/h/.hushlogin"),
                                          .wanted = k < N / 2 };
                o[k] = find(ITEM_FLAG, OUR_FILE);
                o[k].inode = N - k;
        }
        o[N - 1].inode = o[0].inode;
        alarm(10);
        assert_int_equal(plan_make(&d, o, &f, NULL, &p), 0);
        alarm(0);
        assert_int_equal(p.n, N / 2 - 1);
        plan_free(&p);
        free(items);
        free(o);
}

/* Ours has our mode and owner; a shared file keeps those it has. */
static void test_mode_and_owner(void **state)
{
        (void)state;
        for (unsigned kind = ITEM_FILE; kind <= ITEM_SSHD_CONFIG; kind++) {
                struct observed o = find((enum item_kind)kind, OUR_FILE);
                struct item i = { .kind = (enum item_kind)kind, .wanted = true, .mode = 0644 };
                struct desired d = { .items = &i, .n = 1 };
                struct facts f = { 0 };
                bool shared = kind == ITEM_HOSTS || kind == ITEM_SSHD_CONFIG;
                struct plan p;

                i.path = text("/etc/x");
                i.content = text(content[kind]);
                i.len = strlen(i.content);
                o.mode = 0600;
                o.uid = 7;
                o.gid = 8;
                assert_int_equal(plan_make(&d, &o, &f, NULL, &p), 0);
                if (p.n) {
                        assert_int_equal(p.ops[0].mode, shared ? 0600 : 0644);
                        assert_int_equal(p.ops[0].uid, shared ? 7 : 0);
                        assert_int_equal(p.ops[0].gid, shared ? 8 : 0);
                }
                assert_int_equal(p.n, kind == ITEM_FILE || shared ? 1 : 0);
                plan_free(&p);
        }
        for (unsigned bit = 0; bit < 3; bit++) {
                struct observed o = find(ITEM_FILE, SAME_FILE);

                o.mode ^= bit == 0 ? 0022 : 0;
                o.uid = bit == 1;
                o.gid = bit == 2;
                assert_int_equal(decide(ITEM_FILE, true, &o, 0), 'w');
        }
}

/* A shared file that is a link is edited where it really is. */
static void test_followed_link(void **state)
{
        struct observed o = find(ITEM_HOSTS, FOREIGN_FILE);
        struct item i = { .kind = ITEM_HOSTS, .wanted = true, .mode = 0644 };
        struct desired d = { .items = &i, .n = 1 };
        struct facts f = { 0 };
        struct plan p;

        (void)state;
        i.path = text(PATH_HOSTS);
        i.content = text("127.0.0.1");
        i.len = strlen(i.content);
        o.path = text("/etc/net/hosts");
        assert_int_equal(plan_make(&d, &o, &f, NULL, &p), 0);
        assert_string_equal(p.ops[0].name, "/etc/net/hosts");
        plan_free(&p);
}

/* All strays of a file go at once, and the lines come back as they were. */
static void test_strays(void **state)
{
        static const char before[] = "ListenAddress ::\nPort 22\n  listenaddress = 1.2.3.4\n"
                                     "Match User x\n\tListenAddress ::1";
        struct item i = { .kind = ITEM_SSHD_CONFIG, .wanted = true };
        struct observed o = { .type = OBSERVED_FILE, .data = text(before), .len = strlen(before) };
        struct desired d = { .items = &i, .n = 1 };
        struct facts f = { 0 };
        struct plan there, back;

        (void)state;
        i.path = text(PATH_SSHD_CONFIG);
        i.content = text("");
        assert_int_equal(plan_make(&d, &o, &f, NULL, &there), 0);
        assert_string_equal(there.ops[0].content, "#sshd-vsock# ListenAddress ::\nPort 22\n"
                                                  "#sshd-vsock#   listenaddress = 1.2.3.4\n"
                                                  "Match User x\n#sshd-vsock# \tListenAddress ::1");
        i.wanted = false;
        o.data = there.ops[0].content;
        o.len = there.ops[0].len;
        assert_int_equal(plan_make(&d, &o, &f, NULL, &back), 0);
        assert_string_equal(back.ops[0].content, before);
        plan_free(&back);
        plan_free(&there);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_kind_of_item),
                cmocka_unit_test(test_hidden),
                cmocka_unit_test(test_alias),
                cmocka_unit_test(test_mode_and_owner),
                cmocka_unit_test(test_homes_by_the_thousand),
                cmocka_unit_test(test_followed_link),
                cmocka_unit_test(test_link_is_known_by_its_unit),
                cmocka_unit_test(test_strays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
