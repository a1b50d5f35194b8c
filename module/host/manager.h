/* SPDX-License-Identifier: MIT
 *
 * manager.h: what is asked of systemd's manager. The only speaker of sd-bus; works where no D-Bus
 * daemon runs, over the manager's private socket.
 */
#pragma once

#include "core/plan/object.h"
#include "core/util/buf.h"
#include "core/util/why.h"
#include "core/util/words.h"

struct manager;

enum job {
        JOB_START,
        JOB_STOP,
        JOB_RESTART,
        JOB_RELOAD,
};

/* 0 and a connection to be closed with manager_close(), or −errno. */
int manager_open(struct manager **ret, struct why *why) MUST_CHECK;
void manager_close(struct manager **m);

/* A string property of the manager ("Version", "Virtualization", "SystemState"); caller frees. */
int manager_property(struct manager *m, const char *name, char **ret, struct why *why) MUST_CHECK;

/* Loads the unit where need be; a unit that does not exist is a state, not an error. */
int manager_unit(struct manager *m, const char *unit, struct unit_state *ret,
                 struct why *why) MUST_CHECK;

/* The service that a connection to the socket unit starts, with Accept=yes one made of its
 * template; "" where there is none. It is not started, nor need it exist. */
int manager_socket_service(struct manager *m, const char *socket, char *ret, size_t size,
                           struct why *why) MUST_CHECK;

/* What a service executes, as systemd has it: nothing in it is expanded yet (svccmd.h). */
struct service_command {
        struct words argv;  /* the first ExecStart=, its program in front */
        struct words env;   /* Environment=, KEY=VALUE each */
        struct words files; /* EnvironmentFile= paths, in order */
};

/* Of a service or an instance of a template; it is loaded, not started. On failure nothing is to be
 * freed. -ENOENT where it has no ExecStart=. */
int manager_service_command(struct manager *m, const char *service, struct service_command *ret,
                            struct why *why) MUST_CHECK;

/* The first setting of the service that may let a login end where the same command, started by
 * root, would not: "User=", "SystemCallFilter="; "" where there is none. */
int manager_service_confined(struct manager *m, const char *service, char *ret, size_t size,
                             struct why *why) MUST_CHECK;

void service_command_free(struct service_command *c);
/* The unit whose job the pending job of this one waits for, a running one first; itself where it
 * runs, "" where it has no job. (managerjobs.c) */
int manager_waits_for(struct manager *m, const char *unit, char *ret, size_t size,
                      struct why *why) MUST_CHECK;

/* The unit's files, each on a line of its own: its fragment, then its drop-ins as they are read. */
int manager_unit_files(struct manager *m, const char *unit, struct buf *ret,
                       struct why *why) MUST_CHECK;

/* A socket unit that is active, as managersockets.c reads it. */
struct socket_unit {
        const char *name;
        const char *streams; /* its stream addresses, separated by blanks: "[::]:22 /run/x" */
        const char *program; /* path that the service behind it executes; "": cannot be told */
};

/* Calls `each` for every active socket unit; stops at the first non-zero. */
int manager_each_socket(struct manager *m, int (*each)(const struct socket_unit *s, void *userdata),
                        void *userdata, struct why *why) MUST_CHECK;

/* Whether the boot is still before what our units wait for: whoever runs now must wait for no job
 * of theirs (cloud-init's bootcmd would wait for itself). */
int manager_is_booting(struct manager *m, bool *ret, struct why *why) MUST_CHECK;

/* From now on manager_job() only enqueues. */
void manager_never_wait(struct manager *m);

int manager_reload(struct manager *m, struct why *why) MUST_CHECK;

/* The same where a restart of the unit will follow, and asks for one ahead: a reload closes a
 * socket whose addresses changed, and whoever is killed between the two must not leave it so. */
int manager_reload_for(struct manager *m, const char *unit, struct why *why) MUST_CHECK;

/* Enqueues the job and waits for its end, at most `timeout` seconds (-ETIMEDOUT). A job that ends
 * other than "done" is -EIO, with its result in `why`. Stopping a unit that is not loaded is done.
 */
int manager_job(struct manager *m, enum job job, const char *unit, unsigned timeout,
                struct why *why) MUST_CHECK;
