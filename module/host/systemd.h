/* SPDX-License-Identifier: MIT
 *
 * systemd.h: what is asked of systemd's manager. The only speaker of sd-bus; works where no D-Bus
 * daemon runs, over the manager's private socket.
 */
#pragma once

#include "core/plan/observed.h"
#include "core/util/argv.h"
#include "core/util/buf.h"
#include "core/util/error.h"

struct systemd;

#define JOB_SECONDS 90 /* as systemd's own DefaultTimeoutStartSec */

enum job {
        JOB_START,
        JOB_STOP,
        JOB_RESTART,
        JOB_RELOAD,
};

/* 0 and a connection to be closed with systemd_close(), or −errno. */
int systemd_open(struct systemd **ret, struct error *error) MUST_CHECK;
void systemd_close(struct systemd **m);

/* A string property of the manager ("Virtualization"); caller frees. */
int systemd_property(struct systemd *m, const char *name, char **ret,
                     struct error *error) MUST_CHECK;

/* Loads the unit where need be; a unit that does not exist is a state, not an error. */
int systemd_unit(struct systemd *m, const char *unit, struct unit_state *ret,
                 struct error *error) MUST_CHECK;

/* The same of a unit that is loaded already; any other is what does not exist, and is not looked
 * for on disk, which takes systemd long where units were written since. */
int systemd_loaded_unit(struct systemd *m, const char *unit, struct unit_state *ret,
                        struct error *error) MUST_CHECK;

/* The service that a connection to the socket unit starts, with Accept=yes one made of its
 * template; "" where there is none. It is not started, nor need it exist. */
int systemd_socket_service(struct systemd *m, const char *socket, char *ret, size_t size,
                           struct error *error) MUST_CHECK;

/* What a service executes, as systemd has it: nothing in it is expanded yet (exec-start.h). */
struct service_command {
        struct argv argv;  /* the first ExecStart=, its program in front */
        struct argv env;   /* Environment=, KEY=VALUE each */
        struct argv files; /* EnvironmentFile= paths, in order */
};

/* Of a service or an instance of a template; it is loaded, not started. On failure nothing is to be
 * freed. -ENOENT where it has no ExecStart=. */
int systemd_service_command(struct systemd *m, const char *service, struct service_command *ret,
                            struct error *error) MUST_CHECK;

/* The first setting of the service that may let a login end where the same command, started by
 * root, would not: "User=", "SystemCallFilter="; "" where there is none. */
int systemd_service_confined(struct systemd *m, const char *service, char *ret, size_t size,
                             struct error *error) MUST_CHECK;

void service_command_free(struct service_command *c);
/* The unit whose job the pending job of this one waits for, a running one first; itself where it
 * runs, "" where it has no job. (systemd-jobs.c) */
int systemd_waits_for(struct systemd *m, const char *unit, char *ret, size_t size,
                      struct error *error) MUST_CHECK;

/* The unit's files, each on a line of its own: its fragment, then its drop-ins as they are read. */
int systemd_unit_files(struct systemd *m, const char *unit, struct buf *ret,
                       struct error *error) MUST_CHECK;

/* A socket unit that is active, as systemd-sockets.c reads it. */
struct socket_unit {
        const char *name;
        const char *streams; /* its stream addresses, separated by blanks: "[::]:22 /run/x" */
};

/* Calls `each` for every active socket unit; stops at the first non-zero. */
int systemd_each_socket(struct systemd *m, int (*each)(const struct socket_unit *s, void *userdata),
                        void *userdata, struct error *error) MUST_CHECK;

/* The path that the service behind a socket unit executes; "": cannot be told. */
void systemd_socket_program(struct systemd *m, const char *socket, char *ret, size_t size);

/* Whether the next boot starts the unit, but for a mask of its own, as systemd has read its files
 * by now: it is wanted by what default.target leads to; or, with `on_demand`, triggered by such a
 * unit. No where that cannot be told. (systemd-boot.c) */
bool systemd_boot_starts(struct systemd *m, const char *unit, bool on_demand);

/* The verb of systemctl that keeps the unit from running, now and after a boot. */
const char *systemd_verb_to_end(struct systemd *m, const char *unit, const struct unit_state *s);

/* Whether an active socket unit is none of a generator's, or was active before basic.target, as the
 * sockets of a boot are: one that came later, with a daemon-reload, need not be made at a boot,
 * when generators run before modules-load.d (systemd.generator(7)). (systemd-boot.c) */
bool systemd_socket_is_of_boot(struct systemd *m, const char *socket);

/* Whether a unit's file, or a drop-in, is there after a boot, too: what is written to /run by hand
 * is gone by then; what generators write there is made anew. (systemd-boot.c) */
bool systemd_file_lasts(const char *path);

/* Whether the boot is still before what our units wait for: whoever runs now must wait for no job
 * of theirs (cloud-init's bootcmd would wait for itself). */
int systemd_is_booting(struct systemd *m, bool *ret, struct error *error) MUST_CHECK;

/* Takes this process, and whom it starts from now on, out of the login session that it was called
 * in, and out of a unit of sshd's on TCP, where it is in one. Where that cannot be it stays. */
void systemd_leave_session(struct systemd *m);

/* From now on systemd_job() only enqueues. */
void systemd_never_wait(struct systemd *m);

int systemd_reload(struct systemd *m, struct error *error) MUST_CHECK;

/* The same where a restart of the unit will follow, and asks for one with it: a reload closes a
 * socket whose addresses changed, and whoever is killed between the two must not leave it so. Waits
 * also after systemd_never_wait(). */
int systemd_reload_for(struct systemd *m, const char *unit, struct error *error) MUST_CHECK;

/* Enqueues the job and waits for its end, at most `timeout` seconds (-ETIMEDOUT). A job that ends
 * other than "done" is -EIO, with its result in `error`. A reload that is not done in time is
 * ended; other jobs go on. Stopping a unit that is not loaded is done.
 */
int systemd_job(struct systemd *m, enum job job, const char *unit, unsigned timeout,
                struct error *error) MUST_CHECK;
