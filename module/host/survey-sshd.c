/* SPDX-License-Identifier: MIT
 *
 * survey-sshd.c: see survey-sshd.h. Follows Include as sshd does: from the main file, relative to
 * /etc/ssh, at most 16 levels deep (servconf.c, SERVCONF_MAX_DEPTH). A file is what its
 * path without links says: `//`, `./` and links are other names of the same one.
 */
#include "host/survey-sshd.h"

#include "core/format/sshd-config.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 16
#define FILES_MAX 4096
/* Names looked at, each as often as the pattern has characters, and patterns followed. sshd has no
 * bound; what is beyond ours is said. */
#define WORK_MAX 2000000
/* A path that is looked up, in them: forty links of 4 KiB in it take the kernel a millisecond. */
#define LOOKUP 1000
/* Components that are being followed, of patterns in files that patterns led to: each is a frame of
 * the stack. */
#define NESTED_MAX 1024
/* Of all of them together, and they stay in memory; a file of holes costs an image nothing. */
#define BYTES_MAX ((size_t)32 << 20)

struct reader {
        struct survey *s;
        char *directory; /* of our drop-in, without any link in it; NULL: it is not there */
        char *dropin;    /* our drop-in, likewise */
        void *files;     /* those read, without links: search trees of strings */
        void *patterns;
        char *listed;      /* the directory that was listed last */
        struct argv names; /* … and what is in it, sorted */
        size_t work;
        size_t bytes;
        size_t nested;
};

static int read_file(struct reader *r, const char *path, unsigned depth);

static void reader_done(struct reader *r)
{
        free(r->directory);
        free(r->dropin);
        tdestroy(r->files, free);
        tdestroy(r->patterns, free);
        free(r->listed);
        argv_free(&r->names);
}

/* False when that is too much: the rest is left out, and the facts say so. */
static bool spend(struct reader *r, size_t work)
{
        r->work += work;
        if (r->work > WORK_MAX || r->bytes > BYTES_MAX || r->s->facts->sshd_files.n >= FILES_MAX)
                r->s->facts->sshd_beyond = true;
        return !r->s->facts->sshd_beyond;
}

static int by_text(const void *a, const void *b)
{
        return strcmp(a, b);
}

/* 1 when the text is new to the tree, 0 when not. */
static int note(void **tree, const char *text)
{
        char *copy = strdup(text);
        char *const *node = copy ? tsearch(copy, tree, by_text) : NULL;
        bool known = node && *node != copy;

        if (!node || known)
                free(copy);
        return node ? !known : -ENOMEM;
}

