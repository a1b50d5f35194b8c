/* SPDX-License-Identifier: MIT
 *
 * survey-records.h: which units we masked, once, by the records that were kept of it. Reads only.
 */
#pragma once

#include "host/survey-read.h"

/* Names of socket units that are kept, of any one kind. Beyond them it is no system of this world,
 * and they are left out. */
#define SOCKETS_MAX 1024

/* A socket unit's name that is no instance's, and short enough for names made of it. */
bool survey_is_plain_socket(const char *name);

/* TCP units as bits of distro_tcp_units; socket units go to the facts. 0 or −errno. */
int survey_records(struct survey *s, unsigned *ret) MUST_CHECK;
