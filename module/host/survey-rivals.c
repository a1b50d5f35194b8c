/* SPDX-License-Identifier: MIT
 *
 * survey-rivals.c: see survey-rivals.h. Looks at sshd's own socket units, at those that are
 * enabled, at those that we masked, and at what others have ours listen on: what only runs for now,
 * or is made anew at each boot, is found by whoever connects (diagnose.c).
 */
#include "host/survey-rivals.h"

#include "core/util/words.h"
#include "host/survey-streams.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct reader {
        struct survey *s;
        struct rival *rival;
        struct unit_streams *streams; /* of a TCP unit; else NULL */
        bool vsock;                   /* it is named anywhere, or something was saved */
};

static int add_file(struct rival *r, const char *path, const char *text, size_t len, bool saved,
                    bool foreign)
{
        struct rival_file *files = reallocarray(r->files, r->n_files + 1, sizeof(*files));
        struct rival_file *file;

        if (!files)
                return -ENOMEM;
        r->files = files;
        file = &files[r->n_files++];
        *file = (struct rival_file){
                .path = strdup(path), .len = len, .saved = saved, .foreign = foreign
        };
        if (text)
                file->text = malloc(len + 1); /* all of it: a file may hold NUL */
        if (file->text) {
                memcpy(file->text, text, len);
                file->text[len] = '\0';
        }
        return !file->path || (text && !file->text) ? -ENOMEM : 0;
}

/* 1 where a copy of the file is kept beside. */
static int is_saved(struct survey *s, const char *path)
{
        char copy[512];

        (void)snprintf(copy, sizeof(copy), "%s" SAVED_SUFFIX, path);
        return survey_is_file(s, copy, false);
}

static bool names_vsock(const char *text, size_t len)
{
        return memmem(text, len, "vsock", 5) != NULL;
}

static bool is_own(const char *path)
{
        return strncmp(path, SYSTEM_UNIT_DIR "/", strlen(SYSTEM_UNIT_DIR "/")) == 0;
}

/* A file of /etc that has to do with vsock, or is the unit itself. What is a link is not ours to
 * write. */
static int take_own(struct reader *r, const char *path, const char *text, size_t len)
{
        const bool fragment = strstr(path, ".d/") == NULL;
        struct observed o = { 0 };
        int rc = survey_look(r->s, path, &o), saved;
        bool file = o.type == OBSERVED_FILE;

        observed_free(&o);
        saved = rc < 0 ? rc : is_saved(r->s, path);
        if (saved < 0)
                return saved;
        r->rival->own = r->rival->own || fragment;
        r->rival->linked = r->rival->linked || (fragment && !file);
        r->vsock = r->vsock || saved > 0;
        if (file)
                return add_file(r->rival, path, text, len, saved > 0, false);
        return names_vsock(text, len) ? add_file(r->rival, path, text, len, false, true) : 0;
}

/* systemd reads each file on its own: no line or section of one goes on in the next, and a mark of
 * the byte order is at the beginning of any. */
static void add_text(struct buf *out, const char *text, size_t len)
{
        const size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

        buf_add(out, text + mark, len - mark);
        buf_adds(out, "\n\n[]\n");
}

/* A drop-in behind ours is added to it anyway. */
static int take_streams(struct reader *r, const char *path, const char *text, size_t len)
{
        AUTO(unit_streams_free) struct unit_streams late = { 0 };
        int rc;

        if (!strstr(path, ".d/") || strcmp(basename(path), SOCKET_DROPIN) <= 0)
                return unit_streams_read(r->streams, text, len);
        rc = unit_streams_read(&late, text, len);
        return rc == 0 && late.n_ports > 0 ? argv_adds(&r->s->facts->late_tcp, path) : rc;
}

/* As survey_unit_files() calls it. */
static int take_text(void *userdata, const char *path, const char *text, size_t len)
{
        struct reader *r = userdata;
        const bool vsock = names_vsock(text, len), fragment = strstr(path, ".d/") == NULL;
        int rc = 0;

        if (!strstr(path, "/socket.d/")) /* which holds for ours, too */
                add_text(&r->rival->text, text, len);
        r->vsock = r->vsock || vsock;
        if (text_ends(path, SAVED_SUFFIX)) /* what is read behind a mask of ours */
                r->rival->own = true;
        else if (is_own(path) && (fragment || vsock || distro_has_marker(text, len)))
                rc = take_own(r, path, text, len);
        else if (vsock && path[0])
                rc = add_file(r->rival, path, text, len, false, true);
        if (rc == 0 && r->streams)
                rc = take_streams(r, path, text, len);
        return rc < 0 ? rc : r->rival->text.error;
}

static int take_instance(void *userdata, const char *path, const char *text, size_t len)
{
        struct rival *r = userdata;

        if (!strstr(path, "/service.d/"))
                add_text(&r->instance, text, len);
        return r->instance.error;
}

static int name_it(struct rival *r, const char *name)
{
        const int n = (int)(strlen(name) - strlen(".socket"));

        r->name = strdup(name);
        if (asprintf(&r->service, "%.*s.service", n, name) < 0)
                r->service = NULL;
        return r->name && r->service ? 0 : -ENOMEM;
}

