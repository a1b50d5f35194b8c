/* SPDX-License-Identifier: MIT
 *
 * proxy.h: this program as ssh's ProxyCommand: between ssh-client.c, which asks for it, and main.c,
 * where it then begins.
 */
#pragma once

#include "core/util/error.h"

/* The first argument; the port is the second. */
#define PROXY_WORD "--proxy-loopback"

/* Connects to the port through vsock loopback and hands the socket to ssh over standard output, as
 * ProxyUseFdpass wants it. 0 or −errno. Live systems only: the caller has checked that. */
int proxy_pass(uint32_t port, struct error *error) MUST_CHECK;
