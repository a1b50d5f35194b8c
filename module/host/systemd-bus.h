/* SPDX-License-Identifier: MIT
 *
 * systemd-bus.h: what the files that speak sd-bus share: the connection, its objects, and how a
 * failure is said.
 */
#pragma once

#include "core/util/buf.h"
#include "host/libsystemd.h"
#include "host/systemd.h"

#define DESTINATION "org.freedesktop.systemd1"
#define OBJECT      "/org/freedesktop/systemd1"
#define INTERFACE   "org.freedesktop.systemd1.Manager"

#define UNIT_INTERFACE    "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"
#define SOCKET_INTERFACE  "org.freedesktop.systemd1.Socket"

struct systemd {
        sd_bus *bus;
        bool no_wait;
        char *job;       /* the job waited for */
        char result[32]; /* how it ended; empty while it runs */
};

static inline void unref_bus_message(sd_bus_message **msg)
{
        sd_bus_message_unref(*msg);
}

static inline void free_bus_error(sd_bus_error *e)
{
        sd_bus_error_free(e);
}

#define AUTO_BUS_ERROR   AUTO(free_bus_error) sd_bus_error
#define AUTO_BUS_MESSAGE AUTO(unref_bus_message) sd_bus_message

/* Has the unit loaded; its object's path, which `reply` owns. 0 or −errno. */
int systemd_load_unit(struct systemd *m, const char *unit, sd_bus_message **reply,
                      const char **path) MUST_CHECK;

/* The stream addresses of a loaded socket unit, separated by blanks. 0 or −errno. */
int systemd_streams(struct systemd *m, const char *path, struct buf *out) MUST_CHECK;

/* A property that is a list of strings, into an empty one. 0 or −errno. */
int systemd_list(struct systemd *m, const char *path, const char *interface, const char *name,
                 struct argv *ret) MUST_CHECK;

/* Whether one of the drop-ins that systemd has read for a loaded unit has the name. */
bool systemd_has_dropin(struct systemd *m, const char *path, const char *name);

/* `e` may be NULL. Returns r. */
int systemd_say(struct error *error, int r, const sd_bus_error *e, const char *what,
                const char *unit);
