/* SPDX-License-Identifier: MIT
 *
 * survey-streams.c: see survey-streams.h. Reads the files as systemd will at its next reload: the
 * unit's own, then its drop-ins by name, but for ours. systemd itself cannot be asked: once our
 * drop-in is in force, it knows no other addresses. What generators made is not read either, since
 * Ubuntu's makes it of sshd's configuration, ours included.
 */
#include "host/survey-streams.h"

#include "core/plan/sshd-listen.h"
#include "core/util/argv.h"
#include "core/util/ip-address.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* Where systemd looks (path-lookup.c), first wins. What is in /run an image does not keep. */
static const struct {
        const char *path;
        bool live;
} directories[] = {
        { "/etc/systemd/system.control", false },   { "/run/systemd/system.control", true },
        { "/run/systemd/transient", true },         { SYSTEM_UNIT_DIR, false },
        { "/etc/systemd/system.attached", false },  { "/run/systemd/system", true },
        { "/run/systemd/system.attached", true },   { NULL, false }, /* generators */
        { "/usr/local/lib/systemd/system", false }, { "/usr/lib/systemd/system", false },
        { "/lib/systemd/system", false },
};

/* Ubuntu's, which turns every ListenAddress and Port into addresses of ssh.socket
 * (sshd-socket-generator.c). */
#define GENERATOR        "sshd-socket-generator"
#define GENERATED        "addresses.conf"
#define GENERATED_SOCKET "ssh.socket"

/* What a unit may have: drop-ins, names that are looked at for them, bytes. */
#define DROPINS_MAX 256
#define NAMES_MAX   4096
#define BYTES_MAX   ((size_t)1 << 20)

struct scan {
        struct survey *s;
        const char *unit;
        const char *directory;
        struct argv names, paths; /* of drop-ins, at the same places; "" for the generated one */
        size_t looked, bytes;
        survey_text_fn each;
        void *userdata;
};

static void scan_free(struct scan *c)
{
        argv_free(&c->names);
        argv_free(&c->paths);
}

static int too_much(const struct scan *c)
{
        return error_say(c->s->error, -E2BIG,
                         "%s has more files, or more in them, than can be looked through%s%s",
                         c->unit, c->s->root->image ? ", in " : "", c->s->root->path);
}

static int note_dropin(const char *name, void *userdata)
{
        struct scan *c = userdata;
        AUTO_FREE char *path = NULL;
        int r;

        if (++c->looked > NAMES_MAX || c->names.n >= DROPINS_MAX)
                return too_much(c);
        if (fnmatch("*.conf", name, FNM_PERIOD) != 0 || strcmp(name, SOCKET_DROPIN) == 0 ||
            argv_has(&c->names, name))
                return 0;
        if (asprintf(&path, "%s/%s", c->directory, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = argv_adds(&c->names, name);
        return r < 0 ? r : argv_adds(&c->paths, path);
}

/* 1 when it will run. */
static int has_generator(struct survey *s)
{
        static const char *const places[] = {
                "/etc/systemd/system-generators/" GENERATOR,
                "/usr/local/lib/systemd/system-generators/" GENERATOR,
                "/usr/lib/systemd/system-generators/" GENERATOR,
                "/lib/systemd/system-generators/" GENERATOR,
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(places); i++) {
                r = survey_exists(s, places[i]);
                if (r > 0)
                        return survey_is_file(s, places[i], true);
        }
        return r;
}

static int note_generated(struct scan *c, const char *unit)
{
        int r = 0;

        if (strcmp(unit, GENERATED_SOCKET) == 0 &&
            (c->s->facts->n_sshd_ports > 0 || c->s->facts->sshd_listen.n > 0) &&
            !argv_has(&c->names, GENERATED))
                r = has_generator(c->s);
        if (r > 0)
                r = argv_adds(&c->names, GENERATED);
        return r < 0 || c->names.n == c->paths.n ? r : argv_adds(&c->paths, "");
}

static int find_dropins_of(struct scan *c, const char *unit, const char *name)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(directories); i++) {
                char directory[320];

                if (directories[i].live && !c->s->facts->live)
                        continue;
                if (!directories[i].path) {
                        r = strcmp(unit, name) == 0 ? note_generated(c, unit) : 0;
                        continue;
                }
                (void)snprintf(directory, sizeof(directory), "%s/%s.d", directories[i].path, name);
                c->directory = directory;
                r = survey_list(c->s, directory, note_dropin, c);
        }
        return r;
}

