/* SPDX-License-Identifier: MIT
 *
 * ip-address.h: what an IPv4 or IPv6 address is, however it is spelled. Pure.
 */
#pragma once

#include <stdbool.h>

/* Whether another machine could connect there: an address that is none of loopback. A name does not
 * tell: "localhost", and on Debian that of the machine, are loopback's by /etc/hosts. */
bool ip_is_outside(const char *host);
