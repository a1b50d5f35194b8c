/* SPDX-License-Identifier: MIT
 *
 * diagnose.c: see diagnose.h. Goes along the chain from the kernel to sshd and stops at the first
 * link that is broken; what the journal names beats what was guessed from outside.
 */
#include "host/check/diagnose.h"

#include "core/format/distro.h"
#include "core/util/argv.h"
#include "core/util/words.h"
#include "host/audit-log.h"
#include "host/clock.h"
#include "host/journal.h"
#include "host/label.h"
#include "host/port-owner.h"
#include "host/vsock-unit.h"
#include "host/vsock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BEFORE_FAILING 5000000u /* what a unit says about its end it says before it */
#define PAUSE          250      /* milliseconds until what is full or was closed is tried again */
#define AGAIN          3        /* times for the latter */
#define JOURNAL_TRIES  30       /* of 100 ms: journald is a process of its own and may lag */

enum cause diagnose_denial(uint64_t since, char *line, size_t size)
{
        enum cause cause = journal_denial(since, line, size);

        return cause != CAUSE_NONE ? cause : audit_log_denial(since, line, size);
}

/* A denial goes before what sshd says of its own: that it cannot read a file which root can. It may
 * be later in the journal, since it comes by way of audit. */
static enum cause ask_journal(struct verdict *v, uint64_t since)
{
        char line[sizeof(v->detail)];
        enum cause cause;
        bool late = !label_is_known();

        for (unsigned i = 0;; i++) {
                cause = diagnose_denial(since, line, sizeof(line));
                if (cause != CAUSE_NONE)
                        break;
                cause = journal_cause(since, line, sizeof(line));
                if ((cause != CAUSE_NONE && late) || i == JOURNAL_TRIES)
                        break;
                late = late || cause != CAUSE_NONE;
                clock_pause(100);
        }
        if (line[0])
                (void)snprintf(v->detail, sizeof(v->detail), "the journal: %.240s", line);
        return cause;
}

static const char *unit_of(const struct verdict *v)
{
        return v->unit ? v->unit : UNIT_SOCKET;
}

/* "Missing" would have `apply` write what is there already, over and over. */
static enum cause say_rejected(const char *unit, const struct unit_state *s, struct verdict *v)
{
        (void)snprintf(v->detail, sizeof(v->detail), "%.80s%s%.160s", unit,
                       s->dropins[0] ? ", changed by " : "", s->dropins);
        (void)snprintf(v->fix, sizeof(v->fix),
                       "correct what \"systemctl status %s\" names, then \"systemctl "
                       "daemon-reload && sshd-vsock apply\"",
                       unit);
        return CAUSE_UNIT_REJECTED;
}

/* Any instance tells whether the template is there; it is loaded, not started. The generated
 * listener's is a link to a unit of another name, which systemd follows; a socket that somebody
 * made with Accept=no has none. */
static enum cause of_template(struct systemd *m, struct verdict *v)
{
        char service[256];
        struct unit_state s;

        int r = systemd_socket_service(m, unit_of(v), service, sizeof(service), NULL);

        if (r == 0 && strchr(service, '@'))
                r = systemd_unit(m, service, &s, NULL);
        else
                r = r == -EACCES ? r : -ENOENT;
        if (r < 0)
                return r == -EACCES ? CAUSE_SELINUX_UNIT : CAUSE_NONE;
        if (s.masked)
                return CAUSE_TEMPLATE_MASKED;
        if (s.rejected)
                return say_rejected(service, &s, v);
        return s.loaded ? CAUSE_NONE : CAUSE_TEMPLATE_MISSING;
}

/* Another socket unit: after a daemon-reload without the address systemd closes it, and no other
 * stream of that unit is down for a moment. */
