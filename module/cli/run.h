/* SPDX-License-Identifier: MIT
 *
 * run.h: one run of the program: what the verbs share, from the options to the plan.
 */
#pragma once

#include "core/format/hosts-file.h"
#include "core/plan/client-options.h"
#include "host/apply.h"
#include "host/check/logins.h"
#include "host/check/verify.h"
#include "host/lock.h"
#include "host/log.h"
#include "host/survey.h"
#include "host/tcp-listeners.h"
#include "host/waiting.h"

/* Exit statuses: sshd-vsock(8), and doc/DESIGN.md "Interfaces that stay". */
enum {
        EXIT_DONE = 0,
        EXIT_WORLD = 1,
        EXIT_USAGE = 2,
        EXIT_UNVERIFIABLE = 3,
        EXIT_CLOSED_NOTHING = 4,
        EXIT_CHANGES = 10,
};

struct options {
        const char *config; /* NULL: the default path */
        const char *root;   /* NULL: this system */
        bool json;
        bool no_verify;
        bool takeover;
        bool known_hosts;
        struct client_request client;
        const char *of_client; /* an option that is for that verb alone; NULL: none was given */
};

/* What only some verbs look at; `known` tells which did. */
struct tcp_reality {
        bool known;
        struct tcp_listeners listeners;
        struct buf before;     /* addresses that listened before anything closed */
        struct buf missing;    /* wanted ones on which nobody does */
        struct buf configured; /* where sshd's files have it listen, in words */
        struct buf drift;      /* what no plan corrects, with its fix: lines */
        bool down;             /* nobody listens on TCP though somebody should */
        bool settled;          /* this run has waited for it already */
};
struct who_gets_in {
        bool known, enough; /* as require_login wants it */
        struct error error; /* why it is not known, where it was asked */
        struct logins logins;
};
struct hosts_entry {
        bool known;
        bool bypassed; /* DNS is asked before /etc/hosts, or nobody asks that */
        enum hosts_state state;
        char *address; /* NULL: UNKNOWN is in no line */
};
struct drop_ins {
        bool known;
        struct argv paths, settings; /* at the same places; the settings' names, "A B" */
};
struct drift {
        bool known;
        struct buf lines;
};
struct client_side {
        bool known;
        char name[CLIENT_NAME_MAX];
        char vm_id[40];
        struct client client;
        struct buf known_hosts; /* lines */
        struct buf key_files;   /* where they were looked for, in words */
        struct buf refused;     /* those that sshd would not load, as words of a shell */
};

/* How this configuration is applied again. */
enum again {
        AGAIN_ALONE, /* by apply alone */
        AGAIN_FILE,  /* with the file that --config names */
        AGAIN_INPUT, /* with what came on standard input, once more */
        AGAIN_UNIT,  /* by the provision unit, which carries it */
};

/* Where the configuration is from. */
enum config_source {
        CONFIG_DEFAULTS,   /* there is no file: all defaults */
        CONFIG_FILE,       /* the system's own file */
        CONFIG_NAMED,      /* --config */
        CONFIG_CARRIED,    /* an earlier --config: the provision unit carries it */
        CONFIG_CREDENTIAL, /* what the machine was booted with */
};

struct run {
        struct options options;
        struct log log;
        struct rootfs root;
        struct lock lock;        /* of the verbs that write */
        struct systemd *systemd; /* live only */
        struct config config;
        enum config_source source;
        bool checks;         /* the verb is about the configuration: who it names has to be there */
        enum homes homes;    /* which of them the verb looks at */
        bool quietly;        /* verification loads no module */
        bool as_it_is;       /* the verb looks at what is in force, not at what is to be */
        bool config_hidden;  /* of it only the port is known, by the socket unit */
        bool config_differs; /* the system's own file is another one than what is in force */
        bool removed;        /* sshd-vsock was, while the run of a boot waited for the lock */
        struct buf left;     /* extras that could not be written or removed */
        enum again again;
        struct facts facts;
        struct units units;
        char listener[128]; /* the socket unit that serves, or is to serve, the port */
        struct unit_state listener_state;
        struct desired desired;
        struct observed *observed; /* one per desired item */
        struct plan plan;
        struct error error;
        struct buf faults; /* of the configuration, rendered */
        bool verified;     /* verdict holds the last verification */
        bool unverifiable; /* ... and says that there is nothing to verify with */
        struct verdict verdict;
        struct host_transport host_transport; /* of a host to this machine */
        struct who_gets_in who;
        struct tcp_reality tcp;
        struct argv sockets; /* of other names, that had sshd serve TCP before anything changed */
        struct hosts_entry hosts;
        struct drop_ins drop_ins; /* of our units, by others */
        struct drift drift;       /* what is not as it is to be */
        struct client_side client_side;
        struct waiting waiting; /* for the operation that runs */
        struct buf text;        /* what the verb has for standard output */
};

/* Each returns an exit status, EXIT_DONE to go on; what failed has then been said. */

/* What --root names: an image, or the running system, which it may name as "/" alone. (run-root.c,
 * as the next two) */
int run_open_root(struct run *r) MUST_CHECK;

