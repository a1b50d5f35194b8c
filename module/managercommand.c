/* SPDX-License-Identifier: MIT
 *
 * managercommand.c: what systemd says that a service executes, and in which environment. Part of
 * manager.h; asks, and starts nothing.
 */
#include "managerbus.h"

#include <errno.h>
#include <string.h>

#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"

static void unref_message(sd_bus_message **msg)
{
        sd_bus_message_unref(*msg);
}

#define AUTO_MESSAGE AUTO(unref_message) sd_bus_message

static int get(struct manager *m, const char *path, const char *property, const char *type,
               sd_bus_message **ret)
{
        return sd_bus_get_property(m->bus, DESTINATION, path, SERVICE_INTERFACE, property, NULL,
                                   ret, type);
}

/* argv[0] may be another name than the program's ("@" in ExecStart=); the program is what counts.
 */
static int read_argv(struct manager *m, const char *path, struct words *ret)
{
        AUTO_MESSAGE *reply = NULL;
        const char *program, *word;
        int r = get(m, path, "ExecStart", "a(sasbttttuii)", &reply);

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(sasbttttuii)");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'r', "sasbttttuii");
        if (r == 0)
                return -ENOENT;
        if (r > 0)
                r = sd_bus_message_read(reply, "s", &program);
        if (r > 0)
                r = words_adds(ret, program);
        if (r == 0)
                r = sd_bus_message_enter_container(reply, 'a', "s");
        for (bool first = true; r >= 0 && (r = sd_bus_message_read(reply, "s", &word)) > 0;
             first = false)
                if (!first)
                        r = words_adds(ret, word);
        return r;
}

static int read_environment(struct manager *m, const char *path, struct words *ret)
{
        AUTO_MESSAGE *reply = NULL;
        const char *word;
        int r = get(m, path, "Environment", "as", &reply);

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(reply, "s", &word)) > 0)
                r = words_adds(ret, word);
        return r;
}

static int read_files(struct manager *m, const char *path, struct words *ret)
{
        AUTO_MESSAGE *reply = NULL;
        const char *file;
        int optional;
        int r = get(m, path, "EnvironmentFiles", "a(sb)", &reply);

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(sb)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sb)", &file, &optional)) > 0)
                r = words_adds(ret, file);
        return r;
}

int manager_service_command(struct manager *m, const char *service, struct service_command *ret,
                            struct why *why)
{
        AUTO(service_command_free) struct service_command c = { 0 };
        AUTO_MESSAGE *unit = NULL;
        const char *path;
        int r = sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "LoadUnit", NULL, &unit,
                                   "s", service);

        if (r >= 0)
                r = sd_bus_message_read(unit, "o", &path);
        if (r >= 0)
                r = read_argv(m, path, &c.argv);
        if (r >= 0)
                r = read_environment(m, path, &c.env);
        if (r >= 0)
                r = read_files(m, path, &c.files);
        if (r < 0)
                return manager_say(why, r, NULL, "look at", service);
        *ret = c;
        c = (struct service_command){ 0 };
        return 0;
}

void service_command_free(struct service_command *c)
{
        words_free(&c->argv);
        words_free(&c->env);
        words_free(&c->files);
}