static int note_name(const char *name, void *userdata)
{
        return argv_adds(userdata, name);
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the directory that match, in glob(3)'s order; a directory is not listed twice in a
 * row. */
static int list_matches(struct reader *r, const char *directory, const char *pattern,
                        struct argv *ret)
{
        int rc = 0;

        if (!r->listed || strcmp(r->listed, directory) != 0) {
                if (!spend(r, LOOKUP))
                        return 0;
                free(r->listed);
                argv_free(&r->names);
                r->listed = strdup(directory);
                rc = r->listed ? survey_list(r->s, directory[0] ? directory : "/", note_name,
                                             &r->names)
                               : -ENOMEM;
                if (r->names.n > 1)
                        qsort(r->names.list, r->names.n, sizeof(*r->names.list), by_name);
        }
        if (!spend(r, (r->names.n + 1) * strlen(pattern)))
                return rc;
        for (size_t i = 0; rc == 0 && i < r->names.n; i++)
                if (fnmatch(pattern, r->names.list[i], FNM_PERIOD) == 0)
                        rc = argv_adds(ret, r->names.list[i]);
        return rc;
}

/* One component after the other, as glob(3): wildcards may be in any of them. */
static int expand(struct reader *r, const char *base, const char *rest, unsigned depth)
{
        AUTO(argv_free) struct argv m = { 0 };
        AUTO_FREE char *component = NULL;
        size_t n;
        int rc = 0;

        if (r->nested > NESTED_MAX)
                r->s->facts->sshd_beyond = true;
        rest += strspn(rest, "/");
        n = strcspn(rest, "/");
        component = strndup(rest, n);
        if (!component)
                return -ENOMEM;
        rest += n;
        if (strpbrk(component, "*?[\\"))
                rc = list_matches(r, base, component, &m);
        else if (spend(r, 1))
                rc = argv_adds(&m, component);
        for (size_t i = 0; rc == 0 && i < m.n && spend(r, 1); i++) {
                AUTO_FREE char *path = NULL;

                if (asprintf(&path, "%s/%s", base, m.list[i]) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r->nested++;
                rc = *rest ? expand(r, path, rest, depth) : read_file(r, path, depth);
                r->nested--;
        }
        return rc;
}

static char *full_pattern(const char *pattern)
{
        char *full = NULL;

        if (asprintf(&full, "%s%s", pattern[0] == '/' ? "" : "/etc/ssh/", pattern) < 0)
                return NULL;
        return full;
}

/* A longer one matches nothing: no path is as long. */
static int read_pattern(struct reader *r, const char *pattern, unsigned depth)
{
        AUTO_FREE char *full = full_pattern(pattern);
        int rc = full ? note(&r->patterns, full) : -ENOMEM;

        if (full && strlen(full) >= PATH_MAX) {
                r->s->facts->sshd_beyond = true;
                return 0;
        }
        return rc > 0 ? expand(r, "", full, depth) : rc;
}

/* 1 and the path without links; where that cannot be told, as it is. 0 when nothing is there. */
static int real_path(struct reader *r, const char *path, char **ret)
{
        int rc = rootfs_exists(r->s->root, path);

        if (rc >= 0)
                rc = rootfs_real_path(r->s->root, path, ret);
        if (rc == 0)
                return 1;
        if (rc == -ENOMEM)
                return rc;
        if (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP)
                return 0;
        *ret = strdup(path);
        return *ret ? 1 : -ENOMEM;
}

static void remember_port(struct facts *f, const char *argument)
{
        unsigned long port = strtoul(argument, NULL, 10);

        if (port > 0 && port <= UINT16_MAX && f->n_sshd_ports < ELEMENTSOF(f->sshd_ports))
                f->sshd_ports[f->n_sshd_ports++] = (uint16_t)port;
}

static int read_items(struct reader *r, const struct sshd_config *c, unsigned depth)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < c->n; i++) {
                const struct sshd_config_item *item = &c->items[i];

                if (item->kind == SSHD_CONFIG_INCLUDE && !item->in_match)
                        rc = read_pattern(r, item->argument, depth + 1);
                else if (item->kind == SSHD_CONFIG_PORT)
                        remember_port(r->s->facts, item->argument);
                else
                        rc = sshd_settings_item(item, &r->s->facts->sshd_settings);
        }
        return rc;
}

/* Whether the pattern's directory is the one of our drop-in, whatever it is called there, and its
 * last component fits. */
static int leads_to_dropin(struct reader *r, const char *pattern, bool *ret)
{
        AUTO_FREE char *full = full_pattern(pattern), *real = NULL;
        char *slash = full ? strrchr(full, '/') : NULL;
        int rc;

        if (!slash)
                return -ENOMEM;
        *slash = '\0';
        if (!r->directory || fnmatch(slash + 1, SSHD_DROPIN, FNM_PERIOD) != 0 || !spend(r, LOOKUP))
                return 0;
        rc = real_path(r, full[0] ? full : "/", &real);
        *ret = rc > 0 && strcmp(real, r->directory) == 0;
        return rc < 0 ? rc : 0;
}

static int find_dropins(struct reader *r, const struct sshd_config *c)
{
        bool found = sshd_config_includes(c, PATH_SSHD_DROPIN);
        int rc = 0;

        for (size_t i = 0; rc == 0 && !found && i < c->n; i++)
                if (c->items[i].kind == SSHD_CONFIG_INCLUDE && !c->items[i].in_match)
                        rc = leads_to_dropin(r, c->items[i].argument, &found);
        r->s->facts->dropins = found;
        return rc;
}

static bool listens(const struct sshd_config *c)
{
        for (size_t i = 0; i < c->n; i++)
                if (c->items[i].kind == SSHD_CONFIG_LISTEN_ADDRESS)
                        return true;
        return false;
}

/* The main file goes by its own name, all others by the one they have without links. What is not
 * below /etc is the vendor's, and counts only where it holds what would have to be edited. */