static void fix_unit(struct systemd *m, const char *unit, struct verdict *v)
{
        struct unit_state s;

        if (systemd_unit(m, unit, &s, NULL) < 0 ||
            strncmp(s.fragment, GENERATOR_DIRECTORY, strlen(GENERATOR_DIRECTORY)) == 0)
                return; /* a generator would make it again */
        if (strchr(s.listen, ' '))
                (void)snprintf(
                        v->fix, sizeof(v->fix),
                        "take vsock port %u out of it (\"systemctl cat %s\" shows where), then "
                        "\"systemctl daemon-reload && sshd-vsock apply\"; or choose another "
                        "port",
                        v->port, unit);
        else
                (void)snprintf(v->fix, sizeof(v->fix), "systemctl %s %s && sshd-vsock apply",
                               systemd_verb_to_end(m, unit, &s), unit);
}

/* Somebody else's, of one unit, behind those that are there. */
static int add_drop_ins(struct systemd *m, const char *unit, struct argv *files)
{
        struct unit_state s;
        const char *list;
        int r = 0;

        if (!unit[0] || systemd_unit(m, unit, &s, NULL) < 0)
                return 0;
        list = s.dropins;
        for (struct word w; r == 0 && word_next(&list, ' ', &w);) {
                AUTO_FREE char *path = strndup(w.text, w.len);

                if (path && !distro_is_common_dropin(path))
                        r = argv_adds(files, path);
        }
        return r;
}

/* What a drop-in does no run of ours corrects, nor is what it brings about always said: a socket
 * whose condition does not hold is not started, and that is no failure. */
static void suspect_drop_ins(struct systemd *m, enum cause cause, struct verdict *v)
{
        AUTO(argv_free) struct argv files = { 0 };
        AUTO_BUF named = BUF_INIT, first = BUF_INIT;
        char service[256];

        if (cause != CAUSE_SOCKET_INACTIVE && cause != CAUSE_SOCKET_FAILED &&
            cause != CAUSE_CLOSED && cause != CAUSE_NO_KEX)
                return;
        if (systemd_socket_service(m, unit_of(v), service, sizeof(service), NULL) < 0)
                service[0] = '\0';
        if (add_drop_ins(m, unit_of(v), &files) < 0 || add_drop_ins(m, service, &files) < 0)
                return;
        cause_files(&files, 200, &named);
        if (cause == CAUSE_SOCKET_INACTIVE)
                buf_addf(&first, "\"systemctl start %s\"; where that does not help,", unit_of(v));
        else if (cause == CAUSE_SOCKET_FAILED)
                buf_addf(&first, "correct what \"systemctl status %s\" shows, or", unit_of(v));
        else
                buf_addf(&first, "%s, or", causes[cause].fix);
        if (files.n > 0)
                (void)snprintf(v->fix, sizeof(v->fix),
                               "%s take out of %s what causes it, then \"systemctl "
                               "daemon-reload && sshd-vsock apply\"",
                               buf_str(&first), buf_str(&named));
}

/* Says who holds the port: another program, or systemd, for which of its units. */
static int add_port_owner(struct systemd *m, struct verdict *v)
{
        char text[96], unit[128] = "";
        int holder = port_owner_find(v->port, text, sizeof(text));

        if (holder == PORT_OWNER_SYSTEMD &&
            vsock_unit_find(m, v->port, unit, sizeof(unit), NULL) < 0)
                unit[0] = '\0';
        if (unit[0] && strcmp(unit, unit_of(v)) != 0)
                fix_unit(m, unit, v);
        if (holder > PORT_OWNER_NOBODY)
                (void)snprintf(v->detail, sizeof(v->detail), "port %u is held by %s%s", v->port,
                               unit[0] ? "systemd's " : "", unit[0] ? unit : text);
        return holder;
}

/* What can be seen goes before what was said: older versions of systemd do not say why. */
static enum cause of_failed(struct systemd *m, const struct unit_state *s, struct verdict *v)
{
        enum cause cause = of_template(m, v);

