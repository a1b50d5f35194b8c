/* SPDX-License-Identifier: MIT
 *
 * run.c: the way from options to a plan, shared by all verbs. Writes nothing that lasts. Says what
 * failed, in the user's terms, through log.c.
 */
#include "cli/run.h"

#include "core/format/unit-path.h"
#include "core/plan/causes.h"
#include "core/plan/sshd-listen.h"
#include "core/util/words.h"
#include "host/check/diagnose.h"
#include "host/survey-machine.h"
#include "host/vsock-unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int run_job(const struct run *r, enum job job, const char *unit)
{
        struct error error = { 0 };

        return run_said(r, systemd_job(r->systemd, job, unit, JOB_SECONDS, &error), &error);
}

int run_fail_cause(struct run *r, enum cause cause)
{
        (void)cause_set(&r->error, cause, "", -ENOTSUP);
        return run_fail(r);
}

static struct logins_search search_of(const struct run *r)
{
        return (struct logins_search){ .root = &r->root,
                                       .systemd = r->systemd,
                                       .config = &r->config,
                                       .facts = &r->facts,
                                       .socket = r->listener };
}

/* systemd 256 and newer generates a unit of our name where its transport is there in time, and one
 * of another name for systemd.ssh_listen= on the kernel's command line. Where it works it is left
 * alone: it answers, and admits whom sshd's configuration admits; never on WSL, which it does not
 * know. Where TCP is to be closed the next boot has to make it, too. */
static bool generated_listener_works(const struct run *r)
{
        const struct logins_search search = search_of(r);
        const bool closes = r->config.disable_tcp || r->config.n_listen > 0;
        struct verdict v;

        if (!r->listener_state.active || r->facts.virt == VIRT_WSL ||
            strncmp(r->listener_state.fragment, GENERATOR_DIRECTORY, strlen(GENERATOR_DIRECTORY)) !=
                    0 ||
            (closes && !systemd_socket_is_of_boot(r->systemd, r->listener)))
                return false;
        run_find_verdict(r, &v);
        /* a look loads no module; `apply` will, and find that it answers as it does for the host */
        if (r->quietly && v.cause == CAUSE_NO_LOOPBACK &&
            verify_may_load_loopback(r->config.verify_timeout))
                v.cause = CAUSE_NONE;
        /* whom sshd admits is for root to see */
        return v.cause == CAUSE_NONE && (r->facts.anybody || logins_keys_count(&search));
}

/* The unit that is to serve the port: ours, but for a generated one that works. */
static int find_listener(struct run *r)
{
        int rc = vsock_unit_find(r->systemd, r->config.port, r->listener, sizeof(r->listener),
                                 &r->error);

        if (rc == 0 && r->listener[0])
                rc = systemd_unit(r->systemd, r->listener, &r->listener_state, &r->error);
        if (rc < 0)
                return rc;
        r->facts.generated_listener = r->listener[0] && generated_listener_works(r);
        if (!r->facts.generated_listener) {
                (void)snprintf(r->listener, sizeof(r->listener), "%s", UNIT_SOCKET);
                r->listener_state = r->units.socket;
        }
        return 0;
}

static int own_path(char *path, size_t size)
{
        ssize_t n = readlink("/proc/self/exe", path, size);

        if (n < 0)
                return -errno;
        if ((size_t)n >= size)
                return -ENAMETOOLONG;
        path[n] = '\0';
        return 0;
}

static int gather(struct run *r)
{
        char program[4096];
        bool live = !r->root.image;
        int rc = 0;

        if (live && !r->systemd)
                rc = systemd_open(&r->systemd, &r->error);
        if (rc == 0)
                rc = survey_facts(&r->root, r->systemd,
                                  live && own_path(program, sizeof(program)) == 0 ? program : NULL,
                                  &r->facts, &r->error);
        if (rc == 0 && live)
                rc = survey_units(&r->root, r->systemd, &r->units, &r->error);
        return rc;
}

/* What the boot unit would name is run as root at each boot. */
static int refuse_program(struct run *r)
{
        char program[4096];

        if (own_path(program, sizeof(program)) < 0)
                (void)snprintf(program, sizeof(program), "this program");
        error_fix(&r->error,
                  "install it as %s, with root as the owner of it and of every directory above",
                  distro_program[0]);
        (void)error_say(&r->error, -EPERM, "%s cannot be run as root at each boot: %s", program,
                        unit_can_name(program) ? "users other than root could replace it"
                                               : "systemd takes no such path");
        return run_fail(r);
}

