/* SPDX-License-Identifier: MIT
 *
 * survey.c: see survey.h. Turns files and unit states into struct facts; the tables it walks are
 * distro.c's. It decides nothing and writes nothing.
 */
#include "host/survey.h"

#include "core/format/unit-path.h"
#include "core/plan/render.h"
#include "core/util/words.h"
#include "host/clock.h"
#include "host/credential.h"
#include "host/survey-covered.h"
#include "host/survey-enabled.h"
#include "host/survey-left.h"
#include "host/survey-machine.h"
#include "host/survey-records.h"
#include "host/survey-rivals.h"
#include "host/survey-sshd.h"
#include "host/survey-tcp.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int find_sshd(struct survey *s)
{
        int r = 0;

        for (size_t i = 0; r == 0 && distro_sshd[i]; i++) {
                r = survey_is_file(s, distro_sshd[i], true);
                if (r > 0)
                        s->facts->sshd = strdup(distro_sshd[i]);
                if (r > 0 && !s->facts->sshd)
                        return -ENOMEM;
        }
        return r < 0 ? r : 0;
}

/* What the boot unit runs. 1 when it may, 0 when it is not there or not root's alone. */
static int take_program(struct survey *s, const char *path)
{
        int r = survey_is_file(s, path, true);

        if (r > 0)
                r = survey_is_trusted(s, path);
        if (r <= 0 || !unit_can_name(path))
                return r < 0 ? r : 0;
        s->facts->program = strdup(path);
        return s->facts->program ? 1 : -ENOMEM;
}

static int find_programs(struct survey *s, const char *program)
{
        int r = find_sshd(s);

        for (size_t i = 0; r == 0 && distro_program[i]; i++)
                r = take_program(s, distro_program[i]);
        if (r == 0 && program)
                r = take_program(s, program);
        return r < 0 ? r : 0;
}

/* systemd's own library carries the version in its name: the same source for a running system and
 * an image, so that both render the same bytes. */
static int note_version(const char *name, void *userdata)
{
        struct facts *f = ((struct survey *)userdata)->facts;
        unsigned version;

        if (sscanf(name, "libsystemd-shared-%u", &version) == 1 && version > f->systemd_version)
                f->systemd_version = version;
        return 0;
}

static int look_in_multiarch(const char *name, void *userdata)
{
        char path[256];

        if (fnmatch("*-linux-gnu*", name, 0) != 0)
                return 0;
        (void)snprintf(path, sizeof(path), "/usr/lib/%.128s/systemd", name);
        return survey_list(userdata, path, note_version, NULL);
}

static int find_version(struct survey *s)
{
        static const char *const directories[] = { "/usr/lib/systemd", "/usr/lib64/systemd" };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(directories); i++)
                r = survey_list(s, directories[i], note_version, NULL);
        if (r == 0)
                r = survey_list(s, "/usr/lib", look_in_multiarch, NULL);
        /* most often a link to the first */
        if (r == 0 && !s->facts->systemd_version)
                r = survey_list(s, "/lib/systemd", note_version, NULL);
        return r;
}

static int note_module(const char *name, void *userdata)
{
        struct facts *f = ((struct survey *)userdata)->facts;
        size_t n = strcspn(name, ".");

        for (size_t i = 0; i < N_MODULES; i++)
                if (strlen(distro_transports[i].module) == n &&
                    strncmp(name, distro_transports[i].module, n) == 0 &&
                    strncmp(name + n, ".ko", 3) == 0)
                        f->modules |= 1u << i;
        return 0;
}

static int look_in_release(const char *name, void *userdata)
{
        char path[256];

        (void)snprintf(path, sizeof(path), "/lib/modules/%.128s/kernel/net/vmw_vsock", name);
        return survey_list(userdata, path, note_module, NULL);
}

