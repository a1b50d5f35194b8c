/* SPDX-License-Identifier: MIT
 *
 * takeover-command.h: the part of takeover.h that is about commands of a unit written by hand:
 * whether they are what ours has. Pure.
 */
#pragma once

#include "core/util/base.h"

/* What is different about an ExecStart= beside "sshd -i" with the distribution's own options: NULL
 * in *ret_reason, nothing. 0 or -ENOMEM. */
int takeover_sshd_differs(const char *value, const char **ret_reason) MUST_CHECK;

/* The same of an ExecStartPre=, of which ours has a unit and RuntimeDirectory=. */
int takeover_preparation_differs(const char *value, const char **ret_reason) MUST_CHECK;

/* Whether it starts the system's sshd for one connection, with whatever options: 1, 0, -ENOMEM. */
int takeover_is_server(const char *value) MUST_CHECK;
