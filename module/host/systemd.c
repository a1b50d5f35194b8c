/* SPDX-License-Identifier: MIT
 *
 * systemd.c: see systemd.h. The private socket comes first, as in systemctl
 * (bus_connect_system_systemd): it is there before dbus-daemon is, and without it.
 */
#include "host/systemd-bus.h"

#include "core/format/distro.h"
#include "core/plan/causes.h"
#include "host/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SCOPE_SECONDS       5
#define END_SECONDS         5
#define RELOAD_TIMEOUT_USEC 180000000ull /* generators of others run in it */

int systemd_say(struct error *error, int r, const sd_bus_error *e, const char *what,
                const char *unit)
{
        /* selinux-access.c of systemd: it asks the policy by the label of the unit's file */
        if (e && e->message && strstr(e->message, "SELinux policy denies access")) {
                char detail[256];

                (void)snprintf(detail, sizeof(detail), "%s %s: %s", what, unit, e->message);
                return error ? cause_set(error, CAUSE_SELINUX_UNIT, detail, r) : r;
        }
        if (e && e->message)
                return error_say(error, r, "systemd: %s %s: %s", what, unit, e->message);
        return error_set(error, r, "systemd: %s %s", what, unit);
}

static int on_job_removed(sd_bus_message *msg, void *userdata, sd_bus_error *ret_error)
{
        struct systemd *m = userdata;
        const char *path, *unit, *result;
        uint32_t id;

        (void)ret_error;
        if (sd_bus_message_read(msg, "uoss", &id, &path, &unit, &result) < 0)
                return 0;
        if (m->job && strcmp(path, m->job) == 0)
                (void)snprintf(m->result, sizeof(m->result), "%s", result);
        return 0;
}

static int connect_private(sd_bus **ret)
{
        sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);

        if (r >= 0)
                r = sd_bus_set_address(bus, "unix:path=/run/systemd/private");
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                sd_bus_unref(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

int systemd_open(struct systemd **ret, struct error *error)
{
        AUTO(systemd_close) struct systemd *m = NULL;
        int r = libsystemd_load(error);

        if (r < 0)
                return r;
        m = calloc(1, sizeof(*m));
        if (!m)
                return error_set(error, -ENOMEM, "cannot speak to systemd");
        r = connect_private(&m->bus);
        if (r < 0)
                r = sd_bus_open_system(&m->bus);
        if (r >= 0)
                r = sd_bus_match_signal(m->bus, NULL, NULL, OBJECT, INTERFACE, "JobRemoved",
                                        on_job_removed, m);
        if (r < 0) {
                error_fix(error, "run as root on a system booted with systemd");
                return error_set(error, r, "cannot speak to systemd");
        }
        /* Over a bus signals come only to subscribers; on the private socket this does nothing. */
        (void)sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "Subscribe", NULL, NULL,
                                 NULL);
        *ret = TAKE_PTR(m);
        return 0;
}

void systemd_close(struct systemd **m)
{
        if (!*m)
                return;
        sd_bus_flush_close_unref((*m)->bus);
        free((*m)->job);
        free(*m);
        *m = NULL;
}

int systemd_property(struct systemd *m, const char *name, char **ret, struct error *error)
{
        AUTO_BUS_ERROR e = SD_BUS_ERROR_NULL;
        int r = sd_bus_get_property_string(m->bus, DESTINATION, OBJECT, INTERFACE, name, &e, ret);

        if (r < 0)
                r = systemd_say(error, r, &e, "read property", name);
        return r < 0 ? r : 0;
}

/* The jobs of our units come after these, so while one is on its way a job may be waiting for
 * whoever waits for it. cloud-init's network stage (both of its names) is on its way while bootcmd
 * runs; on Debian that is before sysinit.target, elsewhere after it. */
int systemd_is_booting(struct systemd *m, bool *ret, struct error *error)
{
        static const char *const stages[] = { "cloud-init.service", "cloud-init-network.service" };
        struct unit_state s = { 0 };
        int r = systemd_unit(m, "basic.target", &s, error);

        *ret = !s.active;
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(stages); i++) {
                r = systemd_loaded_unit(m, stages[i], &s, error);
                *ret = *ret || s.starting;
        }
        return r;
}

void systemd_never_wait(struct systemd *m)
{
        m->no_wait = true;
}

