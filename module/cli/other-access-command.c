/* SPDX-License-Identifier: MIT
 *
 * other-access-command.c: the part of other-access.h that is about what a unit starts at a boot:
 * its command with its environment, as the files of the unit have them, and what a socket unit
 * starts. Reads; runs nothing of it.
 */
#include "cli/other-access-parts.h"

#include "core/format/exec-start.h"
#include "core/format/proc-text.h"
#include "core/format/unit-file.h"
#include "core/format/unit-streams.h"
#include "core/plan/takeover.h"
#include "host/survey-sshd.h"
#include "host/survey-streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct service {
        const struct rootfs *root;
        struct argv words;    /* of its last ExecStart= */
        struct argv assigned; /* by Environment= */
        struct argv read;     /* from its EnvironmentFile=s, which win over those */
};

static void service_free(struct service *c)
{
        argv_free(&c->words);
        argv_free(&c->assigned);
        argv_free(&c->read);
}

/* One that is not there assigns nothing: the command fails without it, unless "-" is before it. */
static int read_environment(struct service *c, const char *path)
{
        AUTO_FREE char *text = NULL;
        size_t len;

        path += path[0] == '-';
        if (path[0] != '/' || rootfs_read(c->root, path, ROOTFS_FILE_MAX, &text, &len, NULL) < 0)
                return 0;
        return environment_parse(text, len, &c->read);
}

/* With "@" the second word is what the program is to be called, and no argument. */
static int take_command(struct service *c, const char *value)
{
        const size_t n = strspn(value, "-:+!@");
        int r;

        argv_free(&c->words);
        r = command_split(value + n, &c->words);
        if (r < 0 || !memchr(value, '@', n) || c->words.n < 2)
                return r;
        free(c->words.list[1]);
        memmove(&c->words.list[1], &c->words.list[2],
                (--c->words.n - 1) * sizeof(c->words.list[0]));
        c->words.list[c->words.n] = NULL;
        return 0;
}

/* An empty one takes back those before it (systemd.exec(5), systemd.service(5)). */
static int take_setting(struct service *c, const char *key, const char *value)
{
        if (strcmp(key, "ExecStart") == 0)
                return take_command(c, value);
        if (strcmp(key, "Environment") == 0) {
                if (!value[0])
                        argv_free(&c->assigned);
                return command_split(value, &c->assigned);
        }
        if (strcmp(key, "EnvironmentFile") != 0)
                return 0;
        if (value[0])
                return read_environment(c, value);
        argv_free(&c->read);
        return 0;
}

/* As survey_unit_files() calls it. */
static int note_service(void *userdata, const char *path, const char *text, size_t len)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        int r = 0;

        (void)path;
        for (struct unit_setting s; r == 0 && unit_file_next(&file, &s);)
                if (strcmp(s.section, "Service") == 0)
                        r = take_setting(userdata, s.key, s.value);
        return r < 0 ? r : file.error;
}

/* What a file says goes before what the unit sets. */
static int expand(const struct service *c, struct argv *ret)
{
        AUTO(argv_free) struct argv env = { 0 };
        const struct argv *const sources[] = { &c->assigned, &c->read };
        int r = 0;

        for (size_t k = 0; k < ELEMENTSOF(sources); k++)
                for (size_t i = 0; r == 0 && i < sources[k]->n; i++)
                        r = argv_adds(&env, sources[k]->list[i]);
        return r == 0 ? command_expand(&c->words, &env, ret) : r;
}

/* A mask of ours goes. 1, 0 or −errno. */
static int is_masked(struct survey *s, const char *unit)
{
        char path[320];

        if (distro_is_tcp_unit(unit)) {
                const struct tcp_unit *t = &s->facts->tcp[distro_tcp_unit(unit)];

                return t->masked && !t->ours;
        }
        (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%.255s", unit);
        for (size_t i = 0; survey_exists(s, path) == 0 && distro_vendor_units[i]; i++)
                (void)snprintf(path, sizeof(path), "%s/%.255s", distro_vendor_units[i], unit);
        return survey_is_mask(s, path);
}

int other_access_words(const struct run *r, const char *service, bool now, struct argv *ret,
                       struct error *error)
{
        AUTO(service_free) struct service c = { .root = &r->root };
        struct facts f = r->facts; /* to be read */
        struct error unsaid = { 0 };
        struct survey s = { .root = &r->root, .facts = &f, .error = error ? error : &unsaid };
        int rc;

        f.live = f.live && now;
        rc = is_masked(&s, service);
        if (rc == 0)
                rc = survey_unit_files(&s, service, note_service, &c);
        if (rc != 0 || c.words.n == 0 || !program_is_sshd(c.words.list[0]))
                return rc < 0 ? rc : 0;
        rc = expand(&c, ret);
        return rc < 0 ? rc : 1;
}

int other_access_command(const struct run *r, const char *service, struct sshd_settings *ret,
                         struct error *error)
{
        AUTO(argv_free) struct argv words = { 0 };
        struct facts f = r->facts; /* to be read */
        struct error unsaid = { 0 };
        struct survey s = { .root = &r->root, .facts = &f, .error = error ? error : &unsaid };
        int rc = other_access_words(r, service, false, &words, error);

        if (rc <= 0)
                return rc;
        f.sshd_settings = (struct sshd_settings){ 0 };
        f.sshd_options = (struct argv){ .list = words.list + 1, .n = words.n - 1 };
        rc = survey_sshd_settings(&s);
        *ret = f.sshd_settings;
        return rc < 0 ? rc : 1;
}

struct socket {
        struct unit_streams streams;
        bool accept;
        char *service; /* NULL: of the socket's name */
};

static void socket_free(struct socket *c)
{
        unit_streams_free(&c->streams);
        free(c->service);
}

/* As survey_unit_files() calls it. */
static int note_socket(void *userdata, const char *path, const char *text, size_t len)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        struct socket *c = userdata;

        (void)path;
        for (struct unit_setting s; unit_file_next(&file, &s);) {
                if (unit_setting_is(&s, "Socket", "Accept")) {
                        c->accept = takeover_is_yes(s.value);
                } else if (unit_setting_is(&s, "Socket", "Service")) {
                        free(c->service);
                        c->service = strdup(s.value);
                        if (!c->service)
                                return -ENOMEM;
                }
        }
        return file.error < 0 ? file.error : unit_streams_read(&c->streams, text, len);
}

int other_access_socket(const struct run *r, const char *socket, char *ret, size_t size,
                        struct error *error)
{
        AUTO(socket_free) struct socket c = { 0 };
        struct facts f = r->facts; /* to be read */
        struct error unsaid = { 0 };
        struct survey s = { .root = &r->root, .facts = &f, .error = error ? error : &unsaid };
        int rc;

        f.live = false;
        rc = survey_unit_files(&s, socket, note_socket, &c);
        if (c.service && c.service[0])
                (void)snprintf(ret, size, "%s", c.service);
        else
                (void)snprintf(ret, size, "%.*s%s.service",
                               (int)(strlen(socket) - strlen(".socket")), socket,
                               c.accept ? "@" : "");
        return rc < 0 ? rc : c.streams.outside;
}
