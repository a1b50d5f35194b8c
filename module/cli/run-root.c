/* SPDX-License-Identifier: MIT
 *
 * run-root.c: what a run works on: the system that systemd runs, with all its checks, or an image.
 * What says --root and is the running system all the same, by another mount of it, is refused: as
 * an image it would be closed with nothing verified. Reads; changes nothing.
 */
#include "cli/run.h"

#include "core/plan/causes.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define INIT_ROOT "/proc/1/root"

static bool is_same(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* As sd_booted(3), for the system with that root directory. */
static bool booted_with_systemd(const char *root)
{
        char path[64];
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s/run/systemd/system", root);
        return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* As systemd's running_in_chroot(): PID 1 has another root. Without /proc, or where it is not to be
 * looked at, there is no telling, and the next checks will. */
static bool in_chroot(void)
{
        struct stat init, own;

        return stat(INIT_ROOT, &init) == 0 && !(stat("/", &own) == 0 && is_same(&init, &own));
}

int run_check_system(struct run *r, bool needs_root)
{
        if (!booted_with_systemd(""))
                return run_fail_cause(r, CAUSE_NOT_BOOTED);
        if (needs_root && geteuid() != 0)
                return run_fail_cause(r, CAUSE_NOT_ROOT);
        if (in_chroot())
                return run_fail_cause(r, CAUSE_CHROOT);
        return EXIT_DONE;
}

/* Whether systemd runs what has "/" as its root directory. It may show in PID 1's /run alone: that
 * of a chroot is another one. */
static bool is_running(void)
{
        return !in_chroot() && (booted_with_systemd("") || booted_with_systemd(INIT_ROOT));
}

static int refuse(struct run *r, const char *directory)
{
        error_fix(&r->error,
                  "leave out --root to work on the running system; an image needs a %s of "
                  "its own",
                  directory[0] ? directory : "root directory");
        (void)error_say(&r->error, -EBUSY, "%s%s is %s of the running system, not of an image",
                        r->options.root, directory,
                        directory[0] ? directory : "the root directory");
        return run_fail(r);
}

/* The directories in which decisions stand: one of them shared with the running system is enough.
 * A link of the image leads to its own: what it says of this machine may be on a dead file system.
 */
static int refuse_running(struct run *r, const char *running)
{
        static const char *const directories[] = { "", "/etc", "/etc/systemd/system", "/etc/ssh" };

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                char here[64], there[64];
                struct stat one, other;

                (void)snprintf(here, sizeof(here), "%s/.", directories[i]);
                (void)snprintf(there, sizeof(there), "%s%s/.", running, directories[i]);
                if (rootfs_stat(&r->root, here, &one) == 0 && stat(there, &other) == 0 &&
                    is_same(&one, &other))
                        return refuse(r, directories[i]);
        }
        return EXIT_DONE;
}

/* "/" is this very system where systemd runs it; in a container that is being built, or a chroot,
 * it is an image as any other. */
static int judge_root(struct run *r)
{
        int status = EXIT_DONE;

        if (!r->root.image && !is_running()) {
                r->root.image = true;
                if (!rootfs_is_top(&r->root))
                        r->root.path = r->options.root;
                return EXIT_DONE;
        }
        if (!r->root.image && rootfs_is_top(&r->root))
                return EXIT_DONE;
        if (is_running())
                status = refuse_running(r, "");
        if (status == EXIT_DONE && booted_with_systemd(INIT_ROOT))
                status = refuse_running(r, INIT_ROOT);
        return status;
}

int run_open_root(struct run *r)
{
        if (rootfs_open(r->options.root, &r->root, &r->error) < 0)
                return run_fail(r);
        if (r->root.usr_etc)
                log_line(&r->log, LOG_LEVEL_STEP,
                         "what is /etc in a deployment is /usr/etc in this tree: messages about "
                         "/etc mean that");
        return r->options.root ? judge_root(r) : EXIT_DONE;
}

const char *run_root_name(const struct run *r)
{
        return r->root.path[0] ? r->root.path : "/";
}

int run_begin(struct run *r, bool needs_root)
{
        int status = run_open_root(r);

        if (status == EXIT_DONE && !r->root.image)
                status = run_check_system(r, needs_root);
        return status;
}