int systemd_reload(struct systemd *m, struct error *error)
{
        AUTO_BUS_ERROR e = SD_BUS_ERROR_NULL;
        AUTO_BUS_MESSAGE *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(m->bus, &call, DESTINATION, OBJECT, INTERFACE, "Reload");
        if (r >= 0)
                r = sd_bus_call(m->bus, call, RELOAD_TIMEOUT_USEC, &e, NULL);
        if (r < 0)
                r = systemd_say(error, r, &e, "daemon-reload", "");
        return r < 0 ? r : 0;
}

static int wait_for_job(struct systemd *m, uint64_t deadline)
{
        while (!m->result[0]) {
                uint64_t now = clock_now();
                int r = sd_bus_process(m->bus, NULL);

                if (r > 0)
                        continue;
                if (r < 0)
                        return r;
                if (now >= deadline)
                        return -ETIMEDOUT;
                r = sd_bus_wait(m->bus, deadline - now);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return 0;
}

static const struct {
        const char *method;
        const char *word;
} jobs[] = {
        [JOB_START] = { "StartUnit", "start" },
        [JOB_STOP] = { "StopUnit", "stop" },
        [JOB_RESTART] = { "RestartUnit", "restart" },
        [JOB_RELOAD] = { "ReloadUnit", "reload" },
};

/* Takes the job of a reply; 1. */
static int take_job(struct systemd *m, sd_bus_message *reply)
{
        const char *path = NULL;
        int r = sd_bus_message_read(reply, "o", &path);

        if (r > 0)
                m->job = strdup(path);
        return r <= 0 || m->job ? r : -ENOMEM;
}

static void forget_job(struct systemd *m)
{
        free(m->job);
        m->job = NULL;
        m->result[0] = '\0';
}

/* Runs in a row, which each restart a socket of sshd's, are no loop that systemd has to end: its
 * start limit (five in 10 s, systemd.unit(5)) would leave TCP down, for the rollback too. What
 * clears a failure resets that count (unit.c, unit_reset_failed()). */
static void forgive(struct systemd *m, const char *unit)
{
        (void)sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "ResetFailedUnit", NULL,
                                 NULL, "s", unit);
}

/* What systemd will not start for a drop-in: one that names a unit which is not there, say. */
static void explain_refusal(struct systemd *m, const sd_bus_error *e, const char *unit,
                            struct error *error)
{
        struct unit_state s;

        if ((sd_bus_error_has_name(e, DESTINATION ".NoSuchUnit") && !strstr(e->message, unit)) ||
            sd_bus_error_has_name(e, DESTINATION ".BadUnitSetting"))
                if (systemd_unit(m, unit, &s, NULL) == 0 && s.dropins[0])
                        error_fix(error,
                                  "take out of %.300s what that is about, then \"systemctl "
                                  "daemon-reload && sshd-vsock apply\"",
                                  s.dropins);
}

static int enqueue(struct systemd *m, enum job job, const char *unit, struct error *error)
{
        AUTO_BUS_ERROR e = SD_BUS_ERROR_NULL;
        AUTO_BUS_MESSAGE *reply = NULL;
        int r;

        forget_job(m);
        if (job == JOB_START || job == JOB_RESTART)
                forgive(m, unit);
        r = sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, jobs[job].method, &e, &reply,
                               "ss", unit, "replace");
        if (r >= 0)
                r = take_job(m, reply);
        else if (job == JOB_STOP && sd_bus_error_has_name(&e, DESTINATION ".NoSuchUnit"))
                r = 0;
        if (r < 0)
                explain_refusal(m, &e, unit, error);
        if (r < 0)
                r = systemd_say(error, r, &e, jobs[job].word, unit);
        return r;
}

/* Both in one call, as a unit of systemd's own: asked for one after the other, whoever asks may be
 * killed in between, and not even asking for the restart first helps, since systemd may be done
 * with that before it reads the other. The unit waits for nothing, also at boot. */
