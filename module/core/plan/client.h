/* SPDX-License-Identifier: MIT
 *
 * client.h: what the other side of the door needs, as text to paste: ssh_config stanzas for Linux
 * and Windows hosts, the service GUID and registry command of Hyper-V, known_hosts lines. Pure.
 */
#pragma once

#include "core/plan/hostway.h"
#include "core/util/buf.h"

struct client {
        const char *name; /* of this machine; a host name */
        uint32_t port;
        uint32_t cid; /* 0, or any other that no host could use: unknown */
        enum virt virt;
        const struct way *way; /* NULL: not looked at */
        bool hostless;         /* no host of it is the user's: there is nothing to print for one */
};

/* Ways in, one stanza each. */
enum client_way {
        WAY_SYSTEMD,
        WAY_MUX,
        WAY_SOCAT,
        WAY_UNIX,
        WAY_HVC,
        WAY_WINSOCAT,
        N_WAYS,
};

/* A stable word for machines, and a line for people. */
const char *client_way_id(enum client_way way);
const char *client_way_about(enum client_way way);

/* Whether a host of this machine can have that way. */
bool client_has_way(const struct client *c, enum client_way way);

/* The name by which ssh then knows the machine; and the stanza, which begins with that name. */
void client_host(const struct client *c, enum client_way way, struct buf *out);
void client_stanza(const struct client *c, enum client_way way, struct buf *out);

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
