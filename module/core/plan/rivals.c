/* SPDX-License-Identifier: MIT
 *
 * rivals.c: see rivals.h. A unit that does what ours does is masked, mkosi's Ssh= among them; one
 * that has a stream on vsock beside others keeps all others. What was decided once holds until
 * `remove`, whatever the port is by then: files and masks tell.
 */
#include "core/plan/rivals.h"

#include "core/format/unit-file.h"
#include "core/format/unit-streams.h"
#include "core/plan/facts.h"
#include "core/plan/takeover.h"

#include <errno.h>
#include <string.h>

struct count {
        unsigned port;
        unsigned wanted; /* streams on our port */
        unsigned vsock;  /* streams on any */
        unsigned others;
        bool accepts;
        bool adds; /* settings that are none of ListenStream= */
};

static void count_setting(struct count *c, const struct unit_setting *s)
{
        const bool stream = unit_setting_is(s, "Socket", "ListenStream");

        c->adds = c->adds || !stream;
        if (unit_setting_is(s, "Socket", "Accept"))
                c->accepts = takeover_is_yes(s->value);
        if (strcmp(s->section, "Socket") != 0 || !unit_setting_listens(s->key))
                return;
        if (!s->value[0])
                c->wanted = c->vsock = c->others = 0;
        else if (!stream || strncmp(s->value, "vsock", 5) != 0)
                c->others++;
        else
                c->vsock++;
        if (stream && unit_stream_is_vsock(s->value, c->port))
                c->wanted++;
}

static int count(const char *text, size_t len, unsigned port, struct count *ret)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };

        *ret = (struct count){ .port = port };
        for (struct unit_setting s; unit_file_next(&file, &s);)
                count_setting(ret, &s);
        return file.error;
}

/* ---- taking a stream out -----------------------------------------------------------------------
 */

/* What is kept of the file; whether anything is not. */
static int strip(const char *text, size_t len, unsigned port, struct buf *out)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        AUTO_BUF section = BUF_INIT;
        bool gone = false;

        for (struct unit_setting s; unit_file_next(&file, &s);) {
                if (unit_setting_is(&s, "Socket", "ListenStream") &&
                    unit_stream_is_vsock(s.value, port)) {
                        gone = true;
                        continue;
                }
                if (strcmp(buf_str(&section), s.section) != 0) {
                        buf_free(&section);
                        buf_adds(&section, s.section);
                        buf_addf(out, "\n[%s]\n", s.section);
                }
                buf_addf(out, "%s%s%s\n", s.key, s.key[0] ? "=" : "", s.value);
        }
        if (file.error < 0 || section.error < 0)
                return -ENOMEM;
        return out->error < 0 ? out->error : gone;
}

int rival_strip(const struct rival_file *file, unsigned port, struct buf *out)
{
        if (!file->text)
                return 0;
        buf_adds(out,
                 FILE_MARKER "\n"
                             "# Without its vsock stream, which " UNIT_SOCKET " has now: "
                             "\"sshd-vsock remove\" puts back\n# what is kept beside, with "
                             "the ending " SAVED_SUFFIX ". What is added here is lost then.\n");
        return strip(file->text, file->len, port, out);
}

/* ---- deciding ----------------------------------------------------------------------------------
 */

static bool has_saved(const struct rival *r)
{
        for (size_t i = 0; i < r->n_files; i++)
                if (r->files[i].saved)
                        return true;
        return false;
}

/* Whether the files of /etc are all that has such a stream: in /run and in /usr they are somebody
 * else's, and the last that has one is in the way. */
static int is_in_files(const struct rival *r, const struct count *c, bool *ret, bool *ret_adds,
                       const char **ret_obstacle)
{
        unsigned found = 0;

        *ret_adds = false;

        for (size_t i = 0; i < r->n_files; i++) {
                struct count one;
                int rc = count(r->files[i].text ? r->files[i].text : "", r->files[i].len, c->port,
                               &one);

                if (rc < 0)
                        return rc;
                if (r->files[i].foreign) {
                        *ret_obstacle = one.wanted > 0 ? r->files[i].path : *ret_obstacle;
                        continue;
                }
                found += one.wanted;
                *ret_adds = *ret_adds || one.adds;
        }
        *ret = found >= c->wanted;
        return 0;
}

/* Masked by us: for its stream, or as one more unit of sshd's where TCP was closed; then whoever
 * opens TCP unmasks it. */
static bool stays_whole(const struct rival *r, const struct count *c)
{
        if (!r->recorded || c->vsock == 0 || c->others > 0)
                return false;
        if (c->port == 0)
                return true;
        return r->masked && (c->wanted > 0 || r->own || !distro_is_tcp_unit(r->name));
}

/* sshd's own socket unit, which drop-ins have turned from TCP to vsock: its service does what ours
 * does; and does not listen on TCP by itself from then on, for nothing starts it. */