static int reload_and_restart(struct systemd *m, const char *unit)
{
        static const char systemctl[] = "/bin/systemctl";
        AUTO_BUS_MESSAGE *reply = NULL;
        char name[64];
        int r;

        (void)snprintf(name, sizeof(name), "sshd-vsock-reload-%d.service", (int)getpid());
        forget_job(m);
        forgive(m, unit);
        r = sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "StartTransientUnit", NULL,
                               &reply, "ssa(sv)a(sa(sv))", name, "replace", 4, "Type", "s",
                               "oneshot", "DefaultDependencies", "b", 0, "CollectMode", "s",
                               "inactive-or-failed", "ExecStart", "a(sasb)", 2, systemctl, 2,
                               "systemctl", "daemon-reload", 0, systemctl, 4, "systemctl",
                               "--no-block", "restart", unit, 0, 0);
        if (r >= 0)
                r = take_job(m, reply);
        if (r > 0)
                r = wait_for_job(m, clock_now() + RELOAD_TIMEOUT_USEC);
        return r < 0 || strcmp(m->result, "done") == 0 ? r : -EIO;
}

/* Where that cannot be, a restart follows all the same, by the caller if he lives. */
int systemd_reload_for(struct systemd *m, const char *unit, struct error *error)
{
        return reload_and_restart(m, unit) == 0 ? 0 : systemd_reload(m, error);
}

/* What hangs in a reload systemd kills when TimeoutStartSec= is over (service.c,
 * service_dispatch_timer()), the unit runs on, and so it is here where that is longer, or no limit:
 * else every later reload would wait for it, that of rolling back too. A unit that has no process
 * for it may still say that it is done, and is not waited for. */
static void end_reload(struct systemd *m, const char *unit)
{
        (void)sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "KillUnit", NULL, NULL,
                                 "ssi", unit, "control", SIGKILL);
        if (wait_for_job(m, clock_deadline(END_SECONDS)) < 0)
                (void)sd_bus_call_method(m->bus, DESTINATION, m->job, DESTINATION ".Job", "Cancel",
                                         NULL, NULL, NULL);
}

int systemd_job(struct systemd *m, enum job job, const char *unit, unsigned timeout,
                struct error *error)
{
        int r = enqueue(m, job, unit, error);

        if (r <= 0 || m->no_wait)
                return r < 0 ? r : 0;
        r = wait_for_job(m, clock_deadline(timeout));
        if (r == -ETIMEDOUT && job == JOB_RELOAD) {
                end_reload(m, unit);
                error_fix(error,
                          "correct what hangs in ExecReload= of %s (\"systemctl cat %s\"), then "
                          "\"systemctl daemon-reload && sshd-vsock apply\"",
                          unit, unit);
                return error_say(error, r,
                                 "systemd: reload %s: ended, for it was not done after "
                                 "%u s",
                                 unit, timeout);
        }
        if (r == -ETIMEDOUT) {
                error_fix(error, "see \"systemctl list-jobs\"");
                return error_say(error, r, "systemd: %s %s: not done after %u s", jobs[job].word,
                                 unit, timeout);
        }
        if (r < 0)
                return error_set(error, r, "systemd: %s %s: lost the connection", jobs[job].word,
                                 unit);
        if (strcmp(m->result, "done") != 0) {
                error_fix(error, "see \"systemctl status %s\" and \"journalctl -u %s\"", unit,
                          unit);
                return error_say(error, -EIO, "systemd: %s %s: the job ended as \"%s\"",
                                 jobs[job].word, unit, m->result);
        }
        return 0;
}

/* Whom a session starts PAM opens no session of his own for (pam_systemd.c, SessionBusy): a login
 * that is tried would have the rights of who sits at it. And who stops ssh.service may stop all
 * that is in its cgroup. */
void systemd_leave_session(struct systemd *m)
{
        AUTO_FREE char *session = NULL, *unit = NULL;
        AUTO_BUS_MESSAGE *reply = NULL;
        char name[64];
        int r;

        if (sd_pid_get_session(0, &session) < 0 &&
            (sd_pid_get_unit(0, &unit) < 0 || !distro_is_tcp_unit(unit)))
                return;
        (void)snprintf(name, sizeof(name), "sshd-vsock-%d.scope", (int)getpid());
        forget_job(m);
        r = sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "StartTransientUnit", NULL,
                               &reply, "ssa(sv)a(sa(sv))", name, "fail", 2, "PIDs", "au", 1,
                               (uint32_t)getpid(), "CollectMode", "s", "inactive-or-failed", 0);
        if (r >= 0)
                r = take_job(m, reply);
        if (r > 0)
                (void)!wait_for_job(m, clock_deadline(SCOPE_SECONDS));
}
