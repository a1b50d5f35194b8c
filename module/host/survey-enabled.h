/* SPDX-License-Identifier: MIT
 *
 * survey-enabled.h: which units of sshd's a boot starts. Reads only.
 */
#pragma once

#include "host/survey-read.h"
#include "host/systemd.h"

/* Into facts.tcp[].enabled, facts.sockets and facts.covered_enabled. `m` may be NULL. 0 or −errno.
 */
int survey_enabled(struct survey *s, struct systemd *m) MUST_CHECK;
