/* SPDX-License-Identifier: MIT
 *
 * survey-left.h: what an earlier run wrote into files that sshd does not read any more. Reads only.
 */
#pragma once

#include "host/survey-read.h"

/* Into facts.sshd_left; after survey_sshd(). 0 or −errno. */
int survey_left(struct survey *s) MUST_CHECK;