/* "ssh.service" of "sshd.service", and so on; false: of no other. */
static bool other_name(const char *unit, char *ret, size_t size)
{
        const bool d = strncmp(unit, "sshd", 4) == 0;
        const char *rest = unit + (d ? 4 : 3);

        if (strncmp(unit, "ssh", 3) != 0 || (*rest != '.' && *rest != '@'))
                return false;
        (void)snprintf(ret, size, "%s%s", d ? "ssh" : "sshd", rest);
        return true;
}

/* Those of an alias are the unit's, too: "systemctl edit sshd" on Debian makes sshd.service.d. */
static int find_dropins_of_alias(struct scan *c, const char *unit)
{
        char alias[256], path[320];
        bool found = false;
        int r = 0;

        if (!other_name(unit, alias, sizeof(alias)))
                return 0;
        for (size_t i = 0; r >= 0 && !found && i < ELEMENTSOF(directories); i++) {
                struct observed o = { 0 };

                if (!directories[i].path || (directories[i].live && !c->s->facts->live))
                        continue;
                (void)snprintf(path, sizeof(path), "%s/%s", directories[i].path, alias);
                r = survey_look_at_link(c->s, path, &o);
                found = o.type == OBSERVED_LINK && strcmp(basename(o.data), unit) == 0;
                observed_free(&o);
        }
        return found ? find_dropins_of(c, unit, alias) : r;
}

/* Those of the unit go before those of its name cut at each dash ("foo-bar.socket" has them in
 * "foo-.socket.d", too; dropin.c, unit_file_find_dirs()), and these before those of all of its
 * type, wherever they are. */
static int find_dropins(struct scan *c, const char *unit)
{
        const char *type = strrchr(unit, '.');
        char name[256];
        int r = find_dropins_of(c, unit, unit);

        if (r >= 0)
                r = find_dropins_of_alias(c, unit);
        for (size_t n = (size_t)(type - unit); r >= 0 && n-- > 1;) {
                if (unit[n] != '-' || unit[n + 1] == '.')
                        continue;
                (void)snprintf(name, sizeof(name), "%.*s%s", (int)n + 1, unit, type);
                r = find_dropins_of(c, unit, name);
        }
        if (r >= 0)
                r = find_dropins_of(c, unit, type + 1);
        return r < 0 ? r : 0;
}

/* 1 where it is there, and no mask. */
static int read_file(struct scan *c, const char *path)
{
        AUTO_FREE char *text = NULL;
        size_t len;
        int r = survey_read(c->s, path, &text, &len);

        if (r == -EACCES && c->s->facts->anybody) {
                *c->s->error = (struct error){ 0 }; /* for root to see */
                return 0;
        }
        if (r > 0)
                c->bytes += len;
        if (c->bytes > BYTES_MAX)
                return too_much(c);
        if (r > 0 && len == 0)
                return 0;
        if (r > 0) {
                r = c->each(c->userdata, path, text, len);
                if (r == 0)
                        r = 1;
        }
        return r;
}

/* An address with its port, or with each of sshd's where it has none. The generator writes what
 * sshd finds for a name; that is loopback's, as far as anybody can tell. */
