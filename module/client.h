/* SPDX-License-Identifier: MIT
 *
 * client.h: what the other side of the door needs, as text to paste: ssh_config stanzas for Linux
 * and Windows hosts, the service GUID and registry command of Hyper-V, known_hosts lines. Pure.
 */
#pragma once

#include "buf.h"
#include "layout.h"

struct client {
        const char *name; /* of this machine; a host name */
        uint32_t port;
        uint32_t cid; /* 0: unknown, or none that a host could use */
        enum virt virt;
};

void client_render(const struct client *c, struct buf *out);

/* `%08X-FACB-11E6-BD58-64006A7986D3`: the template that Linux's hv_sock and Windows agree on for a
 * vsock port (hyperv_transport.c, srv_id_template). */
void client_guid(uint32_t port, struct buf *out);

/* A known_hosts line for one public key file's text ("TYPE BASE64 COMMENT"); nothing for what is
 * none. */
void client_known_host(const char *name, const char *public_key, struct buf *out);
