/* SPDX-License-Identifier: MIT
 *
 * other-access-image.c: the part of other-access.h that is about an image: what its boot starts, as
 * far as targets, links and files tell. Reads; runs nothing of it.
 */
#include "cli/other-access-parts.h"

#include "cli/handover.h"
#include "core/format/exec-start.h"
#include "core/format/proc-text.h"
#include "core/format/unit-file.h"
#include "core/util/words.h"
#include "host/survey-sshd.h"
#include "host/survey-streams.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define TARGETS_MAX 64
#define MASKED_MAX  4096

struct boot {
        struct run *r;
        struct survey survey; /* one for all, whose time ends */
        struct argv targets;  /* reached */
        struct argv masked;   /* "X.wants/Y" */
        bool started[N_TCP_UNITS];
        int error;
};

static void reach(struct boot *b, const char *name)
{
        if (distro_is_tcp_unit(name))
                b->started[distro_tcp_unit(name)] = true;
        if (fnmatch("?*.target", name, 0) == 0 && b->error == 0)
                b->error = argv_add_once(&b->targets, name, TARGETS_MAX);
}

struct links {
        struct boot *b;
        const char *directory, *name; /* "X.wants" */
};

/* A mask takes away a link of the same name that is in a directory behind it (load-dropin.c,
 * process_deps()). */
static int reach_link(const char *name, void *userdata)
{
        const struct links *l = userdata;
        char path[640];
        const char *link;
        int r;

        if (!distro_is_tcp_unit(name) && !text_ends(name, ".target"))
                return 0;
        (void)snprintf(path, sizeof(path), "%.128s/%.256s/%.240s", l->directory, l->name, name);
        link = path + strlen(l->directory) + 1;
        if (argv_has(&l->b->masked, link))
                return 0;
        r = survey_is_masked_want(&l->b->survey, path);
        if (r > 0)
                return argv_add_once(&l->b->masked, link, MASKED_MAX);
        reach(l->b, name);
        return r;
}

/* Of "Wants=a.target b.service" and its kin. */
static int reach_wanted(struct boot *b, const char *text, size_t len)
{
        static const char keys[] = "Wants Requires BindsTo Upholds";
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        char name[256];

        for (struct unit_setting s; unit_file_next(&file, &s);) {
                if (strcmp(s.section, "Unit") != 0 || !word_is_in(keys, s.key, strlen(s.key)))
                        continue;
                for (size_t n; *(s.value += strspn(s.value, " \t")); s.value += n) {
                        n = strcspn(s.value, " \t");
                        (void)snprintf(name, sizeof(name), "%.*s", (int)n, s.value);
                        reach(b, name);
                }
        }
        return file.error;
}

static void note_error(struct boot *b, int r, const char *path)
{
        if (r < 0 && b->error == 0)
                b->error = error_set(&b->r->error, r, "cannot look at %s%s", b->r->root.path, path);
}

static int look_at_unit(struct boot *b, const char *path, bool *ret_found)
{
        AUTO_FREE char *text = NULL;
        struct observed o = { 0 };
        size_t len = 0;
        int r = survey_look_at_link(&b->survey, path, &o);

        if (r == 0 && o.type == OBSERVED_LINK) {
                reach(b, basename(o.data));
                *ret_found = true;
        } else if (r == 0) {
                r = survey_read_small(&b->survey, path, &text, &len);
                *ret_found = r > 0;
                r = r > 0 ? reach_wanted(b, text, len) : r;
        }
        observed_free(&o);
        return r;
}

static void look_at_target_in(struct boot *b, const char *directory, const char *name, bool *found)
{
        static const char *const ends[] = { "wants", "requires" };
        char path[512];

        (void)snprintf(path, sizeof(path), "%.128s/%.256s", directory, name);
        if (!*found)
                note_error(b, look_at_unit(b, path, found), path);
        for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
                struct links l = { b, directory, path + strlen(directory) + 1 };

                (void)snprintf(path, sizeof(path), "%.128s/%.256s.%s", directory, name, ends[i]);
                note_error(b, survey_list(&b->survey, path, reach_link, &l), path);
        }
}