static int take(struct reader *r, const char *path, const char *real, const struct sshd_config *c,
                unsigned depth)
{
        bool below = strncmp(real, "/etc/", 5) == 0;

        if (!below && !listens(c))
                return 0;
        return argv_adds(&r->s->facts->sshd_files, depth > 0 && below ? real : path);
}

static int add_addresses(const struct sshd_config *c, struct argv *ret)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < c->n; i++)
                if (c->items[i].kind == SSHD_CONFIG_LISTEN_ADDRESS && !c->items[i].ours)
                        rc = argv_add_once(ret, c->items[i].argument, SSHD_LISTEN_MAX);
        return rc;
}

/* As they are without us. */
static int note_addresses(struct reader *r, const char *text, size_t len,
                          const struct sshd_config *c)
{
        AUTO(sshd_config_free) struct sshd_config without = { 0 };
        AUTO_BUF plain = BUF_INIT;
        int rc;

        if (!memmem(text, len, SSHD_CONFIG_STRAY, strlen(SSHD_CONFIG_STRAY)))
                return add_addresses(c, &r->s->facts->sshd_listen);
        sshd_config_uncomment(text, len, &plain);
        rc = plain.error < 0 ? plain.error : sshd_config_scan(buf_str(&plain), plain.len, &without);
        return rc == 0 ? add_addresses(&without, &r->s->facts->sshd_listen) : rc;
}

static int read_file(struct reader *r, const char *path, unsigned depth)
{
        AUTO(sshd_config_free) struct sshd_config c = { 0 };
        AUTO_FREE char *text = NULL, *real = NULL;
        struct stat st;
        size_t len;
        int rc;

        if (depth > DEPTH_MAX || !spend(r, LOOKUP))
                return 0;
        rc = real_path(r, path, &real);
        if (rc <= 0 || strcmp(path, PATH_SSHD_DROPIN) == 0 || strcmp(real, r->dropin) == 0)
                return rc < 0 ? rc : 0;
        rc = note(&r->files, real);
        if (rc > 0)
                rc = survey_read(r->s, path, &text, &len);
        if (rc == 0 && rootfs_stat(r->s->root, real, &st) == 0 &&
            (uint64_t)st.st_size > ROOTFS_FILE_MAX)
                r->s->facts->sshd_beyond = true;
        if (rc <= 0)
                return rc; /* on what is no file sshd will have its own word */
        r->bytes += len;
        if (!spend(r, 1))
                return 0;
        rc = sshd_config_scan(text, len, &c);
        if (rc == 0)
                rc = note_addresses(r, text, len, &c);
        if (rc == 0)
                rc = take(r, path, real, &c, depth);
        if (rc == 0 && depth == 0)
                rc = find_dropins(r, &c);
        return rc == 0 ? read_items(r, &c, depth) : rc;
}

/* Ours is known by where it is; the file itself need not be there yet. */
static int find_own(struct reader *r)
{
        int rc = real_path(r, SSHD_DROPIN_DIR, &r->directory);

        if (rc < 0)
                return rc;
        if (asprintf(&r->dropin, "%s/" SSHD_DROPIN, r->directory ? r->directory : SSHD_DROPIN_DIR) <
            0) {
                r->dropin = NULL;
                return -ENOMEM;
        }
        return 0;
}

int survey_sshd_files(struct survey *s, const char *path)
{
        AUTO(reader_done) struct reader reader = { .s = s };
        int r = find_own(&reader);

        return r == 0 ? read_file(&reader, path, 0) : r;
}

int survey_sshd(struct survey *s)
{
        int r = survey_sshd_options(s), there = survey_exists(s, PATH_SSHD_CONFIG);

        /* what cannot be looked at is not taken for absent, but where the vendor's would do */
        s->facts->sshd_config =
                there > 0 || (there < 0 && survey_exists(s, PATH_SSHD_CONFIG_VENDOR) <= 0);
        if (r < 0 || there < 0)
                return r < 0 ? r : there;
        /* openSUSE's vendor file counts only where /etc has none */
        r = survey_sshd_files(s, there > 0 ? PATH_SSHD_CONFIG : PATH_SSHD_CONFIG_VENDOR);
        return r == 0 ? survey_sshd_settings(s) : r;
}