/* An address that was not seen would stay open; without listen_address nothing depends on it. */
static int message_beyond(struct run *r, bool remove)
{
        if (remove || r->config.n_listen == 0 || r->as_it_is) {
                log_line(&r->log, LOG_LEVEL_WARN,
                         "sshd_config includes more than is looked through: some files are left "
                         "out%s",
                         remove ? ", and what sshd-vsock put there stays" : "");
                return EXIT_DONE;
        }
        error_fix(&r->error, "include fewer files, by fewer patterns");
        (void)error_say(&r->error, -E2BIG,
                        "sshd_config includes more than can be looked through: listen_address "
                        "cannot be kept");
        return run_fail(r);
}

int run_make_plan(struct run *r, bool remove)
{
        int rc = gather(r);

        if (rc == 0 && !r->facts.sshd && !remove)
                return run_fail_cause(r, CAUSE_NO_SSHD);
        if (rc == 0 && !r->facts.program && !r->root.image && !remove && !r->as_it_is)
                return refuse_program(r);
        if (rc == 0 && r->facts.sshd_unread && remove) {
                (void)error_say(&r->error, -EIO, "%s", r->facts.unread);
                return run_fail(r);
        }
        if (rc == 0 && r->facts.sshd_beyond && message_beyond(r, remove) != EXIT_DONE)
                return EXIT_WORLD;
        if (rc == 0 && r->systemd && !remove)
                rc = find_listener(r);
        r->facts.homes = r->homes;
        if (rc == 0)
                rc = rivals_decide(&r->facts,
                                   &(struct rivals_wish){ .port = remove ? 0 : r->config.port,
                                                          .served = r->units.socket.active,
                                                          .takeover = r->options.takeover });
        if (rc == 0)
                rc = run_embed(r);
        if (rc == 0)
                rc = remove ? desired_none(&r->facts, &r->desired)
                            : desired_make(&r->config, &r->facts, &r->desired);
        r->desired.takeover = r->options.takeover && !remove;
        if (rc == 0)
                rc = survey_paths(&r->root, &r->desired, &r->observed, &r->error);
        if (rc == 0)
                rc = plan_make(&r->desired, r->observed, &r->facts, r->systemd ? &r->units : NULL,
                               &r->plan);
        if (rc < 0) {
                (void)error_set(&r->error, rc, "cannot make a plan");
                return run_fail(r);
        }
        return EXIT_DONE;
}

int run_compare(struct run *r)
{
        int status = run_read_config(r);

        return status == EXIT_DONE ? run_make_plan(r, false) : status;
}

void run_say_conflicts(struct run *r, enum blocks blocks)
{
        enum log_level level = blocks == BLOCKS_NOTHING ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR;

        for (size_t i = 0; i < r->plan.n_conflicts; i++) {
                AUTO_BUF reason = BUF_INIT;

                if (r->plan.conflicts[i].blocks != blocks)
                        continue;
                run_add_fix(r, r->plan.conflicts[i].reason, &reason);
                log_line(&r->log, level, "%s%s %s", r->root.path, r->plan.conflicts[i].path,
                         buf_str(&reason));
        }
}

int run_report_conflicts(struct run *r)
{
        for (enum blocks b = BLOCKS_NOTHING; b <= BLOCKS_LISTENER; b++)
                run_say_conflicts(r, b);
        return plan_blocked(&r->plan) > BLOCKS_NOTHING ? EXIT_WORLD : EXIT_DONE;
}

int run_listens_elsewhere(struct run *r, const char *by)
{
        const bool file = by[0] == '/';

        if (file)
                error_fix(&r->error, "take the TCP addresses out of that file, or rename it to "
                                     "a.conf: it is then read before ours, which begins anew");
        else
                error_fix(&r->error, "take that option out, or have it name the addresses of "
                                     "listen_address alone");
        return error_say(
                &r->error, -EINVAL,
                "sshd would listen elsewhere than listen_address says, by %s%s; TCP stays as "
                "it was",
                file ? r->root.path : "", by);
}

/* Of a running system the kernel shows where sshd listens. */
static int check_others(struct run *r)
{
        AUTO_BUF other = BUF_INIT;

        if (r->root.image && r->config.n_listen > 0)
                listen_overruled(&r->config, &r->facts, &other);
        return other.len == 0 ? other.error : run_listens_elsewhere(r, buf_str(&other));
}

int run_check_listen(struct run *r)
{
        const int family = r->facts.sshd_settings.family;
        const struct listen_address *l = listen_refused(&r->config, family);

        if (!l)
                return check_others(r);
        error_fix(&r->error,
                  "take AddressFamily (or option -%d) out of sshd's configuration, or this "
                  "address out of listen_address",
                  family);
        return error_say(
                &r->error, -EINVAL,
                "sshd would refuse %s of listen_address: AddressFamily is %s; TCP stays as "
                "it was",
                l->address, family == 4 ? "inet" : "inet6");
}