        if (cause != CAUSE_NONE)
                return cause;
        if (!vsock_supported())
                return CAUSE_NO_AF_VSOCK;
        if (add_port_owner(m, v) > PORT_OWNER_NOBODY)
                return CAUSE_PORT_TAKEN;
        cause = ask_journal(v, s->changed > BEFORE_FAILING ? s->changed - BEFORE_FAILING : 0);
        return cause != CAUSE_NONE ? cause : CAUSE_SOCKET_FAILED;
}

static enum cause of_socket(struct systemd *m, const struct unit_state *s, struct verdict *v)
{
        if (s->masked)
                return CAUSE_UNIT_MASKED;
        if (s->rejected)
                return say_rejected(unit_of(v), s, v);
        if (!s->loaded)
                return CAUSE_UNIT_MISSING;
        if (strcmp(s->result, "trigger-limit-hit") == 0)
                return CAUSE_TRIGGER_LIMIT;
        if (s->failed)
                return of_failed(m, s, v);
        return s->active ? CAUSE_NONE : CAUSE_SOCKET_INACTIVE;
}

/* Without host keys a connection waits for keygen, and that for all who make or replace keys. */
static bool add_waiting(struct systemd *m, struct verdict *v)
{
        char unit[128];

        if (systemd_waits_for(m, UNIT_HOSTKEYS, unit, sizeof(unit), NULL) < 0 || !unit[0])
                return false;
        if (systemd_waits_for(m, UNIT_KEYGEN, unit, sizeof(unit), NULL) < 0 || !unit[0])
                return false;
        (void)snprintf(v->detail, sizeof(v->detail), "the connection waits for %s%s%s",
                       strncmp(unit, "cloud-init", 10) == 0 ? "cloud-init's network stage: " : "",
                       unit, strcmp(unit, UNIT_KEYGEN) == 0 ? ", which makes host keys" : "");
        return true;
}

/* The socket listens, and still: the template, the per-CID limit, sshd. */
static enum cause of_connection(struct systemd *m, struct verdict *v)
{
        struct verdict other = *v;
        enum cause cause = of_template(m, v);

        if (cause != CAUSE_NONE)
                return cause;
        if (add_port_owner(m, &other) == PORT_OWNER_OTHER) {
                *v = other;
                return CAUSE_PORT_TAKEN;
        }
        if (v->cause == CAUSE_NOT_SSH)
                return CAUSE_NONE;
        if (v->cause == CAUSE_TIMEOUT && add_waiting(m, v))
                return CAUSE_NONE;
        if (v->refused)
                return CAUSE_SHARE_FULL;
        return v->began ? ask_journal(v, v->began) : CAUSE_NONE;
}

/* SSH was spoken, but by whom? Any user may listen on a port from 1024 on, and where the socket
 * unit is down on any CID of the others. Where the kernel cannot be asked (no vsock_diag), the
 * unit's own count of connections tells. */
static void expect_unit(struct systemd *m, const struct unit_state *before, struct verdict *v)
{
        struct unit_state after = { 0 };
        char unit[128] = "";
        int holder = add_port_owner(m, v);

        if (holder == PORT_OWNER_OTHER || systemd_unit(m, unit_of(v), &after, NULL) < 0 ||
            vsock_unit_find(m, v->port, unit, sizeof(unit), NULL) < 0) {
                v->cause = holder == PORT_OWNER_SYSTEMD ? CAUSE_NONE : CAUSE_PORT_TAKEN;
                return;
        }
        if (holder == PORT_OWNER_SYSTEMD && strcmp(unit, unit_of(v)) != 0)
                v->cause = CAUSE_PORT_TAKEN;
        else if (strcmp(unit, unit_of(v)) != 0)
                v->cause = CAUSE_SOCKET_INACTIVE;
        else if (holder != PORT_OWNER_SYSTEMD && after.accepted == before->accepted)
                v->cause = CAUSE_PORT_TAKEN;
        else
                v->detail[0] = v->fix[0] = '\0';
}

/* How many connections the unit has refused so far. That tells more than how many it has: those are
 * of all CIDs together, and a drop-in may have changed the limit. */
