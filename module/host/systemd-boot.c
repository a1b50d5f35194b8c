/* SPDX-License-Identifier: MIT
 *
 * systemd-boot.c: what systemd says of its next boot: whether that starts a unit. Part of
 * systemd.h; asks, looks at the links that generators made, and starts nothing.
 */
#include "host/systemd-bus.h"

#include "core/format/distro.h"
#include "core/util/words.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

#define UNITS_MAX 512 /* looked at on the way, each way; a boot has some hundred */

/* The reverse of what makes systemd start one unit for another (unit-dependency-atom.c,
 * UNIT_ATOM_PULL_IN_START), and behind those what starts it on demand. A manager that does not know
 * one of them has none. */
static const char *const pulled_in_by[] = { "WantedBy", "RequiredBy", "BoundBy", "UpheldBy",
                                            "TriggeredBy" };
#define ON_DEMAND (ELEMENTSOF(pulled_in_by) - 1)
static const char *const pulls_in[] = { "Requires", "Wants", "BindsTo", "Upholds" };

static int add_names(struct systemd *m, const char *path, const char *property, struct argv *units)
{
        AUTO(argv_free) struct argv names = { 0 };
        int r = systemd_list(m, path, UNIT_INTERFACE, property, &names);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        for (size_t i = 0; r == 0 && i < names.n; i++)
                r = argv_add_once(units, names.list[i], UNITS_MAX);
        return r;
}

/* A unit's name without aliases: default.target is most often one. */
static int read_id(struct systemd *m, const char *unit, char **ret)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *path = NULL;
        int r = systemd_load_unit(m, unit, &reply, &path);

        return r < 0 ? r
                     : sd_bus_get_property_string(m->bus, DESTINATION, path, UNIT_INTERFACE, "Id",
                                                  NULL, ret);
}

bool systemd_file_lasts(const char *path)
{
        static const char *const gone[] = { "/run/systemd/system/", "/run/systemd/transient/",
                                            "/run/systemd/system.control/" };

        for (size_t i = 0; i < ELEMENTSOF(gone); i++)
                if (strncmp(path, gone[i], strlen(gone[i])) == 0)
                        return false;
        return true;
}

static bool is_masked(struct systemd *m, const char *path)
{
        AUTO_FREE char *state = NULL;

        return sd_bus_get_property_string(m->bus, DESTINATION, path, UNIT_INTERFACE, "LoadState",
                                          NULL, &state) >= 0 &&
               strcmp(state, "masked") == 0;
}

static bool lasts(struct systemd *m, const char *path)
{
        AUTO_FREE char *fragment = NULL;

        return sd_bus_get_property_string(m->bus, DESTINATION, path, UNIT_INTERFACE, "FragmentPath",
                                          NULL, &fragment) >= 0 &&
               systemd_file_lasts(fragment);
}

/* When it became active last; 0: never. */
static uint64_t active_since(struct systemd *m, const char *path)
{
        uint64_t at = 0;

        if (sd_bus_get_property_trivial(m->bus, DESTINATION, path, UNIT_INTERFACE,
                                        "ActiveEnterTimestampMonotonic", NULL, 't', &at) < 0)
                return 0;
        return at;
}

static bool is_generated(struct systemd *m, const char *path)
{
        AUTO_FREE char *fragment = NULL;

        return sd_bus_get_property_string(m->bus, DESTINATION, path, UNIT_INTERFACE, "FragmentPath",
                                          NULL, &fragment) < 0 ||
               strncmp(fragment, GENERATOR_DIRECTORY, strlen(GENERATOR_DIRECTORY)) == 0;
}

bool systemd_socket_is_of_boot(struct systemd *m, const char *socket)
{
        AUTO_BUS_MESSAGE *reply = NULL, *basic = NULL;
        const char *path = NULL, *target = NULL;

        if (systemd_load_unit(m, socket, &reply, &path) < 0 ||
            systemd_load_unit(m, "basic.target", &basic, &target) < 0)
                return false;
        return !is_generated(m, path) || !active_since(m, target) ||
               active_since(m, path) < active_since(m, target);
}

