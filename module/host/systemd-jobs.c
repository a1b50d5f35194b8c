/* SPDX-License-Identifier: MIT
 *
 * systemd-jobs.c: what systemd says that a unit's pending job waits for. Part of systemd.h; asks,
 * and enqueues nothing.
 */
#include "host/systemd-bus.h"

#include <stdio.h>
#include <string.h>

/* The id of its pending job; 0: it has none. */
static int find_job(struct systemd *m, const char *unit, uint32_t *ret)
{
        AUTO_BUS_MESSAGE *loaded = NULL, *job = NULL;
        const char *path;
        int r = systemd_load_unit(m, unit, &loaded, &path);

        if (r >= 0)
                r = sd_bus_get_property(m->bus, DESTINATION, path, UNIT_INTERFACE, "Job", NULL,
                                        &job, "(uo)");
        return r < 0 ? r : sd_bus_message_read(job, "(uo)", ret, NULL);
}

int systemd_waits_for(struct systemd *m, const char *unit, char *ret, size_t size,
                      struct error *error)
{
        AUTO_BUS_MESSAGE *jobs = NULL;
        const char *name, *state;
        uint32_t id = 0;
        int r = find_job(m, unit, &id);

        ret[0] = '\0';
        if (r >= 0 && id == 0)
                return 0;
        if (r >= 0)
                r = sd_bus_call_method(m->bus, DESTINATION, OBJECT, INTERFACE, "GetJobBefore", NULL,
                                       &jobs, "u", id);
        if (r >= 0)
                r = sd_bus_message_enter_container(jobs, 'a', "(usssoo)");
        while (r >= 0 && (r = sd_bus_message_read(jobs, "(usssoo)", NULL, &name, NULL, &state, NULL,
                                                  NULL)) > 0)
                if (!ret[0] || strcmp(state, "running") == 0)
                        (void)snprintf(ret, size, "%s", name);
        if (r < 0)
                return systemd_say(error, r, NULL, "look at the jobs of", unit);
        if (!ret[0])
                (void)snprintf(ret, size, "%s", unit); /* it is at work itself */
        return 0;
}
