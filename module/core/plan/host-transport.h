/* SPDX-License-Identifier: MIT
 *
 * host-transport.h: whether a host can come in over vsock, decided by a table of what machines say
 * of themselves. A transport that exists is not enough: clouds have them for their own use, and
 * what runs in a container shares that of the machine around it. What the table does not know is no
 * way in, and says how to vouch for it. Looks at nothing itself. Pure.
 */
#pragma once

#include "core/format/distro.h"

/* What a machine says of itself; "" where it says nothing. */
struct machine {
        char word[32];    /* systemd's Virtualization */
        char vendor[64];  /* DMI: sys_vendor, */
        char product[64]; /* product_name, */
        char tag[64];     /* chassis_asset_tag */
        bool container;   /* marks of a container, whatever the word */
        bool enclaves;    /* it can start Nitro enclaves */
        bool enclave;     /* it is one */
};

/* What leads out of it right now. */
struct transports {
        unsigned registered; /* bits 1 << MODULE_…: the kernel has the driver, module or not */
        uint32_t cid;        /* the local CID; 0 or any other that no host could use: none */
};

struct host_transport {
        bool known; /* it was looked at */
        bool reachable;
        bool assumed;     /* … because the configuration says so */
        uint32_t cid;     /* 0: none, or the host calls this machine by its VM id */
        char reason[256]; /* why not, one sentence without a full stop; "" where the table says yes
                           */
        char fix[384];
};

/* 3 and above are machines (vsock(7)), but for the kernel's word for any. */
bool host_transport_is_address(uint32_t cid);

/* Which machine it is, as far as that decides about transports and about what a host needs. */
enum virt host_transport_virt(const struct machine *m);

/* Whether no host of this kind of machine is the user's: then nothing can be printed for it. */
bool host_transport_never(const struct machine *m);

/* Whether the machine's vsock device is, on its host, a UNIX socket and no CID. */
bool host_transport_by_socket(const struct machine *m);

/* With `assume` the operator vouches for what the table does not know; `reason` stays. */
void host_transport_find(const struct machine *m, const struct transports *t, bool assume,
                         struct host_transport *ret);
