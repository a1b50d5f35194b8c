/* SPDX-License-Identifier: MIT
 *
 * survey-covered.h: the part of survey.c that reads the units of our names in other directories
 * than ours. Reads only.
 */
#pragma once

#include "host/survey-read.h"

/* Into facts.covered_socket and facts.covered_template. 0 or −errno. */
int survey_covered(struct survey *s) MUST_CHECK;
