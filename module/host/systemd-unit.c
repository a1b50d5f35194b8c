/* SPDX-License-Identifier: MIT
 *
 * systemd-unit.c: what systemd says of one unit: whether it is loaded, runs, failed, and what a
 * socket unit counts. Part of systemd.h; asks, and starts nothing.
 */
#include "host/systemd-bus.h"

#include "core/format/distro.h"
#include "core/util/words.h"

#include <stdio.h>
#include <string.h>

/* What systemd says of any unit, in its own words. */
struct properties {
        struct unit_state *unit;
        char load[32], active[32];
        int need_reload;
};

/* As many as there is room for: they are for people, in messages. */
static int read_dropins(sd_bus_message *reply, struct unit_state *s)
{
        const char *path;
        size_t len = 0;
        int r = sd_bus_message_enter_container(reply, 'v', "as");

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(reply, "s", &path)) > 0)
                if (len + strlen(path) + 2 <= sizeof(s->dropins))
                        len += (size_t)snprintf(s->dropins + len, sizeof(s->dropins) - len, "%s%s",
                                                len ? " " : "", path);
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

/* One property, already at its value: 0, 1 where it is none of those, −errno. */
static int take_property(sd_bus_message *reply, const char *name, struct properties *p)
{
        const struct {
                const char *name;
                char *text;
                size_t size;
        } texts[] = { { "LoadState", p->load, sizeof(p->load) },
                      { "ActiveState", p->active, sizeof(p->active) },
                      { "FragmentPath", p->unit->fragment, sizeof(p->unit->fragment) },
                      { "UnitFileState", p->unit->enabled, sizeof(p->unit->enabled) } };
        const char *value;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                if (strcmp(name, texts[i].name) != 0)
                        continue;
                r = sd_bus_message_read(reply, "v", "s", &value);
                if (r > 0)
                        (void)snprintf(texts[i].text, texts[i].size, "%s", value);
                return r < 0 ? r : 0;
        }
        if (strcmp(name, "DropInPaths") == 0)
                r = read_dropins(reply, p->unit);
        else if (strcmp(name, "NeedDaemonReload") == 0)
                r = sd_bus_message_read(reply, "v", "b", &p->need_reload);
        else if (strcmp(name, "StateChangeTimestamp") == 0)
                r = sd_bus_message_read(reply, "v", "t", &p->unit->changed);
        else
                return 1;
        return r < 0 ? r : 0;
}

/* All at once: what nobody needs systemd unloads after each answer, and reads from the disk again
 * for the next question, with word of both to whoever listens. */
static int read_properties(struct systemd *m, const char *path, struct properties *p)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *name;
        int r = sd_bus_call_method(m->bus, DESTINATION, path, "org.freedesktop.DBus.Properties",
                                   "GetAll", NULL, &reply, "s", UNIT_INTERFACE);

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read(reply, "s", &name);
                if (r >= 0)
                        r = take_property(reply, name, p);
                if (r > 0)
                        r = sd_bus_message_skip(reply, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? r : 0;
}

static void read_number(struct systemd *m, const char *path, const char *interface,
                        const char *name, uint32_t *ret)
{
        (void)sd_bus_get_property_trivial(m->bus, DESTINATION, path, interface, name, NULL, 'u',
                                          ret);
}

static void read_result(struct systemd *m, const char *path, const char *interface,
                        struct unit_state *s)
{
        AUTO_FREE char *value = NULL;

        if (sd_bus_get_property_string(m->bus, DESTINATION, path, interface, "Result", NULL,
                                       &value) >= 0)
                (void)snprintf(s->result, sizeof(s->result), "%s", value);
}

/* NRefused is there since 239; an older manager leaves it 0. */
static void read_socket(struct systemd *m, const char *path, struct unit_state *s)
{
        AUTO_BUF streams = BUF_INIT;

        read_result(m, path, SOCKET_INTERFACE, s);
        read_number(m, path, SOCKET_INTERFACE, "NAccepted", &s->accepted);
        read_number(m, path, SOCKET_INTERFACE, "NConnections", &s->connections);
        read_number(m, path, SOCKET_INTERFACE, "NRefused", &s->refused);
        /* a part of them would have addresses look lost, and the socket restarted at each run */
        if (systemd_streams(m, path, &streams) == 0 && streams.len < sizeof(s->listen))
                (void)snprintf(s->listen, sizeof(s->listen), "%s", buf_str(&streams));
        s->dropin = systemd_has_dropin(m, path, SOCKET_DROPIN);
}

static int read_unit(struct systemd *m, const char *unit, const char *path, struct unit_state *s)
{
        struct properties p = { .unit = s };
        int r = read_properties(m, path, &p);

        if (r < 0)
                return r;
        s->loaded = strcmp(p.load, "loaded") == 0;
        s->masked = strcmp(p.load, "masked") == 0;
        s->rejected = strcmp(p.load, "bad-setting") == 0 || strcmp(p.load, "error") == 0;
        s->starting = strcmp(p.active, "activating") == 0;
        s->active = strcmp(p.active, "active") == 0 || s->starting ||
                    strcmp(p.active, "reloading") == 0;
        s->failed = strcmp(p.active, "failed") == 0;
        /* of a unit with drop-ins that is not loaded it is always said (systemd's unit.c,
         * unit_need_daemon_reload()) */
        s->needs_reload = p.need_reload && !(s->rejected && s->dropins[0]);
        if (strcmp(p.load, "not-found") == 0 && !s->active && !s->failed)
                return 0;
        if (text_ends(unit, ".socket")) {
                read_socket(m, path, s);
        } else {
                read_result(m, path, SERVICE_INTERFACE, s);
                read_number(m, path, SERVICE_INTERFACE, "MainPID", &s->main_pid);
        }
        return 0;
}

static int look_at_unit(struct systemd *m, const char *method, const char *unit,
                        struct unit_state *ret, struct error *error)
{
        AUTO_BUS_ERROR e = SD_BUS_ERROR_NULL;
        struct unit_state s = { 0 };
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *path;
        int r;

        r = sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, method, &e, &reply, "s",
                               unit);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = read_unit(m, unit, path, &s);
        else if (sd_bus_error_has_name(&e, DESTINATION ".NoSuchUnit"))
                r = 0; /* the state of nothing */
        if (r < 0)
                r = systemd_say(error, r, &e, "look at", unit);
        else
                *ret = s;
        return r < 0 ? r : 0;
}

int systemd_load_unit(struct systemd *m, const char *unit, sd_bus_message **reply,
                      const char **path)
{
        int r = sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "LoadUnit", NULL, reply,
                                   "s", unit);

        return r < 0 ? r : sd_bus_message_read(*reply, "o", path);
}

int systemd_unit(struct systemd *m, const char *unit, struct unit_state *ret, struct error *error)
{
        return look_at_unit(m, "LoadUnit", unit, ret, error);
}

int systemd_loaded_unit(struct systemd *m, const char *unit, struct unit_state *ret,
                        struct error *error)
{
        return look_at_unit(m, "GetUnit", unit, ret, error);
}
