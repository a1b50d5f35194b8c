/* SPDX-License-Identifier: MIT
 *
 * run.c: the way from options to a plan, shared by all verbs. Reads; changes nothing. Says what
 * failed, in the user's terms, through log.c.
 */
#include "run.h"

#include "causes.h"
#include "diagnose.h"
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define GENERATOR_FOLDER "/run/systemd/generator"

int run_fail(struct run *r)
{
        log_why(&r->log, &r->why);
        return EXIT_WORLD;
}

static int fail_cause(struct run *r, enum cause cause)
{
        why_fix(&r->why, "%s", causes[cause].fix);
        (void)why_say(&r->why, -ENOTSUP, "%s", causes[cause].what);
        return run_fail(r);
}

/* As sd_booted(3). */
static bool booted_with_systemd(void)
{
        struct stat st;

        return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* As systemd's running_in_chroot(): PID 1 has another root. Without /proc, or where it is not to be
 * looked at, there is no telling, and the next checks will. */
static bool in_chroot(void)
{
        struct stat init, here;

        return stat("/proc/1/root", &init) == 0 && stat("/", &here) == 0 &&
               (init.st_dev != here.st_dev || init.st_ino != here.st_ino);
}

static int check_system(struct run *r)
{
        if (!booted_with_systemd())
                return fail_cause(r, CAUSE_NOT_BOOTED);
        if (geteuid() != 0)
                return fail_cause(r, CAUSE_NOT_ROOT);
        if (in_chroot())
                return fail_cause(r, CAUSE_CHROOT);
        return EXIT_DONE;
}

int run_open_root(struct run *r)
{
        return rootfs_open(r->options.root, &r->root, &r->why) < 0 ? run_fail(r) : EXIT_DONE;
}

int run_begin(struct run *r)
{
        int status = run_open_root(r);

        if (status == EXIT_DONE && !r->root.image)
                status = check_system(r);
        return status;
}

static int show_faults(struct run *r, const struct diag *d)
{
        ssize_t n = write(STDERR_FILENO, buf_str(&d->out), d->out.len);

        (void)n; /* nowhere left to say it */
        buf_add(&r->faults, buf_str(&d->out), d->out.len);
        log_line(&r->log, LOG_LEVEL_ERROR, "%u fault%s in the configuration; nothing was touched",
                 d->n_errors, d->n_errors == 1 ? "" : "s");
        return EXIT_USAGE;
}

static int parse(struct run *r, const char *text, size_t len, struct diag *d)
{
        AUTO(users_free) struct users users = { 0 };
        int rc = survey_users(&r->root, &users, &r->why);

        return rc < 0 ? rc : config_parse(text, len, &users, d, &r->config);
}

int run_read_config(struct run *r)
{
        AUTO(diag_free) struct diag d = DIAG_INIT(source_name(r->options.config));
        AUTO_FREE char *text = NULL;
        bool trusted = geteuid() == 0 && !r->root.image;
        size_t len = 0;
        int rc = source_read(&r->root, r->options.config, trusted, &d, &text, &len);

        if (rc == 0)
                rc = parse(r, text, len, &d);
        if (rc == -EBADMSG)
                return show_faults(r, &d);
        if (rc < 0) {
                (void)why_set(&r->why, rc, "cannot read the configuration");
                return run_fail(r);
        }
        return EXIT_DONE;
}

/* A configuration that is not at the system's own place travels in the provision unit, or the next
 * boot would apply another one. */
static int embed(struct run *r)
{
        AUTO_BUF text = BUF_INIT;

        if (!r->options.config ||
            (!r->root.image && strcmp(r->options.config, CONFIG_PATH_DEFAULT) == 0))
                return 0;
        config_render(&r->config, &text);
        return buf_take(&text, &r->facts.embedded, NULL);
}

/* systemd 256 and newer generates the very same unit where its transport is there in time. Where it
 * works it is left alone; never on WSL, which it does not know. */
static bool generated_door_answers(const struct run *r)
{
        const struct unit_state *s = &r->units.socket;
        struct verdict v;

        if (r->config.port != 22 || !s->active || r->facts.virt == VIRT_WSL ||
            strncmp(s->fragment, GENERATOR_FOLDER, strlen(GENERATOR_FOLDER)) != 0)
                return false;
        diagnose_door(r->manager, r->config.port, r->config.verify_timeout, &v);
        return v.cause == CAUSE_NONE;
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

        if (live)
                rc = manager_open(&r->manager, &r->why);
        if (rc == 0)
                rc = survey_facts(&r->root, r->manager,
                                  live && own_path(program, sizeof(program)) == 0 ? program : NULL,
                                  &r->facts, &r->why);
        if (rc == 0 && live)
                rc = survey_units(r->manager, &r->units, &r->why);
        return rc;
}

int run_make_plan(struct run *r, bool remove)
{
        int rc = gather(r);

        if (rc == 0 && !r->facts.sshd && !remove)
                return fail_cause(r, CAUSE_NO_SSHD);
        if (rc == 0 && r->manager && !remove)
                r->facts.generated_door = generated_door_answers(r);
        if (rc == 0)
                rc = embed(r);
        if (rc == 0)
                rc = remove ? desired_none(&r->facts, &r->desired)
                            : desired_make(&r->config, &r->facts, &r->desired);
        if (rc == 0)
                rc = survey_objects(&r->root, &r->desired, &r->objects, &r->why);
        if (rc == 0)
                rc = plan_make(&r->desired, r->objects, &r->facts, r->manager ? &r->units : NULL,
                               &r->plan);
        if (rc < 0) {
                (void)why_set(&r->why, rc, "cannot make a plan");
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

        for (size_t i = 0; i < r->plan.n_conflicts; i++)
                if (r->plan.conflicts[i].blocks == blocks)
                        log_line(&r->log, level, "%s%s %s", r->root.path, r->plan.conflicts[i].path,
                                 r->plan.conflicts[i].reason);
}

int run_report_conflicts(struct run *r)
{
        for (enum blocks b = BLOCKS_NOTHING; b <= BLOCKS_DOOR; b++)
                run_say_conflicts(r, b);
        return plan_blocked(&r->plan) > BLOCKS_NOTHING ? EXIT_WORLD : EXIT_DONE;
}

/* As many as a person reads; --json has them all. */
void run_report_skipped(const struct run *r)
{
        const struct plan *p = &r->plan;
        const size_t most = 5;
        AUTO_BUF text = BUF_INIT;

        for (size_t i = 0; i < p->n_skipped && i < most; i++)
                buf_addf(&text, "%s%s%s (%s)", i ? ", " : "", r->root.path, p->skipped[i].path,
                         p->skipped[i].reason);
        if (p->n_skipped > most)
                buf_addf(&text, ", and %zu more", p->n_skipped - most);
        if (p->n_skipped > 0)
                log_line(&r->log, LOG_LEVEL_WARN, "hushlogin: out of reach, and left out: %s",
                         buf_str(&text));
}

bool run_has_changes(const struct run *r)
{
        bool closes = !r->root.image || r->options.no_verify;

        return plan_has(&r->plan, PHASE_OPEN) || plan_has(&r->plan, PHASE_ACTIVATE) ||
               (closes && plan_has(&r->plan, PHASE_CLOSE));
}

void run_look_for_host(struct run *r)
{
        r->way.reachable = verify_way_to_host(r->facts.virt, &r->way.cid);
        r->way.known = true;
}

void run_look_for_listeners(struct run *r)
{
        struct why why = { 0 };

        listeners_free(&r->tcp.listeners);
        r->tcp.known = listeners_find(r->manager, &r->tcp.listeners, &why) == 0;
        if (!r->tcp.known)
                log_line(&r->log, LOG_LEVEL_WARN, "%s", why.text);
}

void run_done(struct run *r)
{
        plan_free(&r->plan);
        survey_free(r->objects, r->desired.n);
        desired_free(&r->desired);
        facts_free(&r->facts);
        config_free(&r->config);
        listeners_free(&r->tcp.listeners);
        buf_free(&r->faults);
        buf_free(&r->text);
        buf_free(&r->client_side.known_hosts);
        free(r->hosts.address);
        manager_close(&r->manager);
        rootfs_close(&r->root);
}