static uint32_t refused_by(struct systemd *m, const char *unit)
{
        const struct verdict meant = { .unit = unit };
        struct unit_state s = { 0 };

        return m && systemd_unit(m, unit_of(&meant), &s, NULL) == 0 ? s.refused : 0;
}

/* /run/sshd goes with each stop of ssh.service, also where that restarts over and over, and may so
 * be taken from a connection whose unit has just made it (systemd.exec(5), RuntimeDirectory=):
 * before the banner or after it, by when sshd needs it. A connection that is closed is tried again,
 * a few times. */
static bool was_closed(const struct verdict *v)
{
        return v->cause == CAUSE_CLOSED || v->cause == CAUSE_NO_KEX;
}

static void verify_patiently(struct systemd *m, const char *unit, uint32_t port, unsigned timeout,
                             struct verdict *ret)
{
        uint64_t end = clock_deadline(timeout), began = 0;

        for (unsigned closed = 0;;) {
                uint32_t refused = refused_by(m, unit);
                uint64_t now = clock_now();

                verify_listener(port, now < end ? (unsigned)((end - now) / 1000000) + 1 : 1, ret);
                ret->unit = unit;
                ret->refused = ret->cause == CAUSE_CLOSED && refused_by(m, unit) > refused;
                began = began ? began : ret->began;
                ret->began = began; /* what the journal says of any of them counts */
                /* others hold all that this side may have: one of theirs may end in time */
                if ((!ret->refused && (!was_closed(ret) || closed++ == AGAIN)) ||
                    clock_now() + UINT64_C(1000) * PAUSE >= end)
                        return;
                clock_pause(PAUSE);
        }
}

static void look(struct systemd *m, const char *unit, uint32_t port, unsigned timeout,
                 struct verdict *ret)
{
        struct unit_state s = { 0 };
        enum cause cause = CAUSE_NONE;
        struct verdict meant = { .port = port, .unit = unit };

        int r = m ? systemd_unit(m, unit_of(&meant), &s, NULL) : -ENOTCONN;

        if (r == -EACCES)
                cause = CAUSE_SELINUX_UNIT;
        else if (r == 0 && s.active)
                cause = of_template(m, &meant);
        meant.cause = cause;
        if (cause == CAUSE_NONE)
                verify_patiently(m, unit, port, timeout, ret);
        else
                *ret = meant;
        if (m && ret->cause == CAUSE_NONE)
                expect_unit(m, &s, ret);
}

void diagnose_listener(struct systemd *m, const char *unit, uint32_t port, unsigned timeout,
                       struct verdict *ret)
{
        verify_load_loopback(timeout);
        look(m, unit, port, timeout, ret);
}

void diagnose_quietly(struct systemd *m, const char *unit, uint32_t port, unsigned timeout,
                      struct verdict *ret)
{
        struct unit_state s = { 0 };

        *ret = (struct verdict){ .port = port, .unit = unit, .cause = CAUSE_NO_LISTENER };
        if (systemd_unit(m, unit_of(ret), &s, NULL) == 0 && s.active)
                look(m, unit, port, timeout, ret);
        diagnose(m, ret);
}

void diagnose(struct systemd *m, struct verdict *v)
{
        struct unit_state s = { 0 };
        enum cause cause;

        if (!m || v->cause == CAUSE_NONE || v->cause == CAUSE_NO_AF_VSOCK ||
            v->cause == CAUSE_NO_LOOPBACK || v->cause == CAUSE_PORT_TAKEN ||
            systemd_unit(m, unit_of(v), &s, NULL) < 0)
                return;
        cause = of_socket(m, &s, v);
        if (cause == CAUSE_NONE && v->cause != CAUSE_NO_LISTENER)
                cause = of_connection(m, v);
        if (cause != CAUSE_NONE)
                v->cause = cause;
        suspect_drop_ins(m, v->cause, v);
}