bool run_has_changes(const struct run *r)
{
        bool closes = !r->root.image || r->options.no_verify;

        return plan_has(&r->plan, PHASE_OPEN) || plan_has(&r->plan, PHASE_ACTIVATE) ||
               plan_has(&r->plan, PHASE_EXTRAS) || (closes && plan_has(&r->plan, PHASE_CLOSE));
}

void run_find_host_transport(struct run *r)
{
        struct transports t;

        survey_transports(&r->root, &t);
        host_transport_find(&r->facts.machine, &t, r->config.assume_host, &r->host_transport);
}

const char *run_verdict_fix(const struct run *r)
{
        return r->verdict.fix[0] ? r->verdict.fix : causes[r->verdict.cause].fix;
}

const char *run_login_fix(const struct run *r)
{
        if (r->who.logins.no_client)
                return "install the package openssh-client (Fedora, openSUSE: openssh-clients; "
                       "Arch: openssh)";
        return r->who.logins.obstacle[0]
                       ? "change that unit, or set \"require_login: unchecked\" if "
                         "you know that you can log in"
                       : causes[CAUSE_NO_LOGIN].fix;
}

bool run_is_listening(const struct run *r)
{
        const struct unit_state *s = &r->listener_state;
        char stream[32];
        int n = snprintf(stream, sizeof(stream), "vsock::%u", r->config.port);

        return s->active && (!s->listen[0] || word_is_in(s->listen, stream, (size_t)n));
}

/* What a drop-in of somebody else's does is not corrected by `apply`. */
static void add_mover(const struct run *r, struct verdict *v)
{
        if (v->cause != CAUSE_NO_LISTENER || !r->plan.moved)
                return;
        (void)snprintf(v->detail, sizeof(v->detail), UNIT_SOCKET " listens on %.160s instead",
                       r->units.socket.listen);
        (void)snprintf(v->fix, sizeof(v->fix),
                       "take ListenStream= out of %s, then \"sshd-vsock apply\"; or set port: to "
                       "what it names",
                       r->units.socket.mover);
}

void run_find_verdict(const struct run *r, struct verdict *ret)
{
        AUTO_WAITING waiting = WAITING_INIT;

        waiting_begin(&r->log, &waiting, "an answer on vsock port %u, for at most %u s",
                      r->config.port, r->config.verify_timeout);
        if (r->quietly)
                diagnose_quietly(r->systemd, r->listener, r->config.port, r->config.verify_timeout,
                                 ret);
        else
                diagnose_listener(r->systemd, r->listener, r->config.port, r->config.verify_timeout,
                                  ret);
        add_mover(r, ret);
}

int run_find_logins(struct run *r, struct error *error)
{
        const struct logins_search search = search_of(r);
        AUTO_WAITING waiting = WAITING_INIT;
        int rc;

        waiting_begin(&r->log, &waiting, "logins over vsock that are tried, user by user");
        logins_free(&r->who.logins);
        systemd_leave_session(r->systemd);
        rc = logins_find(&search, &r->who.logins, error);
        r->who.known = rc == 0;
        r->who.enough = rc == 0 && logins_suffice(&r->config, &r->who.logins);
        return rc;
}

void run_find_listeners(struct run *r)
{
        struct error error = { 0 };

        tcp_listeners_free(&r->tcp.listeners);
        r->tcp.known = tcp_listeners_find(r->systemd, &r->tcp.listeners, &error) == 0;
        if (!r->tcp.known)
                log_line(&r->log, LOG_LEVEL_WARN, "%s", error.text);
}

void run_done(struct run *r)
{
        plan_free(&r->plan);
        survey_free(r->observed, r->desired.n);
        desired_free(&r->desired);
        facts_free(&r->facts);
        config_free(&r->config);
        tcp_listeners_free(&r->tcp.listeners);
        logins_free(&r->who.logins);
        argv_free(&r->sockets);
        argv_free(&r->drop_ins.paths);
        argv_free(&r->drop_ins.settings);
        buf_free(&r->tcp.before);
        buf_free(&r->tcp.missing);
        buf_free(&r->tcp.configured);
        buf_free(&r->tcp.drift);
        buf_free(&r->drift.lines);
        buf_free(&r->faults);
        buf_free(&r->left);
        buf_free(&r->text);
        buf_free(&r->client_side.known_hosts);
        buf_free(&r->client_side.key_files);
        buf_free(&r->client_side.refused);
        free(r->hosts.address);
        systemd_close(&r->systemd);
        lock_release(&r->lock);
        rootfs_close(&r->root);
}
