/* SPDX-License-Identifier: MIT
 *
 * client-config.h: what the other side needs, as text to paste or to include: an ssh_config stanza
 * for the kind of host one says, the service GUID and registry command of Hyper-V, known_hosts
 * lines. Pure.
 */
#pragma once

#include "core/plan/host-transport.h"
#include "core/util/buf.h"

/* Kinds of hosts, and of ways from them to this machine. */
enum client_route {
        ROUTE_LINUX, /* systemd or socat, whichever the host has */
        ROUTE_SYSTEMD,
        ROUTE_SOCAT,
        ROUTE_MUX,
        ROUTE_UNIX,
        ROUTE_HVC,
        ROUTE_WINSOCAT,
        ROUTE_WSL,
        N_ROUTES,
};

/* Texts are as client-options.h lets them through: nothing in them ends a word or a line. */
struct client {
        const char *name; /* by which ssh is to know this machine */
        uint32_t port;
        uint32_t cid; /* 0, or any other that no host could use: unknown */
        enum virt virt;
        bool by_socket; /* its vsock device is a UNIX socket of the host */
        const struct host_transport *host_transport; /* NULL: not looked at */
        bool hostless; /* no host of it is the user's: there is nothing to print for one */
        const char *vm_id, *vm_name; /* of Hyper-V; NULL: unknown */
        const char *distribution;    /* of WSL; NULL: unknown */

        /* What the user says. */
        bool asked;              /* for which kind of host: */
        enum client_route route; /* that one */
        const char *address;     /* and what that host calls this machine; NULL: not said, as in */
        const char *user;        /* the login name, */
        const char *identity;    /* the private key's file on the client, */
        const char *jump;        /* the ssh destination of the host, where ssh runs elsewhere */
};

/* What a host of that kind calls a machine. */
enum client_address {
        ADDRESS_CID,
        ADDRESS_PATH,  /* of the device's UNIX socket */
        ADDRESS_VM,    /* Hyper-V's name or id */
        ADDRESS_VM_ID, /* Hyper-V's id */
        ADDRESS_WSL,   /* the name of a distribution; need not be known */
};

enum host_kind { HOST_LINUX, HOST_HYPERV, HOST_WSL };

/* The ways; id: a stable word for machines, about: a line for people. */
struct client_row {
        const char *id, *about;
        enum host_kind kind;
        enum client_address address;
        bool fdpass;
        bool jumps;  /* the command does over ssh what it does here */
        bool quoted; /* it has quotes of its own */
        const char *host_name;
        const char *command;
};
extern const struct client_row client_routes[N_ROUTES];

/* Whether there is something to print for that kind of host. */
bool client_has_route(const struct client *c, enum client_route route);

/* The one that the user asked for, or the one that fits this machine best. */
enum client_route client_pick(const struct client *c);

/* Text for ssh_config, for the one name. */
void client_stanza(const struct client *c, enum client_route route, struct buf *out);

/* Whether the Windows host has to be told of the port; and the key below HKEY_LOCAL_MACHINE. */
bool client_is_registered(const struct client *c);
void client_registry_key(const struct client *c, struct buf *out);

/* All of it, for a person and for Include. */
void client_render(const struct client *c, struct buf *out);

/* `%08X-FACB-11E6-BD58-64006A7986D3`: the template that Linux's hv_sock and Windows agree on for a
 * vsock port (hyperv_transport.c, srv_id_template). */
void client_guid(uint32_t port, struct buf *out);

/* A known_hosts line for one public key file's text ("TYPE BASE64 COMMENT"); nothing for what is
 * none. */
void client_known_host(const char *name, const char *public_key, struct buf *out);
