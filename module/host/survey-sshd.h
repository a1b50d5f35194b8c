/* SPDX-License-Identifier: MIT
 *
 * survey-sshd.h: the part of the survey that is about sshd: which files its configuration consists
 * of, which options its unit passes, which keys it has. Reads only.
 */
#pragma once

#include "host/survey-read.h"

/* Fills environments, n_host_keys, dropins, sshd_config, sshd_files, sshd_beyond, sshd_ports,
 * sshd_settings and sshd_options. 0 or −errno. */
int survey_sshd(struct survey *s) MUST_CHECK;

/* Between the files of this part only. The second follows the main file `path` and what it includes
 * into sshd_settings and the others that are about files; the first then adds the unit's options,
 * which may name another main file, and counts the keys. (survey-keys.c) */
int survey_sshd_settings(struct survey *s) MUST_CHECK;
int survey_sshd_files(struct survey *s, const char *path) MUST_CHECK;

/* The same: fills environments and sshd_options, all that can be read of them, and returns 0 or the
 * first −errno. (survey-options.c) */
int survey_sshd_options(struct survey *s) MUST_CHECK;