/* The running kernel's modules; in an image those of every kernel it holds. */
static int find_modules(struct survey *s)
{
        struct utsname u;

        if (!s->facts->live)
                return survey_list(s, "/lib/modules", look_in_release, NULL);
        for (size_t i = 0; i < N_MODULES; i++) {
                char path[64];

                (void)snprintf(path, sizeof(path), "/sys/module/%s", distro_transports[i].module);
                if (access(path, F_OK) == 0)
                        s->facts->loaded |= 1u << i;
        }
        return uname(&u) < 0 ? -errno : look_in_release(u.release, s);
}

/* A link is an alias of another of these units, as Debian's sshd.service is, or the administrator's
 * own unit (systemctl link). */
static bool is_alias(const char *unit, const char *target)
{
        return distro_is_tcp_unit(basename(target)) && strcmp(unit, basename(target)) != 0;
}

/* systemctl mask --runtime: of no effect beside a file of /etc. */
static int find_bar(struct survey *s, const char *unit, struct tcp_unit *t)
{
        char path[256];
        int r;

        (void)snprintf(path, sizeof(path), "/run/systemd/system/%s", unit);
        r = survey_is_mask(s, path);
        t->barred = r > 0;
        return r < 0 ? r : 0;
}

/* Of the vendor's the first counts (path-lookup.c), be it a mask. */
static int find_vendors(struct survey *s, const char *unit, struct tcp_unit *t)
{
        char path[256];
        int r = 0;

        for (size_t i = 0; r == 0 && distro_vendor_units[i]; i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", distro_vendor_units[i], unit);
                r = survey_is_mask(s, path);
                t->masked = t->masked || r > 0;
                r = r < 0 ? r : survey_is_file(s, path, false);
                t->vendor = r > 0;
        }
        return r;
}

static int find_tcp_unit(struct survey *s, const char *unit, struct tcp_unit *t)
{
        struct observed o = { 0 };
        char path[256];
        int r = find_vendors(s, unit, t), mask;

        (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s", unit);
        mask = r < 0 ? r : survey_is_mask(s, path);
        r = mask < 0 ? mask : survey_look(s, path, &o);
        if (r < 0)
                return r;
        t->foreign = mask == 0 && (o.type == OBSERVED_FILE ||
                                   (o.type == OBSERVED_LINK && !is_alias(unit, o.data)));
        t->masked = mask > 0 || (t->masked && o.type == OBSERVED_NONE);
        observed_free(&o);
        return s->facts->live && !t->foreign ? find_bar(s, unit, t) : 0;
}

/* Root asks: nobody else makes such plans. Where our template could not accept them, those of
 * systemd's that can are worth as much as ever. */
static int find_credential(struct survey *s)
{
        AUTO_FREE char *path = NULL;
        int r = credential_find(s->root, CREDENTIAL_KEYS, &path);

        s->facts->key_credential = r > 0 && render_has_credential(s->facts);
        return r == -ENOMEM ? r : 0;
}

static int find_tcp_units(struct survey *s, struct systemd *m)
{
        unsigned closed = 0;
        int r = survey_records(s, &closed);

        for (size_t i = 0; r >= 0 && i < N_TCP_UNITS; i++) {
                struct tcp_unit *t = &s->facts->tcp[i];

                r = find_tcp_unit(s, distro_tcp_units[i], t);
                t->recorded = closed & (1u << i);
                t->ours = t->masked && t->recorded;
        }
        return r < 0 ? r : survey_enabled(s, m);
}

/* An image has few; a line of nine bytes costs two hundred of memory, and a look at a home. */
#define IMAGE_USERS_MAX 200000

static bool has_too_many(const struct rootfs *root, const char *text, size_t len)
{
        const char *end = text + len;
        size_t n = 0;

        for (struct word line; root->image && n <= IMAGE_USERS_MAX && line_next(&text, end, &line);)
                n++;
        return n > IMAGE_USERS_MAX;
}

int survey_users(const struct rootfs *root, struct users *ret, struct error *error)
{
        AUTO_FREE char *text = NULL;
        size_t len = 0;
        int r = rootfs_read(root, "/etc/passwd", ROOTFS_FILE_MAX, &text, &len, NULL);

        if (r == -EBADF)
                return error_say(error, r, "%s/etc/passwd is not a regular file", root->path);
        if (r == -ENOENT)
                r = 0;
        if (r == 0 && has_too_many(root, text, len))
                return error_say(error, -E2BIG,
                                 "%s/etc/passwd has more users than can be looked at", root->path);
        if (r == 0)
                r = users_parse(text, len, ret);
        return r < 0 ? error_set(error, r, "cannot read %s/etc/passwd", root->path) : 0;
}

/* Where our lines are in the main file there is no telling by the name of a file. */
static int find_stale(struct survey *s)
{
        int r = survey_exists(s, PATH_SSHD_DROPIN);

        return r < 0 ? r : survey_tcp(s->facts, r > 0 || !s->facts->dropins);
}

static int find_live(const struct rootfs *root, struct systemd *m, struct facts *f,
                     struct error *error)
{
        AUTO_FREE char *virt = NULL;
        int r = systemd_property(m, "Virtualization", &virt, error);

        if (r < 0)
                return r;
        survey_machine(root, virt, &f->machine);
        f->virt = host_transport_virt(&f->machine);
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                struct unit_state s;

                /* Debian's sshd.service is a mere alias: asked for, it would answer as ssh.service
                 */
                if (!facts_has_unit(&f->tcp[i]))
                        continue;
                r = systemd_unit(m, distro_tcp_units[i], &s, error);
                if (r < 0)
                        return r;
                f->tcp[i].active = s.active;
                f->tcp[i].failed = s.failed;
                /* systemd 252 says so of whatever is masked and has a drop-in */
                f->tcp[i].needs_reload =
                        s.needs_reload && !(s.masked && (f->tcp[i].masked || f->tcp[i].barred));
                f->tcp[i].changed = s.changed;
                f->tcp[i].main_pid = s.main_pid;
                f->tcp[i].dropin = s.dropin;
                (void)snprintf(f->tcp[i].listen, sizeof(f->tcp[i].listen), "%s", s.listen);
        }
        f->now = clock_realtime();
        return survey_live_rivals(m, f, error);
}

