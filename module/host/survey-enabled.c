/* SPDX-License-Identifier: MIT
 *
 * survey-enabled.c: see survey-enabled.h. The links of /etc tell, and the vendor's, which Flatcar
 * has in /usr; on a running system systemd knows those of its generators, too.
 */
#include "host/survey-enabled.h"

#include "host/survey-records.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define MASKED_MAX 4096

struct wants {
        struct survey *s;
        const char *directory; /* with units */
        struct argv masked;    /* "X.wants/Y" that are links to /dev/null */
};

struct links {
        struct wants *all;
        const char *name; /* "X.wants" */
};

/* Whether a link enables the socket unit of our name, and is none that we make. */
static int note_own_name(struct wants *w, const char *wants, const char *path)
{
        struct observed o = { 0 };
        int r = survey_look_at_link(w->s, path, &o);
        const bool ours = strcmp(w->directory, SYSTEM_UNIT_DIR) == 0 &&
                          strcmp(wants, "sockets.target.wants") == 0 &&
                          observed_enables(&o, SYSTEM_UNIT_DIR "/" UNIT_SOCKET);

        w->s->facts->covered_enabled = w->s->facts->covered_enabled || (r == 0 && !ours);
        observed_free(&o);
        return r;
}

/* Whether a boot is known to start it: one more link says nothing new. */
static bool is_known(const struct facts *f, const char *name)
{
        if (strcmp(name, UNIT_SOCKET) == 0)
                return f->covered_enabled;
        if (distro_is_tcp_unit(name))
                return f->tcp[distro_tcp_unit(name)].enabled;
        return f->sockets.n >= SOCKETS_MAX || argv_has(&f->sockets, name);
}

/* A link to /dev/null takes away one of the same name that is in a directory behind it
 * (load-dropin.c, process_deps()). */
static int note_enabled(const char *name, void *userdata)
{
        const struct links *l = userdata;
        struct wants *w = l->all;
        struct facts *f = w->s->facts;
        const bool named = strcmp(name, UNIT_SOCKET) == 0;
        const bool other = !named && survey_is_plain_socket(name) && !distro_is_tcp_unit(name);
        char path[640];
        const char *link;
        int r;

        if ((!other && !named && !distro_is_tcp_unit(name)) || is_known(f, name))
                return 0;
        (void)snprintf(path, sizeof(path), "%.128s/%.256s/%.240s", w->directory, l->name, name);
        link = path + strlen(w->directory) + 1;
        if (argv_has(&w->masked, link))
                return 0;
        r = survey_is_masked_want(w->s, path);
        if (r != 0)
                return r < 0 ? r : argv_add_once(&w->masked, link, MASKED_MAX);
        if (named)
                return note_own_name(w, l->name, path);
        if (other)
                return argv_add_once(&f->sockets, name, SOCKETS_MAX);
        f->tcp[distro_tcp_unit(name)].enabled = true;
        return 0;
}

static int look_in_wants(const char *name, void *userdata)
{
        struct wants *w = userdata;
        struct links l = { w, name };
        char path[512];

        if (fnmatch("*.wants", name, 0) != 0 && fnmatch("*.requires", name, 0) != 0)
                return 0;
        (void)snprintf(path, sizeof(path), "%.128s/%.256s", w->directory, name);
        return survey_list(w->s, path, note_enabled, &l);
}

int survey_enabled(struct survey *s, struct systemd *m)
{
        struct wants w = { .s = s, .directory = SYSTEM_UNIT_DIR };
        struct tcp_unit *tcp = s->facts->tcp;
        int r = survey_list(s, SYSTEM_UNIT_DIR, look_in_wants, &w);

        for (size_t i = 0; r == 0 && distro_vendor_units[i]; i++) {
                w.directory = distro_vendor_units[i];
                r = survey_list(s, w.directory, look_in_wants, &w);
        }
        argv_free(&w.masked);
        for (size_t i = 0; r == 0 && m && i < N_TCP_UNITS; i++)
                if (facts_has_unit(&tcp[i]) && !tcp[i].enabled)
                        tcp[i].enabled = systemd_boot_starts(m, distro_tcp_units[i], false);
        return r;
}