static void add_generated(const struct facts *f, const char *argument, struct buf *text)
{
        char host[64], same[64];
        const char *open, *close;
        unsigned port = 0;

        listen_host(argument, host, sizeof(host));
        if (!ip_is_outside(host) && !strchr(host, ':'))
                (void)snprintf(host, sizeof(host), "127.0.0.1");
        open = strchr(host, ':') ? "[" : "";
        close = open[0] ? "]" : "";
        if (!open[0] || argument[0] == '[')
                (void)listen_split(argument, strlen(argument), same, sizeof(same), &port);
        for (size_t i = 0; port == 0 && i < f->n_sshd_ports; i++)
                buf_addf(text, "ListenStream=%s%s%s:%u\n", open, host, close, f->sshd_ports[i]);
        if (port != 0 || f->n_sshd_ports == 0)
                buf_addf(text, "ListenStream=%s%s%s:%u\n", open, host, close, port ? port : 22);
}

static int read_generated(const struct scan *c)
{
        const struct facts *f = c->s->facts;
        AUTO_BUF text = BUF_INIT;

        buf_adds(&text, "[Socket]\nListenStream=\n");
        for (size_t i = 0; i < f->sshd_listen.n; i++)
                add_generated(f, f->sshd_listen.list[i], &text);
        for (size_t i = 0; f->sshd_listen.n == 0 && i < f->n_sshd_ports; i++)
                buf_addf(&text, "ListenStream=%u\n", f->sshd_ports[i]);
        return text.error < 0 ? text.error : c->each(c->userdata, "", buf_str(&text), text.len);
}

/* The first file of the unit's name; a mask may be ours, or will be taken away before anything
 * listens: behind one of ours is what it took the place of. */
static int read_fragment(struct scan *c, const char *unit)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(directories); i++) {
                char path[256];

                if (!directories[i].path || (directories[i].live && !c->s->facts->live))
                        continue;
                (void)snprintf(path, sizeof(path), "%s/%s", directories[i].path, unit);
                r = read_file(c, path);
                if (r == 0 && strcmp(directories[i].path, SYSTEM_UNIT_DIR) == 0 &&
                    argv_has(&c->s->facts->recorded, unit)) {
                        (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s" SAVED_SUFFIX,
                                       unit);
                        r = read_file(c, path);
                }
        }
        return r < 0 ? r : 0;
}

/* The next by name after `last`; NULL: none. */
static const char *next_dropin(const struct scan *c, const char *last, const char **ret_path)
{
        const char *next = NULL;

        for (size_t i = 0; i < c->names.n; i++)
                if (strcmp(c->names.list[i], last) > 0 &&
                    (!next || strcmp(c->names.list[i], next) < 0)) {
                        next = c->names.list[i];
                        *ret_path = c->paths.list[i];
                }
        return next;
}

int survey_unit_files(struct survey *s, const char *unit, survey_text_fn each, void *userdata)
{
        AUTO(scan_free)
        struct scan c = { .s = s, .unit = unit, .each = each, .userdata = userdata };
        const char *path;
        int r = read_fragment(&c, unit);

        if (r == 0)
                r = find_dropins(&c, unit);
        for (const char *n = ""; r >= 0 && (n = next_dropin(&c, n, &path));)
                r = path[0] ? read_file(&c, path) : read_generated(&c);
        if (r == -E2BIG)
                return too_much(&c);
        return r < 0 ? r : 0;
}

/* What systemd's generator has made goes before the files of /usr. */
static int is_generated(struct survey *s, const char *unit)
{
        char path[256];

        (void)snprintf(path, sizeof(path), GENERATOR_DIRECTORY "/%s", unit);
        return s->facts->live ? survey_exists(s, path) : 0;
}

int survey_covered_file(struct survey *s, const char *unit, survey_text_fn each, void *userdata)
{
        struct scan c = { .s = s, .unit = unit, .each = each, .userdata = userdata };
        bool behind = false;
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(directories); i++) {
                char path[256];

                if (!directories[i].path) {
                        r = is_generated(s, unit);
                } else if (behind && (s->facts->live || !directories[i].live)) {
                        (void)snprintf(path, sizeof(path), "%s/%s", directories[i].path, unit);
                        r = read_file(&c, path);
                } else {
                        behind = behind || strcmp(directories[i].path, SYSTEM_UNIT_DIR) == 0;
                }
        }
        return r < 0 ? r : 0;
}
