/* SPDX-License-Identifier: MIT
 *
 * items.h: a desired state as lines, for the tests of which items it has.
 */
#pragma once

#include "core/plan/desired.h"
#include "sample.h"

#define UNITS SYSTEM_UNIT_DIR "/"

struct made {
        struct config c;
        struct facts f;
        struct desired d;
};

static inline void made_free(struct made *m)
{
        desired_free(&m->d);
        users_free(&m->f.users);
        config_free(&m->c);
}

/* From the given facts, whose users it takes over. */
static inline struct made make(const char *yaml, struct facts f)
{
        struct made m = { .c = sample_config(yaml), .f = f };

        assert_int_equal(desired_make(&m.c, &m.f, &m.d), 0);
        return m;
}

/* The n-th item of the path, from 0; NULL when there is none. */
/* The one item of that path; NULL: none. */
static inline const struct item *find(const struct made *m, const char *path)
{
        const struct item *found = NULL;

        for (size_t i = 0; i < m->d.n; i++)
                if (strcmp(m->d.items[i].path, path) == 0) {
                        assert_null(found);
                        found = &m->d.items[i];
                }
        return found;
}

/* One line per item: phase, whether it is wanted, path. */
static inline void expect_items(const struct made *m, const char *want)
{
        AUTO_BUF b = BUF_INIT;

        for (size_t i = 0; i < m->d.n; i++)
                buf_addf(&b, "%c%c %s\n", "oace"[m->d.items[i].phase],
                         m -> d.items[i].wanted ? '+' : '-', m->d.items[i].path);
        assert_string_equal(buf_str(&b), want);
}

/* It goes the other way round: a link before its unit, a copy of what was there after ours. */
#define LISTENER_GOES                                                                              \
        "c- " UNITS "multi-user.target.wants/sshd-vsock-provision.service\nc- " UNITS              \
        "sshd-vsock-provision.service\nc- " UNITS                                                  \
        "sockets.target.wants/sshd-vsock.socket\nc- " UNITS "sshd-vsock.socket\nc- " UNITS         \
        "sshd-vsock.socket.sshd-vsock-saved\nc- " UNITS "sshd-vsock@.service\nc- " UNITS           \
        "sshd-vsock@.service.sshd-vsock-saved\nc- " UNITS                                          \
        "sshd-vsock-credential.service\nc- /etc/ssh/sshd-vsock.conf\nc- " UNITS                    \
        "sshd-vsock-hostkeys.service\nc- " UNITS "sshd-vsock-keygen.service\n"

/* What the socket needs comes before it, and the link that starts it comes last; what an
 * administrator had in its place is copied before. */
#define LISTENER(phase, sign)                                                                      \
        phase sign " " UNITS "sshd-vsock-keygen.service\n" phase sign " " UNITS                    \
                   "sshd-vsock-hostkeys.service\n" phase sign                                      \
                   " /etc/ssh/sshd-vsock.conf\n" phase sign " " UNITS                              \
                   "sshd-vsock-credential.service\n" phase "- " UNITS                              \
                   "sshd-vsock@.service.sshd-vsock-saved\n" phase sign " " UNITS                   \
                   "sshd-vsock@.service\n" phase "- " UNITS                                        \
                   "sshd-vsock.socket.sshd-vsock-saved\n" phase sign " " UNITS                     \
                   "sshd-vsock.socket\n" phase sign " " UNITS                                      \
                   "sockets.target.wants/sshd-vsock.socket\n"
#define PROVISION(phase, sign)                                                                     \
        phase sign " " UNITS "sshd-vsock-provision.service\n" phase sign " " UNITS                 \
                   "multi-user.target.wants/sshd-vsock-provision.service\n"
#define HUSH(skel, root, admin)                                                                    \
        "e" skel " /etc/skel/.hushlogin\n"                                                         \
        "e" root " /root/.hushlogin\n"                                                             \
        "e- /run/sshd/.hushlogin\n"                                                                \
        "e" admin " /home/admin/.hushlogin\n"
#define SOCKET_DROPINS(phase, ssh, sshd)                                                           \
        phase ssh " " UNITS "ssh.socket.d/zz-sshd-vsock.conf\n" phase sshd " " UNITS               \
                  "sshd.socket.d/zz-sshd-vsock.conf\n"
#define LISTEN(phase, sign) phase sign " /etc/ssh/sshd_config.d/10-sshd-vsock.conf\n"
#define PRESET(phase, sign) phase sign " /etc/systemd/system-preset/10-sshd-vsock.preset\n"
#define RECORD(phase, sign, unit)                                                                  \
        phase sign " /etc/systemd/system-preset/10-sshd-vsock-" unit ".preset\n"
#define MASK(phase, sign, unit) phase sign " " UNITS unit "\n"
#define MODULES(phase, sign)    phase sign " /etc/modules-load.d/sshd-vsock.conf\n"
#define HOSTS(phase, sign)      phase sign " /etc/hosts\n"
