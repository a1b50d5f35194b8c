/* SPDX-License-Identifier: MIT
 *
 * net-addresses.h: at which addresses of this machine another machine could connect. Looks, and
 * sends nothing.
 */
#pragma once

#include <stdbool.h>

/* Whether somebody who listens on the IP address is heard on a network: it is one of an interface
 * that is up, and another interface than loopback runs with an address that is not link-local; for
 * a wildcard one of its family, and for "::" of both, but with `v6_only`. Where the kernel does not
 * tell, an address of this machine is enough. */
bool net_leads_to(const char *host, bool v6_only);
