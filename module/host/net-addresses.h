/* SPDX-License-Identifier: MIT
 *
 * net-addresses.h: at which addresses of this machine another machine could connect. Looks, and
 * sends nothing.
 */
#pragma once

#include "host/rootfs.h"

/* Whether somebody who listens on the IP address is heard on a network: it is one of an interface
 * that is up, and a network card's, a bridge's or a bond's of one, runs with an address that is
 * not link-local; for a wildcard one of its family, and for "::" of both, but with `v6_only`.
 * What containers and tunnels have is no card: nobody else gets there without one, unless the
 * default route goes through it. Told by `sys`, the root of the running system; NULL, in what has
 * none of its own: any interface but loopback is one. Where the kernel does not tell, an address
 * of this machine is enough. */
bool net_leads_to(const char *host, bool v6_only, const struct rootfs *sys);