/* What systemd's own targets want, where the tree has no file for one; and what every service wants
 * by default (DefaultDependencies=), whichever target it is in. */
static void reach_usual(struct boot *b, const char *name, bool found)
{
        static const struct {
                const char *target, *wants;
                bool always;
        } table[] = {
                { "default.target", "graphical.target", false },
                { "graphical.target", "multi-user.target", false },
                { "multi-user.target", "basic.target", true },
                { "basic.target", "sysinit.target", true },
                { "basic.target", "sockets.target", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strcmp(table[i].target, name) == 0 && (!found || table[i].always))
                        reach(b, table[i].wants);
}

static void look_at_target(struct boot *b, const char *name)
{
        bool found = false;

        look_at_target_in(b, SYSTEM_UNIT_DIR, name, &found);
        for (size_t i = 0; distro_vendor_units[i]; i++)
                look_at_target_in(b, distro_vendor_units[i], name, &found);
        reach_usual(b, name, found);
}

/* Addresses of sshd's command, and of its files, add up; with none at all it listens everywhere. */
static bool lines_lead_in(struct run *r, const struct sshd_settings *s)
{
        bool any = s->listen.n > 0;

        if (any && !other_access_options_confine(s))
                return true;
        for (size_t i = 0; !s->config && i < r->facts.sshd_files.n; i++) {
                AUTO_BUF edit = BUF_INIT;

                if (other_access_lines(r, r->facts.sshd_files.list[i], &edit, &any))
                        return true;
        }
        return !any;
}

/* One behind a socket listens where that does, whatever its own lines say. 1, 0 or −errno. */
static int command_leads_in(struct run *r, const char *unit)
{
        AUTO(sshd_settings_free) struct sshd_settings s = { 0 };
        char behind[256];
        int rc;

        if (distro_service_of(unit)) {
                rc = other_access_socket(r, unit, behind, sizeof(behind), &r->error);
                return rc > 0 ? other_access_command(r, behind, &s, &r->error) : rc;
        }
        rc = other_access_command(r, unit, &s, &r->error);
        return rc > 0 ? lines_lead_in(r, &s) : rc;
}

/* A file behind the name, and no mask but ours, which goes. An enablement link alone is none, nor
 * is the vendor's file where a link that leads nowhere stands before it. */
static bool is_there(const struct run *r, size_t unit)
{
        const struct tcp_unit *t = &r->facts.tcp[unit];
        char path[128];

        (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s", distro_tcp_units[unit]);
        if (t->masked || rootfs_exists(&r->root, path) <= 0)
                return t->vendor && (!t->masked || t->ours);
        return rootfs_is_file(&r->root, path, false) > 0;
}

static int leads_in(struct run *r, size_t unit)
{
        AUTO(argv_free) struct argv bars = { 0 };
        int rc;

        if (!r->facts.sshd || !is_there(r, unit))
                return 0;
        rc = other_access_is_barred(r, distro_tcp_units[unit], &bars, &r->error);
        return rc == 0 ? command_leads_in(r, distro_tcp_units[unit]) : rc < 0 ? rc : 0;
}

int other_access_will_open(struct run *r, bool *ret)
{
        struct boot b = { .r = r,
                          .survey = { .root = &r->root, .facts = &r->facts, .error = &r->error } };

        *ret = false;
        reach(&b, "default.target");
        for (size_t i = 0; i < b.targets.n; i++)
                look_at_target(&b, b.targets.list[i]);
        for (size_t i = 0; i < N_TCP_UNITS && b.error == 0; i++) {
                int rc = b.started[i] ? leads_in(r, i) : 0;

                *ret = *ret || rc > 0;
                b.error = rc < 0 ? rc : 0;
        }
        argv_free(&b.targets);
        argv_free(&b.masked);
        *ret = *ret || other_access_gives_socket_back(r) || handover_gives_back(r);
        return b.error < 0 ? error_set(&r->error, b.error, "cannot see what %s starts at its boot",
                                       run_root_name(r))
                           : 0;
}
