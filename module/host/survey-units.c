/* SPDX-License-Identifier: MIT
 *
 * survey-units.c: the part of survey.h that asks systemd about our units, and what has our socket:
 * a drop-in that moves it, a service that holds it. It reads only.
 */
#include "core/format/unit-file.h"
#include "host/survey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A unit that SELinux keeps from systemd is as good as not loaded: its label is corrected, then it
 * is.
 */
static int look_at_unit(struct systemd *m, const char *unit, struct unit_state *ret,
                        struct error *error)
{
        int r = systemd_unit(m, unit, ret, error);

        if (r != -EACCES)
                return r;
        *error = (struct error){ 0 };
        return 0;
}

static int names_stream(const char *text, size_t len)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };
        bool names = false;

        for (struct unit_setting s; unit_file_next(&file, &s);)
                names = names || (unit_setting_is(&s, "Socket", "ListenStream") && s.value[0]);
        return file.error < 0 ? file.error : names;
}

/* A drop-in that cannot be read has moved nothing that is known of. */
static int find_mover(const struct rootfs *root, struct unit_state *s)
{
        char paths[sizeof(s->dropins)], *rest = NULL;
        int r = 0;

        memcpy(paths, s->dropins, sizeof(paths));
        for (char *path = strtok_r(paths, " ", &rest); path && r != -ENOMEM;
             path = strtok_r(NULL, " ", &rest)) {
                AUTO_FREE char *text = NULL;
                size_t len = 0;

                r = rootfs_read(root, path, ROOTFS_FILE_MAX, &text, &len, NULL);
                if (r == 0)
                        r = names_stream(text, len);
                if (r > 0)
                        (void)snprintf(s->mover, sizeof(s->mover), "%s", path);
        }
        return r == -ENOMEM ? r : 0;
}

/* Instances of a template have a connection each, and no socket. */
static int find_server(struct systemd *m, struct units *u, struct error *error)
{
        struct unit_state s = { 0 };
        char service[sizeof(u->server)] = "";
        int r = 0;

        if (u->socket.active)
                r = systemd_socket_service(m, UNIT_SOCKET, service, sizeof(service), error);
        if (r == 0 && service[0] && !strchr(service, '@'))
                r = look_at_unit(m, service, &s, error);
        if (r == 0 && s.active)
                memcpy(u->server, service, sizeof(service));
        return r;
}

int survey_units(const struct rootfs *root, struct systemd *m, struct units *ret,
                 struct error *error)
{
        const struct {
                const char *name;
                struct unit_state *state;
        } table[] = {
                { UNIT_SOCKET, &ret->socket },       { UNIT_KEYGEN, &ret->keygen },
                { UNIT_HOSTKEYS, &ret->hostkeys },   { UNIT_CREDENTIAL, &ret->credential },
                { UNIT_PROVISION, &ret->provision },
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ELEMENTSOF(table); i++)
                r = look_at_unit(m, table[i].name, table[i].state, error);
        if (r == 0)
                r = find_server(m, ret, error);
        return r == 0 ? find_mover(root, &ret->socket) : r;
}