static int read_instance(struct survey *s, struct rival *r)
{
        const int n = (int)(strlen(r->name) - strlen(".socket"));
        AUTO_FREE char *template = NULL;

        if (asprintf(&template, "%.*s@.service", n, r->name) < 0) {
                template = NULL;
                return -ENOMEM;
        }
        return survey_unit_files(s, template, take_instance, r);
}

static int look_at_mask(struct survey *s, struct rival *r)
{
        char path[256];
        int rc;

        (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s", r->name);
        rc = survey_is_mask(s, path);
        r->masked = rc > 0;
        return rc < 0 ? rc : 0;
}

/* What is kept of one may have a few MiB, and each file is compared with all others. */
#define RIVALS_MAX 64
#define FILES_MAX  512

/* Keeps it, by name, where it has to do with vsock. */
static int keep(struct survey *s, struct rival *r)
{
        struct facts *f = s->facts;
        struct rival *list = reallocarray(f->rivals, f->n_rivals + 1, sizeof(*list));
        size_t to = f->n_rivals, files = r->n_files;

        if (!list)
                return -ENOMEM;
        f->rivals = list;
        for (size_t i = 0; i < to; i++)
                files += list[i].n_files;
        if (to >= RIVALS_MAX || files > FILES_MAX)
                return error_say(s->error, -E2BIG,
                                 "%s" SYSTEM_UNIT_DIR ": more socket units have to do with vsock "
                                 "than can be looked through",
                                 s->root->path);
        for (; to > 0 && strcmp(list[to - 1].name, r->name) > 0; to--)
                list[to] = list[to - 1];
        list[to] = *r;
        *r = (struct rival){ 0 };
        f->n_rivals++;
        return 0;
}

static int look_at(struct survey *s, const char *name, bool enabled, struct unit_streams *streams)
{
        struct facts *f = s->facts;
        AUTO(rival_free) struct rival v = { .enabled = enabled };
        struct reader r = { .s = s, .rival = &v, .streams = streams };
        int rc = name_it(&v, name);

        if (rc == 0)
                rc = survey_unit_files(s, name, take_text, &r);
        if (rc < 0 || !r.vsock)
                return rc;
        v.recorded = argv_has(&f->recorded, name);
        rc = look_at_mask(s, &v);
        if (rc == 0)
                rc = read_instance(s, &v);
        return rc == 0 ? keep(s, &v) : rc;
}

static bool is_known(const struct facts *f, const char *name)
{
        return rival_find(f, name) || distro_is_tcp_unit(name) || strcmp(name, UNIT_SOCKET) == 0;
}

struct own {
        struct unit_streams streams;
        struct argv *dropins; /* that name TCP ports, since the last that took all away */
};

static int take_own_tcp(void *userdata, const char *path, const char *text, size_t len)
{
        struct own *own = userdata;
        AUTO(unit_streams_free) struct unit_streams one = { 0 };
        int r = unit_streams_read(&own->streams, text, len);

        if (r == 0)
                r = unit_streams_read(&one, text, len);
        if (own->streams.n_ports == 0)
                argv_free(own->dropins);
        return r == 0 && one.n_ports > 0 && strstr(path, ".d/") ? argv_adds(own->dropins, path) : r;
}

/* What cannot be read is seen once it listens. */
static int look_at_own(struct survey *s)
{
        struct own own = { .dropins = &s->facts->own_tcp };
        int r = survey_unit_files(s, UNIT_SOCKET, take_own_tcp, &own);

        unit_streams_free(&own.streams);
        if (r == -ENOMEM)
                return r;
        *s->error = (struct error){ 0 };
        return 0;
}

/* One that is not sshd's may be on a disk that fails: then it is not ours to judge, and who
 * connects will see whether it has the port. One that we masked is: its record would be lost. */
static int look_at_other(struct survey *s, const char *name, bool enabled)
{
        int r = is_known(s->facts, name) ? 0 : look_at(s, name, enabled, NULL);

        if (r >= 0 || r == -ENOMEM || argv_has(&s->facts->recorded, name))
                return r;
        *s->error = (struct error){ 0 };
        return 0;
}

int survey_rivals(struct survey *s)
{
        struct facts *f = s->facts;
        int r = look_at_own(s);

        for (size_t k = 0; r == 0 && k < N_TCP_PAIRS; k++) {
                const size_t socket = distro_tcp_pairs[k].socket;
                struct tcp_unit *t = &f->tcp[socket];

                if (facts_has_unit(t) || t->recorded)
                        r = look_at(s, distro_tcp_units[socket], t->enabled, &t->streams);
        }
        for (size_t k = 0; r == 0 && k < f->sockets.n; k++)
                r = look_at_other(s, f->sockets.list[k], true);
        for (size_t k = 0; r == 0 && k < f->recorded.n; k++)
                r = look_at_other(s, f->recorded.list[k], false);
        return r;
}

int survey_live_rivals(struct systemd *m, struct facts *f, struct error *error)
{
        for (size_t i = 0; i < f->n_rivals; i++) {
                struct rival *v = &f->rivals[i];
                struct unit_state socket = { 0 }, service = { 0 };
                int r = systemd_unit(m, v->name, &socket, error);

                if (r == 0)
                        r = systemd_unit(m, v->service, &service, error);
                if (r < 0)
                        return r;
                v->active = socket.active;
                v->failed = socket.failed;
                v->needs_reload = socket.needs_reload && !(socket.masked && v->masked);
                v->serves = service.active;
        }
        return 0;
}