/* What an image's root is called where its path stands alone; in front of others "/" is "". */
const char *run_root_name(const struct run *r);

/* Whether this is a system that systemd runs, and who asks is root, where that is needed. */
int run_check_system(struct run *r, bool needs_root) MUST_CHECK;

/* The configuration that counts, into run.config, and where it is from; says where another one
 * differs from it. (run-config.c, as the next two) */
int run_read_config(struct run *r) MUST_CHECK;

/* For the verbs that write: says that the system's own file is overruled by --config. */
void run_say_overruled(struct run *r);

/* A configuration that is not the system's own file travels in the provision unit, or the next boot
 * would apply another one. 0 or -ENOMEM. */
int run_embed(struct run *r) MUST_CHECK;

/* A fix, with the command that applies the configuration at hand. (run-again.c, as the next; and
 * run_fail(), run_said()) */
void run_add_fix(const struct run *r, const char *fix, struct buf *out);

/* What went wrong, with its fix. */
void run_say_error(const struct run *r, enum log_level level, const struct error *error);

/* As run_read_config(); where that is for root alone, and who asks is not, the port of the socket
 * unit and all else by default, with run.config_hidden. (run-port.c, as the next) */
int run_read_config_or_port(struct run *r) MUST_CHECK;

/* Whether the system's own file is one that only root can read, and who asks is not root. */
bool run_config_is_hidden(const struct run *r);

/* Opens the root; a live run then needs, before anything is looked at, a system that systemd
 * booted, and root, where the verb needs that. */
int run_begin(struct run *r, bool needs_root) MUST_CHECK;

/* Facts, observation and plan; with `remove` towards nothing of ours. */
int run_make_plan(struct run *r, bool remove) MUST_CHECK;

/* The configuration against the system: read it, and plan towards it. */
int run_compare(struct run *r) MUST_CHECK;

/* Says the plan's conflicts that block so much. */
void run_say_conflicts(struct run *r, enum blocks blocks);

/* Says every conflict of the plan. EXIT_WORLD when one blocks something. */
int run_report_conflicts(struct run *r) MUST_CHECK;

/* Whether sshd would take the addresses of listen_address, as far as its files tell, and in an
 * image no others: it refuses all of its configuration for one of another AddressFamily. 0, or
 * -EINVAL and words in run.error. */
int run_check_listen(struct run *r) MUST_CHECK;

/* Says that by this, a file or an option, sshd would listen on other addresses. -EINVAL. */
int run_listens_elsewhere(struct run *r, const char *by);

/* Says in one line which wanted files have no place to be, and in another which users are gone
 * or have no home. (run-extras.c, as the next five) */
void run_report_skipped(const struct run *r);

/* Says what only root could have looked at. */
void run_report_hidden(const struct run *r);

/* Whether `hushlogin` names users that there are not; their names. */
bool run_lacks_users(const struct run *r, struct buf *out);

/* The same for users whose home is empty in /etc/passwd: there is no place for theirs. */
bool run_lacks_homes(const struct run *r, struct buf *out);

/* Says of an image why its boot could not run the program. 0, or -ENOMEM in run.error.
 */
int run_report_program(struct run *r) MUST_CHECK;

/* Names what could not be looked at. */
void run_add_unseen(const struct run *r, struct buf *out);

/* Whether the plan holds something that a run would do now: in an image closing is left to the
 * first boot. */
bool run_has_changes(const struct run *r);

/* Looks whether a host can come in, into run.host_transport. */
void run_find_host_transport(struct run *r);

/* The fix of the last verification's cause. */
const char *run_verdict_fix(const struct run *r);

/* The fix where nobody was shown to get in. */
const char *run_login_fix(const struct run *r);
/* Whether the socket unit listens, and on the port that is wanted. */
bool run_is_listening(const struct run *r);

/* Connects over vsock, with a diagnosis where nothing answers; `ret` may be run.verdict. */
void run_find_verdict(const struct run *r, struct verdict *ret);

/* Looks who gets in through the vsock listener, into run.who. Runs logins. */
int run_find_logins(struct run *r, struct error *error) MUST_CHECK;

/* Looks which sshd listens on TCP, into run.tcp; says so where that cannot be seen. */
void run_find_listeners(struct run *r);

/* Reads who UNKNOWN is, and whether anybody asks, into run.hosts. (run-hosts.c) */
void run_find_hosts(struct run *r);

/* Says run.error and returns EXIT_WORLD. */
int run_fail(struct run *r);

/* The same for a cause of the table, with its fix. */
int run_fail_cause(struct run *r, enum cause cause);

/* Says what failed where it did, and forgets it: the rest is done all the same. Returns rc. The
 * second: of a job of systemd's. */
int run_said(const struct run *r, int rc, struct error *error);
int run_job(const struct run *r, enum job job, const char *unit);

void run_done(struct run *r);

/* The verbs. */
int cmd_check(struct run *r);
int cmd_plan(struct run *r);
int cmd_apply(struct run *r);
int cmd_verify(struct run *r);
int cmd_remove(struct run *r);
int cmd_status(struct run *r);
int cmd_client(struct run *r);
