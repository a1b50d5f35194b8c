/* SPDX-License-Identifier: MIT
 *
 * client-config.h: what the other side needs, as text to paste: ssh_config stanzas for
 * Linux and Windows hosts, the service GUID and registry command of Hyper-V, known_hosts lines.
 * Pure.
 */
#pragma once

#include "core/plan/host-transport.h"
#include "core/util/buf.h"

struct client {
        const char *name; /* of this machine; a host name */
        uint32_t port;
        uint32_t cid; /* 0, or any other that no host could use: unknown */
        enum virt virt;
        const struct host_transport *host_transport; /* NULL: not looked at */
        bool hostless; /* no host of it is the user's: there is nothing to print for one */
};

/* Ways in, one stanza each. */
enum client_route {
        ROUTE_SYSTEMD,
        ROUTE_MUX,
        ROUTE_SOCAT,
        ROUTE_UNIX,
        ROUTE_HVC,
        ROUTE_WINSOCAT,
        N_ROUTES,
};

/* A stable word for machines, and a line for people. */
const char *client_route_id(enum client_route route);
const char *client_route_about(enum client_route route);

/* Whether a host of this machine can have that route. */
bool client_has_route(const struct client *c, enum client_route route);

/* The name by which ssh then knows the machine; and the stanza, which begins with that name. */
void client_host(const struct client *c, enum client_route route, struct buf *out);
void client_stanza(const struct client *c, enum client_route route, struct buf *out);

/* Whether the Windows host has to be told of the port; and the key below HKEY_LOCAL_MACHINE. */
bool client_is_registered(const struct client *c);
void client_registry_key(const struct client *c, struct buf *out);

/* All of it, for a person. */
void client_render(const struct client *c, struct buf *out);

/* `%08X-FACB-11E6-BD58-64006A7986D3`: the template that Linux's hv_sock and Windows agree on for a
 * vsock port (hyperv_transport.c, srv_id_template). */
void client_guid(uint32_t port, struct buf *out);

/* A known_hosts line for one public key file's text ("TYPE BASE64 COMMENT"); nothing for what is
 * none. */
void client_known_host(const char *name, const char *public_key, struct buf *out);
