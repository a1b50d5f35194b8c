/* SPDX-License-Identifier: MIT
 *
 * systemd-sockets.c: what systemd says of its socket units: where they listen, which service a
 * connection starts, what that one executes, and which files a unit is made of. Part of systemd.h;
 * asks, and starts nothing.
 */
#include "host/systemd-bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* systemd prints addresses as people do: "0.0.0.0:22", "[::]:22", "vsock::22", "/run/x". */
int systemd_streams(struct systemd *m, const char *path, struct buf *out)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *type, *address;
        int r = sd_bus_get_property(m->bus, DESTINATION, path, SOCKET_INTERFACE, "Listen", NULL,
                                    &reply, "a(ss)");

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &type, &address)) > 0)
                if (strcmp(type, "Stream") == 0)
                        buf_add_word(out, address, strlen(address));
        return r < 0 ? r : out->error;
}

int systemd_list(struct systemd *m, const char *path, const char *interface, const char *name,
                 struct argv *ret)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *word;
        int r = sd_bus_get_property(m->bus, DESTINATION, path, interface, name, NULL, &reply, "as");

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(reply, "s", &word)) > 0)
                r = argv_adds(ret, word);
        return r;
}

bool systemd_has_dropin(struct systemd *m, const char *path, const char *name)
{
        AUTO(argv_free) struct argv files = { 0 };
        int r = systemd_list(m, path, UNIT_INTERFACE, "DropInPaths", &files);
        bool has = false;

        for (size_t i = 0; r == 0 && i < files.n; i++)
                has = has || strcmp(basename(files.list[i]), name) == 0;
        return has;
}

/* With Accept=yes systemd makes the name of each connection's service itself; any instance will do
 * to look at. Otherwise it is the unit that the socket triggers. */
static int read_service(struct systemd *m, const char *path, const char *socket, char *ret,
                        size_t size)
{
        AUTO(argv_free) struct argv triggered = { 0 };
        int accept = 0;
        int r = sd_bus_get_property_trivial(m->bus, DESTINATION, path, SOCKET_INTERFACE, "Accept",
                                            NULL, 'b', &accept);

        if (r >= 0 && accept) {
                const char *end = strchr(socket, '@') ? strchr(socket, '@') : strrchr(socket, '.');

                /* unit_name_to_prefix() of systemd's unit-name.c */
                (void)snprintf(ret, size, "%.*s@verify.service",
                               end ? (int)(end - socket) : (int)strlen(socket), socket);
                return 0;
        }
        if (r >= 0)
                r = systemd_list(m, path, UNIT_INTERFACE, "Triggers", &triggered);
        if (r >= 0)
                (void)snprintf(ret, size, "%s", triggered.n ? triggered.list[0] : "");
        return r;
}

int systemd_socket_service(struct systemd *m, const char *socket, char *ret, size_t size,
                           struct error *error)
{
        AUTO_BUS_MESSAGE *unit = NULL;
        const char *path;
        int r = systemd_load_unit(m, socket, &unit, &path);

        if (r >= 0)
                r = read_service(m, path, socket, ret, size);
        return r < 0 ? systemd_say(error, r, NULL, "look at", socket) : 0;
}

static int read_files(struct systemd *m, const char *path, struct buf *out)
{
        AUTO(argv_free) struct argv files = { 0 };
        AUTO_FREE char *fragment = NULL;
        int r = sd_bus_get_property_string(m->bus, DESTINATION, path, UNIT_INTERFACE,
                                           "FragmentPath", NULL, &fragment);

        if (r >= 0)
                buf_addf(out, "%s\n", fragment);
        if (r >= 0)
                r = systemd_list(m, path, UNIT_INTERFACE, "DropInPaths", &files);
        for (size_t i = 0; r == 0 && i < files.n; i++)
                buf_addf(out, "%s\n", files.list[i]);
        return r < 0 ? r : out->error;
}

int systemd_unit_files(struct systemd *m, const char *unit, struct buf *ret, struct error *error)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *path;
        int r = systemd_load_unit(m, unit, &reply, &path);

        if (r >= 0)
                r = read_files(m, path, ret);
        return r < 0 ? systemd_say(error, r, NULL, "look at", unit) : 0;
}

void systemd_socket_program(struct systemd *m, const char *socket, char *ret, size_t size)
{
        AUTO(service_command_free) struct service_command c = { 0 };
        char service[256] = "";

        ret[0] = '\0';
        if (systemd_socket_service(m, socket, service, sizeof(service), NULL) == 0 && service[0] &&
            systemd_service_command(m, service, &c, NULL) == 0)
                (void)snprintf(ret, size, "%s", c.argv.list[0]);
}

/* A unit that is gone by now is none. */
static int read_socket(struct systemd *m, const char *name, const char *path,
                       int (*each)(const struct socket_unit *s, void *userdata), void *userdata)
{
        AUTO_BUF streams = BUF_INIT;

        if (systemd_streams(m, path, &streams) < 0 || streams.len == 0)
                return 0;
        return each(&(struct socket_unit){ name, buf_str(&streams) }, userdata);
}

int systemd_each_socket(struct systemd *m, int (*each)(const struct socket_unit *s, void *userdata),
                        void *userdata, struct error *error)
{
        AUTO_BUS_ERROR e = SD_BUS_ERROR_NULL;
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *name, *path;
        int r = sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "ListUnitsByPatterns",
                                   &e, &reply, "asas", 1, "active", 1, "*.socket");

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, NULL,
                                                  NULL, NULL, &path, NULL, NULL, NULL)) > 0) {
                r = read_socket(m, name, path, each, userdata);
                if (r != 0)
                        break;
        }
        if (r < 0)
                r = systemd_say(error, r, &e, "list sockets", "");
        return r;
}
