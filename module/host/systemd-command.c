/* SPDX-License-Identifier: MIT
 *
 * systemd-command.c: what systemd says that a service executes, and in which environment. Part of
 * systemd.h; asks, and starts nothing.
 */
#include "host/systemd-bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FEW_TASKS    64                     /* a login takes ten */
#define CAPABILITIES UINT64_C(0x1fffffffff) /* up to CAP_BLOCK_SUSPEND, Linux 3.5 */

static int get(struct systemd *m, const char *path, const char *property, const char *type,
               sd_bus_message **ret)
{
        return sd_bus_get_property(m->bus, DESTINATION, path, SERVICE_INTERFACE, property, NULL,
                                   ret, type);
}

/* argv[0] may be another name than the program's ("@" in ExecStart=); the program is what counts.
 */
static int read_argv(struct systemd *m, const char *path, struct argv *ret)
{
        AUTO_BUS_MESSAGE *reply = NULL;
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
                r = argv_adds(ret, program);
        if (r == 0)
                r = sd_bus_message_enter_container(reply, 'a', "s");
        for (bool first = true; r >= 0 && (r = sd_bus_message_read(reply, "s", &word)) > 0;
             first = false)
                if (!first)
                        r = argv_adds(ret, word);
        return r;
}

static int read_files(struct systemd *m, const char *path, struct argv *ret)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *file;
        int optional;
        int r = get(m, path, "EnvironmentFiles", "a(sb)", &reply);

        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(sb)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sb)", &file, &optional)) > 0)
                r = argv_adds(ret, file);
        return r;
}

int systemd_service_command(struct systemd *m, const char *service, struct service_command *ret,
                            struct error *error)
{
        AUTO(service_command_free) struct service_command c = { 0 };
        AUTO_BUS_MESSAGE *unit = NULL;
        const char *path;
        int r = systemd_load_unit(m, service, &unit, &path);

        if (r >= 0)
                r = read_argv(m, path, &c.argv);
        if (r >= 0)
                r = systemd_list(m, path, SERVICE_INTERFACE, "Environment", &c.env);
        if (r >= 0)
                r = read_files(m, path, &c.files);
        if (r < 0)
                return systemd_say(error, r, NULL, "look at", service);
        *ret = c;
        memset(&c, 0, sizeof(c));
        return 0;
}

/* ---- what confines it ------------------------------------------------------------------------ */

/* Whether the property holds what a service has that nobody confined. */
static int is_free(sd_bus_message *reply, const char *type)
{
        const char *text = "";
        uint64_t number = 0;
        int flag = 0, r;

        switch (type[0]) {
        case 's':
                r = sd_bus_message_read(reply, "s", &text);
                return r < 0 ? r
                             : !*text || strcmp(text, "root") == 0 || strcmp(text, "0") == 0 ||
                                       strcmp(text, "no") == 0 || strcmp(text, "read-only") == 0;
        case 'b':
                r = sd_bus_message_read(reply, "b", &flag);
                return r < 0 ? r : !flag;
        case 't':
                r = sd_bus_message_read(reply, "t", &number);
                return r < 0 ? r : number >= FEW_TASKS;
        case 'a':
                r = sd_bus_message_enter_container(reply, 'a', type + 1);
                return r < 0 ? r : sd_bus_message_at_end(reply, false);
        default: /* (bas): whether it is a list of what is allowed, and the list */
                r = sd_bus_message_enter_container(reply, 'r', "bas");
                if (r > 0)
                        r = sd_bus_message_read(reply, "b", &flag);
                if (r > 0)
                        r = sd_bus_message_enter_container(reply, 'a', "s");
                return r < 0 ? r : !flag && sd_bus_message_at_end(reply, false) > 0;
        }
}

/* All capabilities that this kernel has, as systemd says it: one bit each. */
static int has_all_capabilities(struct systemd *m, const char *path)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        uint64_t set = 0;
        int r = get(m, path, "CapabilityBoundingSet", "t", &reply);

        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &set);
        return r < 0 ? r : (set & CAPABILITIES) == CAPABILITIES;
}

/* What hides files shows when keys are asked for, or when the shell is not there; these do not.
 * They are not in every version of systemd. */
int systemd_service_confined(struct systemd *m, const char *service, char *ret, size_t size,
                             struct error *error)
{
        static const struct {
                const char *name, *type;
        } table[] = {
                { "User", "s" },
                { "Group", "s" },
                { "DynamicUser", "b" },
                { "PrivateUsers", "b" },
                { "RootDirectory", "s" },
                { "RootImage", "s" },
                { "ProtectHome", "s" },
                { "TemporaryFileSystem", "a(ss)" },
                { "InaccessiblePaths", "as" },
                { "NoExecPaths", "as" },
                { "SystemCallFilter", "(bas)" },
                { "RestrictAddressFamilies", "(bas)" },
                { "RestrictFileSystems", "(bas)" },
                { "TasksMax", "t" },
                { "LimitNPROC", "t" },
        };
        AUTO_BUS_MESSAGE *unit = NULL;
        const char *path;
        int r = systemd_load_unit(m, service, &unit, &path);

        ret[0] = '\0';
        if (r < 0)
                return systemd_say(error, r, NULL, "look at", service);
        if (has_all_capabilities(m, path) == 0)
                (void)snprintf(ret, size, "CapabilityBoundingSet=");
        for (size_t i = 0; !ret[0] && i < ELEMENTSOF(table); i++) {
                AUTO_BUS_MESSAGE *reply = NULL;

                if (get(m, path, table[i].name, table[i].type, &reply) >= 0 &&
                    is_free(reply, table[i].type) == 0)
                        (void)snprintf(ret, size, "%s=", table[i].name);
        }
        return 0;
}

void service_command_free(struct service_command *c)
{
        argv_free(&c->argv);
        argv_free(&c->env);
        argv_free(&c->files);
}
