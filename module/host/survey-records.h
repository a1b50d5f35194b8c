/* SPDX-License-Identifier: MIT
 *
 * survey-records.h: which units we masked, once, by the records that were kept of it. Reads only.
 */
#pragma once

#include "host/survey-read.h"

/* A socket unit's name that is no instance's, and short enough for names made of it. */
bool survey_is_plain_socket(const char *name);

/* TCP units as bits of distro_tcp_units; socket units go to the facts. 0 or −errno. */
int survey_records(struct survey *s, unsigned *ret) MUST_CHECK;
