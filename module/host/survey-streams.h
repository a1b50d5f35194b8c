/* SPDX-License-Identifier: MIT
 *
 * survey-streams.h: the part of survey.c that reads the files of a unit as they are without us.
 * Reads only.
 */
#pragma once

#include "host/survey-read.h"

/* Gets the bytes of one file; "" is what Ubuntu's generator will make. 0 or −errno. */
typedef int (*survey_text_fn)(void *userdata, const char *path, const char *text, size_t len);

/* Calls `each` for the files of a unit, but for our drop-in, in systemd's order: behind a mask that
 * we recorded for the file that it took the place of. 0 or −errno; -E2BIG, said, where there is
 * more than any unit has. */
int survey_unit_files(struct survey *s, const char *unit, survey_text_fn each,
                      void *userdata) MUST_CHECK;

/* Calls `each` for the file of a unit of our name that ours in /etc goes before. 0 or −errno. */
int survey_covered_file(struct survey *s, const char *unit, survey_text_fn each,
                        void *userdata) MUST_CHECK;