/* Whose links are of /run, too, and are made anew at each boot. */
static bool is_enabled_by_generator(const char *unit)
{
        AUTO_BUF pattern = BUF_INIT;
        glob_t found = { 0 };
        bool any;

        buf_addf(&pattern, GENERATOR_DIRECTORY "*/*.[wru]*s/%s",
                 unit); /* wants, requires, upholds */
        any = pattern.error == 0 &&
              glob(buf_str(&pattern), GLOB_NOSORT | GLOB_NOESCAPE, NULL, &found) == 0;
        globfree(&found);
        return any;
}

/* By "systemctl enable --runtime" alone: WantedBy= has its links of /run like all others. */
static bool is_enabled_for_now(struct systemd *m, const char *unit, const char *path)
{
        AUTO_FREE char *state = NULL;

        return sd_bus_get_property_string(m->bus, DESTINATION, path, UNIT_INTERFACE,
                                          "UnitFileState", NULL, &state) >= 0 &&
               strcmp(state, "enabled-runtime") == 0 && !is_enabled_by_generator(unit);
}

/* Adds what pulls that unit in, where it will be there after a boot. 0, or less where that cannot
 * be told. The one that is asked for may be masked: by us, say, who are about to unmask it. */
static int add_origins(struct systemd *m, const char *unit, size_t ways, struct argv *units)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *path = NULL;
        int r = 0;

        if (systemd_load_unit(m, unit, &reply, &path) < 0 || !lasts(m, path) ||
            (unit != units->list[0] && is_masked(m, path)))
                return 0;
        for (size_t k = is_enabled_for_now(m, unit, path) ? ON_DEMAND : 0; r >= 0 && k < ways; k++)
                r = add_names(m, path, pulled_in_by[k], units);
        return r;
}

/* Adds what the target pulls in, if it will be there after a boot. 1 where it is one of the units;
 * 0, or less where that cannot be told. */
static int look_at_target(struct systemd *m, const char *name, const struct argv *units,
                          struct argv *targets)
{
        AUTO_BUS_MESSAGE *reply = NULL;
        const char *path = NULL;
        int r = 0;

        if (!text_ends(name, ".target") || systemd_load_unit(m, name, &reply, &path) < 0 ||
            !lasts(m, path) || is_masked(m, path))
                return 0;
        if (argv_has(units, name))
                return 1;
        for (size_t k = 0; r >= 0 && k < ELEMENTSOF(pulls_in); k++)
                r = add_names(m, path, pulls_in[k], targets);
        return r < 0 ? r : 0;
}

/* Whether the goal leads to one of the units, from target to target: of a boot that went to another
 * one (systemd.unit=) systemd has unloaded the goal, and no unit knows any more that it wants it.
 */
static bool leads_to(struct systemd *m, const char *goal, const struct argv *units)
{
        AUTO(argv_free) struct argv targets = { 0 };

        int r = argv_adds(&targets, goal);

        for (size_t i = 0; r == 0 && i < targets.n && i < UNITS_MAX; i++)
                r = look_at_target(m, targets.list[i], units, &targets);
        return r > 0;
}

bool systemd_boot_starts(struct systemd *m, const char *unit, bool on_demand)
{
        const size_t ways = ON_DEMAND + on_demand;
        AUTO(argv_free) struct argv units = { 0 };
        AUTO_FREE char *goal = NULL;
        bool found = false;

        if (read_id(m, "default.target", &goal) < 0 || argv_adds(&units, unit) < 0)
                return false;
        for (size_t i = 0; !found && i < units.n; i++) {
                found = strcmp(units.list[i], goal) == 0;
                if (!found && add_origins(m, units.list[i], ways, &units) < 0)
                        break;
        }
        return found || leads_to(m, goal, &units);
}

/* "disable" takes links of /etc and /run alone: what a link in /usr pulls in, or another unit,
 * comes back with a boot, and systemd calls it disabled or static (install.c,
 * find_symlinks_in_scope()). No mask can stand where the unit's own file is. */
const char *systemd_verb_to_end(struct systemd *m, const char *unit, const struct unit_state *s)
{
        const bool own = strncmp(s->fragment, "/etc/", 5) == 0;
        const bool linked = strncmp(s->enabled, "enabled", 7) == 0;

        return !own && !linked && systemd_boot_starts(m, unit, false) ? "mask --now"
                                                                      : "disable --now";
}