/* What the vsock listener does without: its opening does not wait for a disk to be repaired. */
static int tolerate(struct survey *s, int r, bool *unread)
{
        s->begun = 0; /* nor for what takes too long */
        if (r >= 0 || r == -ENOMEM)
                return r;
        *unread = true;
        /* whether there are host keys is for root to see, and not taken for a no */
        s->facts->n_host_keys += s->facts->anybody;
        if (!s->facts->unread[0])
                (void)snprintf(s->facts->unread, sizeof(s->facts->unread), "%s", s->error->text);
        *s->error = (struct error){ 0 };
        return 0;
}

int survey_facts(const struct rootfs *root, struct systemd *m, const char *program,
                 struct facts *ret, struct error *error)
{
        struct facts f = { .live = !root->image, .anybody = !root->image && geteuid() != 0 };
        struct survey s = { .root = root, .facts = &f, .error = error };
        int r;

        r = tolerate(&s, survey_users(root, &f.users, error), &f.users_unread);
        if (r == 0)
                r = find_programs(&s, program);
        if (r == 0)
                r = find_version(&s);
        if (r == 0)
                r = find_modules(&s);
        if (r == 0)
                r = tolerate(&s, survey_sshd(&s), &f.sshd_unread);
        if (r == 0 && !f.sshd_unread)
                r = tolerate(&s, survey_left(&s), &f.sshd_unread);
        if (r == 0)
                r = find_credential(&s);
        if (r == 0)
                r = find_tcp_units(&s, m);
        if (r == 0)
                r = survey_rivals(&s);
        if (r == 0)
                r = survey_covered(&s);
        if (r == 0 && m)
                r = find_live(root, m, &f, error);
        if (r == 0 && m)
                r = tolerate(&s, find_stale(&s), &f.sshd_unread);
        if (r < 0) {
                facts_free(&f);
                return error_set(error, r, "cannot survey %s",
                                 root->path[0] ? root->path : "the system");
        }
        *ret = f;
        return 0;
}