static int is_turned(const struct facts *f, const struct rival *r, const struct count *c)
{
        const char *obstacle = NULL;
        bool files, adds;
        int rc = is_in_files(r, c, &files, &adds, &obstacle);

        if (rc < 0 || !files || adds || r->own || !distro_is_tcp_unit(r->name))
                return rc;
        return distro_is_tcp_unit(r->service) && !f->tcp[distro_tcp_unit(r->service)].enabled;
}

static int compare(const struct facts *f, struct rival *r, const struct count *c)
{
        AUTO_BUF socket = BUF_INIT, instance = BUF_INIT;
        const unsigned port = c->port;
        int rc = is_turned(f, r, c);

        if (rc != 0)
                return rc < 0 ? rc : 0;
        rc = takeover_is_alike(TAKEOVER_SOCKET, buf_str(&r->text), r->text.len, port, &socket);

        if (rc < 0)
                return rc;
        rc = takeover_is_alike(TAKEOVER_TEMPLATE, buf_str(&r->instance), r->instance.len, port,
                               &instance);
        if (rc < 0)
                return rc;
        buf_addf(&r->different, "%s%s%s", buf_str(&socket), socket.len && instance.len ? ", " : "",
                 buf_str(&instance));
        return r->different.error;
}

/* One that does something else, and is not in the way now, is left as it is. */
static bool is_left(const struct facts *f, const struct rival *r, const struct rivals_wish *wish)
{
        return r->different.len > 0 && !wish->takeover && f->live && (wish->served || !r->active);
}

/* A stream beside others is served by a template, or not at all: sshd -D passes over a descriptor
 * whose address it has no name for (Debian 12 and 13, whose sshd takes descriptors from systemd).
 * Once ours has the port, nothing is let in that was not before. */
static int decide_stream(struct rival *r, const struct count *c, const struct rivals_wish *wish)
{
        const bool taken = r->kind == RIVAL_STREAM || wish->served || wish->takeover;
        const char *obstacle = NULL;
        bool files, adds;
        int rc = is_in_files(r, c, &files, &adds, &obstacle);

        /* at a boot either may have the port, and without it this one has none of its others */
        if (rc == 0 && !files && r->enabled)
                r->obstacle = obstacle;
        if (rc < 0 || !files)
                return rc;
        r->kind = RIVAL_STREAM;
        if (c->accepts && !taken)
                rc = takeover_is_alike(TAKEOVER_TEMPLATE, buf_str(&r->instance), r->instance.len,
                                       c->port, &r->different);
        return rc < 0 ? rc : 0;
}

static int decide(const struct facts *f, struct rival *r, const struct rivals_wish *wish)
{
        struct count c;
        bool files, adds, masked = r->masked && !r->recorded; /* by somebody else */
        int rc = count(buf_str(&r->text), r->text.len, wish->port, &c);

        if (rc < 0)
                return rc;
        r->accepts = c.accepts;
        r->serves = r->serves && !c.accepts;
        if (stays_whole(r, &c)) {
                r->kind = RIVAL_WHOLE;
                return 0;
        }
        if (has_saved(r))
                r->kind = RIVAL_STREAM;
        if (wish->port == 0 || c.wanted == 0 || f->generated_listener || masked ||
            (!r->enabled && !r->active))
                return 0;
        if (c.others > 0 || c.vsock > c.wanted)
                return decide_stream(r, &c, wish);
        if (!r->enabled || (r->linked && distro_is_tcp_unit(r->name)))
                return 0;
        if (r->linked) /* no mask of ours takes its place */
                return is_in_files(r, &c, &files, &adds, &r->obstacle);
        rc = compare(f, r, &c);
        r->kind = rc < 0 || is_left(f, r, wish) ? r->kind : RIVAL_WHOLE;
        if (wish->takeover || r->kind != RIVAL_WHOLE)
                buf_free(&r->different);
        return rc;
}

int rivals_decide(struct facts *f, const struct rivals_wish *wish)
{
        for (size_t i = 0; i < f->n_rivals; i++) {
                struct rival *r = &f->rivals[i];
                int rc = decide(f, r, wish);

                if (rc < 0)
                        return rc;
        }
        return 0;
}

const struct rival *rival_find(const struct facts *f, const char *unit)
{
        for (size_t i = 0; i < f->n_rivals; i++)
                if (strcmp(f->rivals[i].name, unit) == 0)
                        return &f->rivals[i];
        return NULL;
}

bool rivals_fail(const struct facts *f, const char *unit)
{
        const struct rival *r = rival_find(f, unit);

        return r && r->kind == RIVAL_STREAM && r->failed;
}

bool rivals_mask(const struct facts *f, const char *unit)
{
        const struct rival *r = rival_find(f, unit);

        return r && r->kind == RIVAL_WHOLE;
}

void rival_free(struct rival *r)
{
        for (size_t i = 0; i < r->n_files; i++) {
                free(r->files[i].path);
                free(r->files[i].text);
        }
        free(r->files);
        free(r->name);
        free(r->service);
        buf_free(&r->text);
        buf_free(&r->instance);
        buf_free(&r->different);
        *r = (struct rival){ 0 };
}
