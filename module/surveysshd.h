/* SPDX-License-Identifier: MIT
 *
 * surveysshd.h: the part of the survey that is about sshd: which files its configuration consists
 * of, which options its unit passes, which keys it has. Reads only.
 */
#pragma once

#include "surveyread.h"

/* Fills environments, n_host_keys, dropins, sshd_config, sshd_files and sshd_ports. 0 or −errno. */
int survey_sshd(struct survey *s) MUST_CHECK;
