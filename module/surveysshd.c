/* SPDX-License-Identifier: MIT
 *
 * surveysshd.c: see surveysshd.h. Follows Include as sshd does: from the main file, relative to
 * /etc/ssh, at most 16 levels deep (servconf.c, SERVCONF_MAX_DEPTH).
 */
#include "surveysshd.h"

#include "sshdconf.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 16
#define FILES_MAX 256

static int read_files(struct survey *s, const char *path, unsigned depth);

static int find_environments(const struct survey *s)
{
        for (size_t i = 0; i < N_SSHD_ENVIRONMENTS; i++) {
                AUTO_FREE char *text = NULL;
                size_t len;
                int r = survey_read(s, layout_environments[i].file, &text, &len);

                if (r < 0)
                        return r;
                if (r > 0 && strstr(text, layout_environments[i].must_contain))
                        s->facts->environments |= 1u << i;
        }
        return 0;
}

static int note_host_key(int dir, const char *name, void *userdata)
{
        struct facts *f = ((struct survey *)userdata)->facts;
        struct stat st;

        if (fnmatch("ssh_host_*_key", name, 0) == 0 &&
            fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0)
                f->n_host_keys++;
        return 0;
}

struct match {
        const char *pattern;
        char **names;
        size_t n;
};

static int note_name(int dir, const char *name, void *userdata)
{
        struct match *m = userdata;
        char **more;

        (void)dir;
        if (m->n == FILES_MAX || fnmatch(m->pattern, name, FNM_PERIOD) != 0)
                return 0;
        more = reallocarray(m->names, m->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        m->names = more;
        m->names[m->n] = strdup(name);
        return m->names[m->n] ? (m->n++, 0) : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static void match_free(struct match *m)
{
        for (size_t i = 0; i < m->n; i++)
                free(m->names[i]);
        free(m->names);
}

/* A pattern's files, in glob(3)'s order. Wildcards count in the last component only: nobody has
 * them elsewhere, and a stray that hides there is found in sshd's effective configuration. */
static int read_pattern(struct survey *s, const char *pattern, unsigned depth)
{
        AUTO(match_free) struct match m = { 0 };
        AUTO_FREE char *full = NULL;
        char *slash;
        int r;

        if (asprintf(&full, "%s%s", pattern[0] == '/' ? "" : "/etc/ssh/", pattern) < 0) {
                full = NULL;
                return -ENOMEM;
        }
        slash = strrchr(full, '/');
        *slash = '\0';
        m.pattern = slash + 1;
        r = survey_list(s, full[0] ? full : "/", note_name, &m);
        if (m.n > 1)
                qsort(m.names, m.n, sizeof(*m.names), by_name);
        for (size_t i = 0; r == 0 && i < m.n; i++) {
                AUTO_FREE char *path = NULL;

                if (asprintf(&path, "%s/%s", full, m.names[i]) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = read_files(s, path, depth + 1);
        }
        return r;
}

static bool known(const struct facts *f, const char *path)
{
        for (size_t i = 0; i < f->n_sshd_files; i++)
                if (strcmp(f->sshd_files[i], path) == 0)
                        return true;
        return false;
}

static int remember(struct facts *f, const char *path)
{
        char **more = reallocarray(f->sshd_files, f->n_sshd_files + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        f->sshd_files = more;
        more[f->n_sshd_files] = strdup(path);
        return more[f->n_sshd_files] ? (f->n_sshd_files++, 0) : -ENOMEM;
}

static void remember_port(struct facts *f, const char *argument)
{
        unsigned long port = strtoul(argument, NULL, 10);

        if (port > 0 && port <= UINT16_MAX && f->n_sshd_ports < ELEMENTSOF(f->sshd_ports))
                f->sshd_ports[f->n_sshd_ports++] = (uint16_t)port;
}

/* The first one counts (servconf.c), and holds for all of the file, in whichever Match it stands.
 */
static void remember_family(struct facts *f, const char *argument)
{
        if (!f->has_family)
                f->address_family = strcasecmp(argument, "inet") == 0    ? 4
                                    : strcasecmp(argument, "inet6") == 0 ? 6
                                                                         : 0;
        f->has_family = true;
}

static int read_items(struct survey *s, const struct sshdconf *c, unsigned depth)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < c->n; i++) {
                const struct sshdconf_item *item = &c->items[i];

                if (item->kind == SSHDCONF_INCLUDE && !item->in_match)
                        r = read_pattern(s, item->argument, depth);
                else if (item->kind == SSHDCONF_PORT)
                        remember_port(s->facts, item->argument);
                else if (item->kind == SSHDCONF_ADDRESS_FAMILY)
                        remember_family(s->facts, item->argument);
        }
        return r;
}

static int read_files(struct survey *s, const char *path, unsigned depth)
{
        struct facts *f = s->facts;
        AUTO(sshdconf_free) struct sshdconf c = { 0 };
        AUTO_FREE char *text = NULL;
        size_t len;
        int r;

        if (depth > DEPTH_MAX || f->n_sshd_files == FILES_MAX || known(f, path) ||
            strcmp(path, PATH_SSHD_DROPIN) == 0)
                return 0;
        r = survey_read(s, path, &text, &len);
        if (r <= 0)
                return r; /* on what is no file sshd will have its own word */
        r = remember(f, path);
        if (r == 0)
                r = sshdconf_scan(text, len, &c);
        if (r == 0 && depth == 0)
                f->dropins = sshdconf_includes(&c, PATH_SSHD_DROPIN);
        return r == 0 ? read_items(s, &c, depth) : r;
}

int survey_sshd(struct survey *s)
{
        int r = find_environments(s);

        if (r == 0)
                r = survey_list(s, "/etc/ssh", note_host_key, NULL);
        if (r == 0)
                r = survey_exists(s, PATH_SSHD_CONFIG);
        if (r < 0)
                return r;
        s->facts->sshd_config = r > 0;
        /* openSUSE's vendor file counts only where /etc has none */
        return read_files(s, r > 0 ? PATH_SSHD_CONFIG : PATH_SSHD_CONFIG_VENDOR, 0);
}
